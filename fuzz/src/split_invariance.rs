//! Any partition of the input gives the same events, the same output and the same error, for both machines and both
//! handshakes.

use arbitrary::Arbitrary;
use websocket_proto::{Config, Next};

use crate::checker::Side;
use crate::ends::{End, NOW, Told, negotiated, peer, side};
use crate::frames::cut_mut;
use crate::wild::{WildFrame, encode_all};
use crate::{client_handshake, server_handshake};

#[derive(Arbitrary, Debug)]
pub struct Input<'a> {
    subject: Subject,
    message_limit: u16,
    fragment_limit: u8,
    sizes: [u8; 4],
    /// What is kept of the sizes.
    size_count: u8,
    frames: Vec<WildFrame<'a>>,
    head: &'a [u8],
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Subject {
    Frames { client: bool, messages: bool },
    ServerHandshake,
    ClientHandshake,
}

pub fn oracle(input: &Input<'_>) {
    let sizes = &input.sizes[..usize::from(input.size_count % 5)];
    match input.subject {
        Subject::Frames { client, messages } => frames(input, side(client), messages, sizes),
        Subject::ServerHandshake => server_handshake::check_splits(input.head, &[sizes, &[1]]),
        Subject::ClientHandshake => client_handshake::check_splits(input.head, &[sizes, &[1]]),
    }
}

fn frames(input: &Input<'_>, me: Side, messages: bool, sizes: &[u8]) {
    let mut stream = encode_all(&input.frames, peer(me));
    stream.extend_from_slice(input.head);
    let mut config = Config::default();
    if let Ok(limited) = config.message_limit(input.message_limit.into()) {
        config = limited;
    }
    if let Ok(limited) = config.fragment_limit(input.fragment_limit.into()) {
        config = limited;
    }
    let config = config.high_water_mark(200).expect("a mark above 130");
    let run = |sizes: &[u8]| {
        let mut end = End::new(messages, negotiated(me, 9), config);
        let (mut told, mut out) = (Told::default(), Vec::new());
        for piece in cut_mut(&mut stream.clone(), sizes) {
            end.receive_all(piece, &mut out, &mut told);
        }
        let verdicts: [Next; 2] = [end.poll(NOW, &mut out), end.poll(NOW, &mut out)];
        (told, out, verdicts)
    };
    let whole = run(&[]);
    assert_eq!(run(&[1]), whole, "byte by byte");
    assert_eq!(run(sizes), whole, "in pieces of {sizes:?}");
}
