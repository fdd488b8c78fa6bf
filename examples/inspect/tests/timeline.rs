//! Sessions that are captured whole: the handshake, frames, messages, closing.

mod common;

use common::*;

const HEADS: &str = "
    1   open     10.0.0.1:40000 → 10.0.0.2:80
    1 → request  GET /chat
                host example.com
    1 ← response 101 Switching Protocols
";

#[test]
fn a_whole_session() {
    let mut talk = Talk::opened();
    talk.send(CLIENT, MASKED_HELLO)
        .send(SERVER, HELLO)
        .send(SERVER, b"\x01\x03Hel\x89\x02?!\x80\x02lo")
        .send(CLIENT, b"\x8a\x82\0\0\0\0?!\x82\x83\0\0\0\0\x01\x02\xff")
        .send(CLIENT, b"\x88\x85\0\0\0\0\x03\xe8bye")
        .send(SERVER, CLOSE)
        .end(SERVER)
        .end(CLIENT);
    let expected = HEADS.to_owned()
        + "
    1 → frame    Text           5 bytes FIN mask 37fa213d
    1 → text     \"Hello\"
    1 ← frame    Text           5 bytes FIN
    1 ← text     \"Hello\"
    1 ← frame    Text           3 bytes
    1 ← frame    Ping           2 bytes FIN
    1 ← ping     \"?!\"
    1 ← frame    Continuation   2 bytes FIN
    1 ← text     \"Hello\" 2 frames
    1 → frame    Pong           2 bytes FIN mask 00000000
    1 → pong     \"?!\"
    1 → frame    Binary         3 bytes FIN mask 00000000
    1 → binary   0102ff 3 bytes
    1 → frame    Close          5 bytes FIN mask 00000000
    1 → close    1000 \"bye\"
    1 ← frame    Close          2 bytes FIN
    1 ← close    1000
    1   end      closed cleanly
                → 2 messages in 4 frames, 39 bytes
                ← 2 messages in 5 frames, 24 bytes
";
    assert_lines(&talk.lines(), &expected.replace("\n\n", "\n"));
}

