//! What a server answers to bytes, whatever its HTTP stack: one that takes the subprotocol "chat", echoes a text, and closes.

use super::exchange;

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Protocol: soap, chat\r\n";

#[tokio::test]
async fn what_comes_with_the_request_is_not_lost() {
    // A text, masked with zeros, and a Close frame.
    let mut bytes = [REQUEST.as_bytes(), b"\r\n"].concat();
    bytes.extend([0x81, 0x85, 0, 0, 0, 0]);
    bytes.extend(b"hello");
    bytes.extend([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]);
    let answer = exchange(&bytes).await;
    let (head, frames) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    assert!(head.contains("sec-websocket-protocol: chat"), "{head}");
    assert_eq!(frames, "\u{81}\u{05}hello\u{88}\u{02}\u{03}\u{E8}");
}

#[tokio::test]
async fn what_is_no_upgrade_is_refused() {
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let answer = exchange(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    let request = format!("{}Connection: close\r\n\r\n", REQUEST.replace(": 13", ": 12"));
    let answer = exchange(request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
    assert!(answer.contains("sec-websocket-version: 13\r\n"), "{answer}");
}
