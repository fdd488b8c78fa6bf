//! The first fault of each side, and text that is not harmless.

mod common;

use common::*;

fn faults(lines: &str) -> Vec<String> {
    let faults = lines.lines().filter(|line| line.contains("FAULT"));
    faults.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// A frame of either side, and the fault that is told.
#[test]
fn each_side_has_its_faults() {
    let rows: [(usize, &[u8], &str); 15] = [
        (CLIENT, HELLO, "a client's frame is not masked (RFC 6455 §5.1)"),
        (SERVER, MASKED_HELLO, "a server's frame is masked (RFC 6455 §5.1)"),
        (SERVER, b"\xc1\x00", "a reserved bit is set (RFC 6455 §5.2)"),
        (SERVER, b"\x91\x00", "a reserved bit is set (RFC 6455 §5.2)"),
        (SERVER, b"\x83\x00", "the opcode 3 is reserved (RFC 6455 §5.2)"),
        (SERVER, b"\x81\x7e\x00\x05", "the payload length is not minimal (RFC 6455 §5.2)"),
        (SERVER, b"\x80\x00", "a continuation frame without a message to continue (RFC 6455 §5.4)"),
        (
            SERVER,
            b"\x01\x00\x81\x00",
            "a new message starts inside an unfinished one (RFC 6455 §5.4)",
        ),
        (SERVER, b"\x89\x7e\x00\x7e", "a control frame exceeds 125 bytes (RFC 6455 §5.5)"),
        (SERVER, b"\x09\x00", "a control frame is fragmented (RFC 6455 §5.5)"),
        (SERVER, b"\x81\x01\xff", "a text message is not UTF-8 (RFC 6455 §8.1)"),
        (SERVER, b"\x88\x01\x03", "the close code is one byte (RFC 6455 §5.5.1)"),
        (SERVER, b"\x88\x02\x03\xed", "the close code 1005 must not be sent (RFC 6455 §7.4)"),
        (SERVER, b"\x88\x03\x03\xe8\xff", "the close reason is not UTF-8 (RFC 6455 §5.5.1)"),
        (
            SERVER,
            b"\x88\x00\x81\x00",
            "a data frame comes behind the Close frame (RFC 6455 §5.5.1)",
        ),
    ];
    for (side, bytes, fault) in rows {
        let mut talk = Talk::opened();
        talk.send(side, bytes);
        let arrow = ["→", "←"][side];
        assert_eq!(faults(&talk.lines()), [format!("1 {arrow} FAULT {fault}")], "{bytes:x?}");
    }
}

/// One side's fault does not keep the other from being read, nor the frames behind it from being shown.
#[test]
fn both_sides_may_be_at_fault() {
    let mut talk = Talk::opened();
    talk.send(CLIENT, HELLO).send(SERVER, HELLO).send(CLIENT, MASKED_HELLO);
    talk.send(SERVER, b"\x80\x00").send(SERVER, b"\x83\x00 rest");
    let expected = "
    1   open     10.0.0.1:40000 → 10.0.0.2:80
    1 → request  GET /chat
                host example.com
    1 ← response 101 Switching Protocols
    1 → frame    Text           5 bytes FIN
    1 → FAULT    a client's frame is not masked (RFC 6455 §5.1)
    1 ← frame    Text           5 bytes FIN
    1 ← text     \"Hello\"
    1 → frame    Text           5 bytes FIN mask 37fa213d
    1 ← frame    Continuation   0 bytes FIN
    1 ← FAULT    a continuation frame without a message to continue (RFC 6455 §5.4)
    1 → note     frames behind the fault, not judged: 1
    1 ← note     bytes that cannot be read as frames: 7
    1   end      failed: both sides broke the protocol
                → 0 messages in 2 frames, 18 bytes
                ← 1 message in 2 frames, 16 bytes
";
    assert_lines(&talk.lines(), expected);
}

#[test]
fn compression_has_faults_of_its_own() {
    let offer = with(REQUEST, "Sec-WebSocket-Extensions: permessage-deflate");
    let answer = with(RESPONSE, "Sec-WebSocket-Extensions: permessage-deflate");
    let rows: [(&[u8], &str); 3] = [
        (b"\xc1\x01\xff", "a compressed message cannot be inflated (RFC 7692 §7.2.2)"),
        (b"\xc9\x00", "a reserved bit is set (RFC 6455 §5.2)"),
        (b"\x01\x00\xc0\x00", "a reserved bit is set (RFC 6455 §5.2)"),
    ];
    for (bytes, fault) in rows {
        let mut talk = Talk::new();
        talk.send(CLIENT, &offer).send(SERVER, &answer).send(SERVER, bytes);
        assert_eq!(faults(&talk.lines()), [format!("1 ← FAULT {fault}")], "{bytes:x?}");
    }
}

#[test]
fn handshakes_are_judged_by_what_was_asked() {
    let extension = |value: &str| format!("Sec-WebSocket-Extensions: {value}");
    let offer = with(
        REQUEST,
        &extension("permessage-deflate; server_max_window_bits=10, permessage-deflate"),
    );
    let subprotocols = with(REQUEST, "Sec-WebSocket-Protocol: soap, chat");
    let rows: [(&str, String, &[&str]); 9] = [
        (REQUEST, RESPONSE.into(), &[]),
        (
            REQUEST,
            RESPONSE.replace("s3p", "S3p"),
            &["1 ← FAULT Sec-WebSocket-Accept does not fit the key (RFC 6455 §4.1)"],
        ),
        (
            REQUEST,
            with(RESPONSE, &extension("permessage-deflate")),
            &["1 ← FAULT the server selected an extension that was not offered (RFC 6455 §4.1)"],
        ),
        // The second of the two offers.
        (&offer, with(RESPONSE, &extension("permessage-deflate; server_max_window_bits=12")), &[]),
        (&offer, with(RESPONSE, &extension("permessage-deflate; server_max_window_bits=10")), &[]),
        (
            &offer,
            with(RESPONSE, &extension("permessage-deflate; x")),
            &["1 ← FAULT the server selected an extension with invalid parameters (RFC 7692 §7)"],
        ),
        (&subprotocols, with(RESPONSE, "Sec-WebSocket-Protocol: chat"), &[]),
        (
            &subprotocols,
            with(RESPONSE, "Sec-WebSocket-Protocol: xmpp"),
            &["1 ← FAULT the server selected a subprotocol that was not offered (RFC 6455 §4.1)"],
        ),
        (
            &REQUEST.replace("13", "12"),
            RESPONSE.into(),
            &["1 → FAULT Sec-WebSocket-Version is not 13 (RFC 6455 §4.4)"],
        ),
    ];
    for (request, response, expected) in rows {
        let mut talk = Talk::new();
        talk.send(CLIENT, request).send(SERVER, &response).send(SERVER, HELLO);
        let lines = talk.lines();
        assert_eq!(faults(&lines), expected, "{request}{response}");
        // They went on, and so does the reader.
        assert!(lines.contains("1 ← text      \"Hello\""), "{lines}");
    }
}

#[test]
fn a_refusal_is_no_fault() {
    let mut talk = Talk::new();
    talk.send(CLIENT, REQUEST)
        .send(SERVER, "HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno");
    let expected = "
    1   open     10.0.0.1:40000 → 10.0.0.2:80
    1 → request  GET /chat
                host example.com
    1 ← response 403 Forbidden
    1   end      no WebSocket connection: the upgrade was refused
                → 0 messages in 0 frames, 0 bytes
                ← 0 messages in 0 frames, 0 bytes
";
    assert_lines(&talk.lines(), expected);
}

/// What breaks off is not held against the one who sent it.
#[test]
fn a_request_that_breaks_off_is_no_fault() {
    let mut talk = Talk::new();
    talk.send(CLIENT, &REQUEST[..REQUEST.len() - 4]);
    let expected = "
    1   open     10.0.0.1:40000 → 10.0.0.2:80
    1 → request  GET /chat
                 host example.com
    1   end      no WebSocket connection: the opening handshake is not complete
                 → 0 messages in 0 frames, 0 bytes
                 ← 0 messages in 0 frames, 0 bytes
";
    assert_lines(&talk.lines(), expected);
}

#[test]
fn nothing_of_a_peer_reaches_the_terminal_unescaped() {
    // A title is set, the screen is cleared, the direction of writing is changed, and a line is begun; by seven bits and
    // by eight.
    let hostile =
        "\x1b]0;owned\x07\x1b[2J\u{9b}2J\u{202e}\r\n\x00\x7f\u{200b}\u{feff}\\x1b 👋 e\u{301}";
    let escaped = concat!(
        r"\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}2J\u{202e}\r\n\0\u{7f}\u{200b}\u{feff}\\x1b 👋 ",
        "e\u{301}"
    );
    let mut talk = Talk::new();
    let field = |name: &str| format!("{name}: \x1b[31m\u{9b}31m");
    talk.send(CLIENT, with(REQUEST, &field("Origin")).replace("/chat", "/\x1b[31m"));
    talk.send(
        SERVER,
        with(RESPONSE, &field("Sec-WebSocket-Protocol")).replace("101 S", "101 \u{9b}S"),
    );
    let len = hostile.len() as u8;
    talk.send(SERVER, [&[0x81, len], hostile.as_bytes()].concat());
    talk.send(SERVER, [&[0x89, len], hostile.as_bytes()].concat());
    talk.send(SERVER, [&[0x88, len + 2, 0x03, 0xe8], hostile.as_bytes()].concat());
    let file = talk.pcap();
    let entries = entries(&file);
    let people = print(inspect::print::Format::People(Default::default()), &entries);
    assert!(people.contains(&format!("text      \"{escaped}\"")), "{people}");
    assert!(people.contains(&format!("close     1000 \"{escaped}\"")), "{people}");
    assert!(people.contains(r"GET /\u{1b}[31m"), "{people}");
    let messages = print(inspect::print::Format::Messages, &entries);
    assert_eq!(messages, format!("{escaped}\n"));
    let json = json(&file);
    assert!(
        json.contains(r#""text":"\u001b]0;owned\u0007\u001b[2J\u009b2J\u202e\r\n\u0000\u007f"#),
        "{json}"
    );
    for line in json.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        if object["kind"] == "text" {
            assert_eq!(object["text"], hostile);
        }
    }
    for (shown, may) in [(&people, true), (&messages, false), (&json, false)] {
        let is_bad = |char: char| {
            char.is_control() && char != '\n' || "\u{202e}\u{200b}\u{feff}".contains(char)
        };
        assert!(!shown.contains(is_bad), "{may} {shown:?}");
    }
}
