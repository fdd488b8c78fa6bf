//! Streams of TCP as captures have them: out of order, sent again, with holes, joined in the middle.

mod common;

use common::*;

/// The frames "one" to "four" of a server, and what a capture shows of them.
const WORDS: [&[u8]; 4] = [b"\x81\x03one", b"\x81\x03two", b"\x81\x05three", b"\x81\x04four"];

fn texts(lines: &str) -> Vec<&str> {
    lines.lines().filter_map(|line| line.split('"').nth(1)).collect()
}

#[test]
fn segments_out_of_order_are_put_in_order() {
    let mut talk = Talk::opened();
    let start = talk.next[SERVER];
    talk.packet(SERVER, start + 10, "", WORDS[2])
        .packet(SERVER, start + 5, "", WORDS[1])
        .packet(SERVER, start, "", WORDS[0])
        .packet(SERVER, start + 17, "", WORDS[3]);
    let lines = talk.lines();
    assert_eq!(texts(&lines), ["one", "two", "three", "four"]);
    assert!(lines.contains("← 4 messages in 4 frames, 23 bytes, 2 out of order"), "{lines}");
    assert!(!lines.contains("retransmitted") && !lines.contains("gap"), "{lines}");
}

#[test]
fn what_is_sent_again_counts_once() {
    let mut talk = Talk::opened();
    let start = talk.next[SERVER];
    talk.send(SERVER, WORDS[0]).send(SERVER, WORDS[1]);
    // All of it again; the end of it with something new behind; and the new again, in one with the rest.
    talk.packet(SERVER, start, "", &[WORDS[0], WORDS[1]].concat());
    talk.packet(SERVER, start + 5, "", &[WORDS[1], WORDS[2]].concat());
    talk.packet(SERVER, start + 8, "", &[&WORDS[1][3..], WORDS[2], WORDS[3]].concat());
    let lines = talk.lines();
    assert_eq!(texts(&lines), ["one", "two", "three", "four"]);
    assert!(lines.contains("← 4 messages in 4 frames, 23 bytes, 3 retransmitted"), "{lines}");
}

/// The client's acknowledgement tells that it has what the capture has not. The end of the frame is known all the same.
#[test]
fn a_gap_within_a_payload_costs_one_message() {
    let mut talk = Talk::opened();
    talk.send(SERVER, WORDS[0]).send(SERVER, b"\x81\x0abegin");
    talk.lose(SERVER, 5).send(SERVER, WORDS[1]).send(CLIENT, MASKED_HELLO);
    let expected = "
    1   open     10.0.0.1:40000 → 10.0.0.2:80
    1 → request  GET /chat
                host example.com
    1 ← response 101 Switching Protocols
    1 ← frame    Text           3 bytes FIN
    1 ← text     \"one\"
    1 ← frame    Text          10 bytes FIN
    1 → frame    Text           5 bytes FIN mask 37fa213d
    1 → text     \"Hello\"
    1 ← gap      5 bytes were not captured
    1 ← frame    Text           3 bytes FIN
    1 ← text     \"two\"
    1   end      still open where the capture ends
                → 1 message in 1 frame, 11 bytes
                ← 2 messages in 3 frames, 17 bytes
";
    assert_lines(&talk.lines(), expected);
}

/// A fragmented message of which a part is missing is left out as a whole, and what stands between its frames is not.
#[test]
fn a_gap_within_a_fragment_costs_its_message() {
    let mut talk = Talk::opened();
    talk.send(SERVER, b"\x01\x04ab").lose(SERVER, 2);
    talk.send(SERVER, b"\x89\x01?\x80\x01!").send(SERVER, WORDS[3]);
    let lines = talk.lines();
    assert_eq!(texts(&lines), ["?", "four"]);
    assert!(!lines.contains("FAULT"), "{lines}");
}

/// The machine that is made new behind the gap has not seen how the message began.
#[test]
fn a_gap_between_fragments_costs_their_message() {
    let mut talk = Talk::opened();
    talk.send(SERVER, b"\x01\x01a\x89\x04pi").lose(SERVER, 2);
    talk.send(SERVER, b"\x00\x01b\x80\x01c").send(SERVER, WORDS[3]);
    let lines = talk.lines();
    assert_eq!(texts(&lines), ["four"]);
    assert!(!lines.contains("FAULT"), "{lines}");
}

/// Where the next frame begins is not known then: two segments in a row that are frames from end to end show it.
#[test]
fn a_gap_across_frames_is_followed_by_a_search() {
    let mut talk = Talk::opened();
    talk.send(SERVER, WORDS[0]).lose(SERVER, 100);
    talk.send(SERVER, b"\x17\x83no frame").send(SERVER, WORDS[1]).send(SERVER, b"no frame");
    talk.send(SERVER, WORDS[2]).send(SERVER, WORDS[3]);
    let lines = talk.lines();
    assert_eq!(texts(&lines), ["one", "three", "four"]);
    assert!(lines.contains("1 ← gap       100 bytes were not captured"), "{lines}");
    // Among them is the frame "two", whose neighbours are none.
    assert!(lines.contains("1 ← note      bytes passed over until a frame begins: 23"), "{lines}");
    assert!(!lines.contains("FAULT"), "{lines}");
}