#[test]
fn times_are_told_from_the_first_packet_that_shows() {
    let mut talk = Talk::opened();
    talk.send(SERVER, HELLO);
    let file = talk.pcapng();
    let entries = entries(&file);
    let lines = print(inspect::print::Format::People(Default::default()), &entries);
    let times = lines.lines().filter_map(|line| line.split_whitespace().next());
    let times: Vec<&str> = times.filter(|word| word.starts_with("0.")).collect();
    // SYN, SYN, request, response, frame: a millisecond between two. The end is of the last packet.
    let expected = ["0.000000", "0.000000", "0.001000", "0.002000", "0.002000", "0.002000"];
    assert_eq!(times, expected);
    assert!(json(&file).starts_with(r#"{"time":1700000000.002,"connection":1,"kind":"open","#));
}

/// Of the second message, the first byte alone comes with context takeover (RFC 7692 §7.2.3.2).
#[test]
fn compressed_messages_are_inflated() {
    let mut talk = Talk::new();
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    let answer = "Sec-WebSocket-Extensions: permessage-deflate";
    talk.send(CLIENT, with(REQUEST, offer))
        .send(SERVER, with(RESPONSE, answer))
        .send(SERVER, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00")
        .send(SERVER, b"\xc1\x05\xf2\x00\x11\x00\x00")
        .send(SERVER, b"\x41\x03\xf2\x00\x11\x80\x02\x00\x00");
    assert_lines(
        &talk.lines(),
        "
    1   open     10.0.0.1:40000 → 10.0.0.2:80
    1 → request  GET /chat
                host example.com
                extensions permessage-deflate; client_max_window_bits
    1 ← response 101 Switching Protocols
                extensions permessage-deflate
    1 ← frame    Text           7 bytes FIN RSV1
    1 ← text     \"Hello\" inflated
    1 ← frame    Text           5 bytes FIN RSV1
    1 ← text     \"Hello\" inflated
    1 ← frame    Text           3 bytes     RSV1
    1 ← frame    Continuation   2 bytes FIN
    1 ← text     \"Hello\" 2 frames, inflated
    1   end      still open where the capture ends
                → 0 messages in 0 frames, 0 bytes
                ← 3 messages in 4 frames, 25 bytes
",
    );
}

#[test]
fn every_link_type_gives_the_same() {
    let lines = |link, is_ipv6| {
        let mut talk = Talk::over(link, is_ipv6);
        talk.send(CLIENT, REQUEST).send(SERVER, RESPONSE).send(CLIENT, MASKED_HELLO);
        talk.lines()
    };
    let ipv4 = lines(Link::Ethernet, false);
    assert!(ipv4.contains("10.0.0.1:40000 → 10.0.0.2:80"), "{ipv4}");
    assert!(ipv4.contains("\"Hello\""), "{ipv4}");
    for link in [Link::Null, Link::Vlan, Link::Raw, Link::Sll, Link::Sll2] {
        assert_eq!(lines(link, false), ipv4, "{link:?}");
    }
    let ipv6 = ipv4.replace("10.0.0.1:", "[2001:db8::1]:").replace("10.0.0.2:", "[2001:db8::2]:");
    for link in [Link::Ethernet, Link::Null, Link::Vlan, Link::Raw, Link::Sll, Link::Sll2] {
        assert_eq!(lines(link, true), ipv6, "{link:?}");
    }
}

/// What the client sends before it has the response is read behind it.
#[test]
fn frames_may_come_before_the_response() {
    let mut talk = Talk::new();
    talk.send(CLIENT, [REQUEST.as_bytes(), MASKED_HELLO].concat());
    talk.send(SERVER, [RESPONSE.as_bytes(), HELLO].concat());
    let expected = HEADS.to_owned()
        + "
    1 → frame    Text           5 bytes FIN mask 37fa213d
    1 → text     \"Hello\"
    1 ← frame    Text           5 bytes FIN
    1 ← text     \"Hello\"
    1   end      still open where the capture ends
                → 1 message in 1 frame, 11 bytes
                ← 1 message in 1 frame, 7 bytes
";
    assert_lines(&talk.lines(), &expected.replace("\n\n", "\n"));
}

#[test]
fn interim_responses_are_passed_over() {
    let mut talk = Talk::new();
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    talk.send(CLIENT, REQUEST).send(SERVER, early);
    talk.send(SERVER, [early.as_bytes(), RESPONSE.as_bytes(), HELLO].concat());
    let expected = HEADS.to_owned()
        + "
    1 ← frame    Text           5 bytes FIN
    1 ← text     \"Hello\"
    1   end      still open where the capture ends
                 → 0 messages in 0 frames, 0 bytes
                 ← 1 message in 1 frame, 7 bytes
";
    assert_lines(&talk.lines(), &expected.replace("\n\n", "\n"));
}

#[test]
fn segments_of_one_byte_give_the_same() {
    let data = [
        (CLIENT, REQUEST.as_bytes()),
        (SERVER, RESPONSE.as_bytes()),
        (CLIENT, MASKED_HELLO),
        (SERVER, HELLO),
        (CLIENT, MASKED_CLOSE),
        (SERVER, CLOSE),
    ];
    let (mut whole, mut trickle) = (Talk::new(), Talk::new());
    for (side, bytes) in data {
        whole.send(side, bytes);
        for byte in bytes {
            trickle.send(side, [*byte]);
        }
    }
    assert_eq!(trickle.lines(), whole.lines());
}

#[test]
fn several_connections_are_numbered() {
    let mut talk = Talk::opened();
    let mut other = Talk { port: 40001, ..Talk::joined() };
    other.next = [1, 2];
    talk.send(SERVER, HELLO);
    for (side, data) in [(CLIENT, REQUEST), (SERVER, RESPONSE)] {
        other.send(side, data);
    }
    talk.packets.append(&mut other.packets);
    talk.send(CLIENT, MASKED_HELLO);
    let lines = talk.lines();
    let texts: Vec<&str> = lines.lines().filter(|line| line.contains("text")).collect();
    assert_lines(&texts.join("\n"), "1 ← text \"Hello\"\n1 → text \"Hello\"");
    assert!(lines.contains("2   open      10.0.0.1:40001 → 10.0.0.2:80"), "{lines}");
}

/// A port may be used again.
#[test]
fn a_new_connection_of_the_same_ends_is_another() {
    let mut talk = Talk::opened();
    talk.end(CLIENT).end(SERVER);
    talk.next = [77, 88];
    for side in [CLIENT, SERVER] {
        talk.packet(side, talk.next[side], "S", b"").lose(side, 1);
    }
    talk.send(CLIENT, REQUEST).send(SERVER, RESPONSE).send(SERVER, HELLO);
    let lines = talk.lines();
    assert!(lines.contains("1   end       ended without a Close frame (1006)"), "{lines}");
    assert!(lines.contains("2 ← text      \"Hello\""), "{lines}");
}

/// HTTP keeps a connection for the next request (RFC 9112 §9.3).
#[test]
fn other_requests_may_come_first() {
    let mut talk = Talk::new();
    talk.send(CLIENT, "GET /page HTTP/1.1\r\nHost: example.com\r\n\r\n");
    talk.send(SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x01\x00")
        .send(SERVER, b"\x81\x00");
    talk.send(CLIENT, REQUEST).send(SERVER, RESPONSE).send(SERVER, HELLO);
    let expected = HEADS.to_owned()
        + "
    1 ← frame    Text           5 bytes FIN
    1 ← text     \"Hello\"
    1   end      still open where the capture ends
                 → 0 messages in 0 frames, 0 bytes
                 ← 1 message in 1 frame, 7 bytes
";
    assert_lines(&talk.lines(), &expected.replace("\n\n", "\n"));
}

#[test]
fn what_is_no_websocket_is_counted() {
    let mut talk = Talk::new();
    talk.send(CLIENT, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    talk.send(SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    for (port, data) in
        [(1, &b"\x16\x03\x01\x02\x00"[..]), (2, b"\x16\x03\x03\0\0"), (3, b"SSH-2.0-x")]
    {
        let mut other = Talk { port, now: talk.now, ..Talk::joined() };
        other.packet(CLIENT, 9, "S", b"");
        other.next = [10, 20];
        other.send(CLIENT, data);
        talk.packets.append(&mut other.packets);
    }
    assert_lines(
        &talk.lines(),
        "
        note not shown: 1 connections of HTTP without an upgrade
        note not shown: 1 connections of other protocols
        note not shown: 2 connections over TLS, which cannot be read
        note no WebSocket connection was found
",
    );
}
