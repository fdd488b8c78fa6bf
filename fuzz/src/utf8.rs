//! Text in any pieces against `core::str::from_utf8`: it fails exactly at the first bad byte (RFC 6455 §8.1).

use websocket_proto::{Config, MessageKind, UsageError};

use crate::checker::{Item, Side, good_prefix};
use crate::ends::{End, NOW, Told, fault_code, negotiated, peer, side};
use crate::frames::{BINARY, TEXT, cut, cut_mut, encode};

/// Input: the role and how many sizes follow; the sizes of the fragments and of the reads; the text.
pub fn oracle(data: &[u8]) {
    let Some((&[flags, counts], rest)) = data.split_first_chunk() else {
        return;
    };
    let (fragment_sizes, rest) = rest.split_at(usize::from(counts & 7).min(rest.len()));
    let (read_sizes, text) = rest.split_at(usize::from(counts >> 3 & 7).min(rest.len()));
    let me = side(flags & 1 == 1);
    let fragments = cut(text, fragment_sizes);
    let text: Vec<u8> = fragments.concat();
    let good = good_prefix(&text);
    let is_utf8 = core::str::from_utf8(&text).is_ok();

    let mut stream = Vec::new();
    let mut expected = Vec::new();
    if flags & 4 == 4 {
        // What comes before the text is another matter, whatever it ends with.
        let binary = &text[..text.len() / 2];
        stream.extend(encode(peer(me), true, BINARY, [5, 5, 5, flags], binary));
        expected.push(Item::Binary(binary.to_vec()));
    }
    for (i, part) in fragments.iter().enumerate() {
        let (opcode, fin) = (if i == 0 { TEXT } else { 0 }, i + 1 == fragments.len());
        stream.extend(encode(peer(me), fin, opcode, [flags, 2, 3, 4], part));
        if flags & 2 == 2 && !fin {
            // A control frame that is no text at all, and neither interrupts nor joins it.
            stream.extend(encode(peer(me), true, 10, [9, 8, 7, 6], b"\xff\xc0"));
        }
    }
    // After a text that is in order comes another, which knows nothing of it.
    stream.extend(encode(peer(me), true, TEXT, [4, 3, 2, 1], "é".as_bytes()));

    let fault = match String::from_utf8(text.clone()) {
        Ok(text) => {
            expected.extend([Item::Text(text), Item::Text("é".to_owned())]);
            None
        }
        Err(_) => Some(1007),
    };
    for messages in [true, false] {
        let mut end = End::new(messages, negotiated(me, 1), Config::default());
        let (told, code) = receive(&mut end, &stream, read_sizes);
        assert_eq!((told.items, code), (expected.clone(), fault));
        let open = told.open.map(|(_, data)| data).unwrap_or_default();
        if is_utf8 || messages {
            assert_eq!(open, []);
        } else if good < text.len() || fragments.last().is_some_and(|last| last.is_empty()) {
            assert_eq!(open, text[..good], "handed out up to the first bad byte");
        } else {
            // The text ends within a code point, which its last byte shows.
            assert_eq!(open, text[..good - 1]);
        }
    }
    send(me, &fragments, good, text.len(), is_utf8);
}

fn receive(end: &mut End, stream: &[u8], sizes: &[u8]) -> (Told, Option<u16>) {
    let (mut told, mut out) = (Told::default(), Vec::new());
    for piece in cut_mut(&mut stream.to_vec(), sizes) {
        end.receive_all(piece, &mut out, &mut told);
    }
    told.items.retain(|item| !matches!(item, Item::Pong(_)));
    (told, fault_code(end.poll(NOW, &mut out)))
}

/// What may not be received may not be sent either.
fn send(me: Side, fragments: &[&[u8]], good: usize, len: usize, is_utf8: bool) {
    let mut end = End::new(true, negotiated(me, 1), Config::default());
    let mut out = Vec::new();
    let mut sent = 0;
    for (i, part) in fragments.iter().enumerate() {
        let last = i + 1 == fragments.len();
        let before = out.len();
        let result = end.send_fragment(MessageKind::Text, part, last, &mut out);
        sent += part.len();
        if sent > good || (last && !is_utf8) {
            assert_eq!(result, Err(UsageError::InvalidUtf8));
            assert_eq!(out.len(), before);
            // Nothing has changed: the message can still be ended by what is right.
            return;
        }
        assert_eq!(result, Ok(()));
    }
    assert!(is_utf8 && sent == len);
}