#[test]
fn what_was_acknowledged_and_not_captured_is_a_gap_at_the_end() {
    let mut talk = Talk::opened();
    talk.lose(SERVER, 1000).send(CLIENT, MASKED_HELLO);
    assert!(talk.lines().contains("1 ← gap       999 bytes were not captured"), "{}", talk.lines());
}

#[test]
fn connections_may_be_joined_in_the_middle() {
    let mut talk = Talk::joined();
    talk.send(CLIENT, b"of a message, the end").send(CLIENT, MASKED_HELLO);
    talk.send(SERVER, b"\x80\x01!").send(SERVER, WORDS[0]).send(SERVER, WORDS[1]);
    talk.send(CLIENT, MASKED_HELLO);
    let expected = "
    1   open     10.0.0.1:40000 → 10.0.0.2:80
    1   note     joined in the middle: what was agreed on is not known
    1 → frame    Text           5 bytes FIN mask 37fa213d
    1 → text     \"Hello\"
    1 ← frame    Continuation   1 bytes FIN
    1 ← frame    Text           3 bytes FIN
    1 ← text     \"one\"
    1 ← frame    Text           3 bytes FIN
    1 ← text     \"two\"
    1 → frame    Text           5 bytes FIN mask 37fa213d
    1 → text     \"Hello\"
    1   end      still open where the capture ends
                → 2 messages in 2 frames, 22 bytes
                ← 2 messages in 3 frames, 13 bytes
";
    assert_lines(&talk.lines(), expected);
}

/// The request was not captured, and the response tells enough.
#[test]
fn a_response_alone_is_a_start() {
    let mut talk = Talk::joined();
    talk.send(SERVER, RESPONSE).send(SERVER, WORDS[0]).send(CLIENT, MASKED_HELLO);
    let lines = talk.lines();
    assert_eq!(texts(&lines), ["one", "Hello"]);
    assert!(!lines.contains("FAULT"), "{lines}");
}

/// What is compressed may refer to what came before, which nobody can be blamed for.
#[test]
fn compressed_messages_may_refer_to_what_is_missing() {
    let mut talk = Talk::joined();
    talk.send(SERVER, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    talk.send(SERVER, b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00");
    // "Hello" by a reference five bytes back, and by one ten bytes back, of which the second is too far.
    talk.send(SERVER, b"\xc1\x05\xf2\x00\x11\x00\x00");
    let lines = talk.lines();
    assert_eq!(texts(&lines), ["Hello"; 3]);

    let mut talk = Talk::joined();
    talk.send(SERVER, WORDS[0])
        .send(SERVER, b"\xc1\x05\xf2\x00\x11\x00\x00")
        .send(SERVER, WORDS[1]);
    let lines = talk.lines();
    assert_eq!(texts(&lines), ["one", "two"]);
    assert!(
        lines.contains("note      a compressed message refers to what was not captured"),
        "{lines}"
    );
    assert!(!lines.contains("FAULT"), "{lines}");
}

/// Some captures have one direction only. What waits for the other does not grow without bound.
#[test]
fn one_direction_alone_is_read() {
    let ping = b"\x89\x84\0\0\0\0ping";
    let binary = [&b"\x82\xfe\x27\x10\0\0\0\0"[..], &[b'x'; 10_000]].concat();
    for frames in [1, 200] {
        let mut talk = Talk::new();
        talk.send(CLIENT, REQUEST).send(CLIENT, ping);
        for _ in 0..frames {
            talk.send(CLIENT, &binary);
        }
        talk.send(CLIENT, ping);
        let lines = people(&talk.pcap());
        assert!(lines.contains("note      there is no response in the capture"), "{lines}");
        assert!(lines.contains(&format!("→ {frames} message")), "{lines}");
        assert_eq!(texts(&lines), ["ping", "ping"]);
        assert!(!lines.contains("FAULT") && lines.contains("still open"), "{lines}");
    }
}

#[test]
fn a_reset_is_an_end() {
    let mut talk = Talk::opened();
    talk.packet(SERVER, talk.next[SERVER], "R", b"");
    assert!(
        talk.lines().contains("end       reset, without a Close frame (1006)"),
        "{}",
        talk.lines()
    );
}

#[test]
fn recorded_sides_need_no_packets() {
    let client = [REQUEST.as_bytes(), MASKED_HELLO, MASKED_CLOSE].concat();
    let server = [RESPONSE.as_bytes(), WORDS[0], CLOSE].concat();
    assert_lines(
        &dump(Some(&client), Some(&server)),
        "
    1   open     client → server
    1 → request  GET /chat
                host example.com
    1 ← response 101 Switching Protocols
    1 → frame    Text           5 bytes FIN mask 37fa213d
    1 → text     \"Hello\"
    1 → frame    Close          2 bytes FIN mask 00000000
    1 → close    1000
    1 ← frame    Text           3 bytes FIN
    1 ← text     \"one\"
    1 ← frame    Close          2 bytes FIN
    1 ← close    1000
    1   end      closed cleanly
                → 1 message in 2 frames, 19 bytes
                ← 1 message in 2 frames, 9 bytes
",
    );
    assert_eq!(texts(&dump(Some(&client), None)), ["Hello"]);
    assert_eq!(texts(&dump(None, Some(&server))), ["one"]);
    assert_eq!(texts(&dump(None, Some(&server[RESPONSE.len()..]))), ["one"]);
    assert_eq!(texts(&dump(Some(&client[REQUEST.len()..]), None)), ["Hello"]);
}
