//! Two ends that have agreed to compression by any parameters, driven as the sessions of `session` are: each gets what
//! the other sent. The plain checker judges every byte with an inflater of its own, and the window that was agreed to:
//! a distance beyond it, or into a message before where no context is taken over, fails it; and zlib comes to the same.

use arbitrary::Arbitrary;
use websocket_proto::{Compress, DeflateConfig, MessageKind};

use crate::checker::{Item, Side};
use crate::ends::End;
use crate::host::{Deflate, Host, Setup};
use crate::session::{self, finish, kind};

#[derive(Arbitrary, Debug)]
pub struct Input<'a> {
    client: Setup,
    server: Setup,
    seed: u8,
    no_takeover: [bool; 2],
    window_bits: [u8; 2],
    levels: [u8; 2],
    thresholds: [u8; 2],
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Step<'a> {
    by_client: bool,
    call: Call<'a>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Call<'a> {
    Any(session::Call<'a>),
    Send {
        text: bool,
        pattern: Pattern,
    },
    Part {
        text: bool,
        pattern: Pattern,
        last: bool,
    },
    /// A message that was sent before, once more.
    Again {
        back: u8,
    },
    Prepared {
        pattern: Pattern,
        window_bits: u8,
        level: u8,
    },
    Compress(u8),
}

/// Noise that comes again and again.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Pattern {
    seed: u8,
    period: u16,
    len: u16,
}

pub fn oracle(input: &Input<'_>) {
    let (mut storage_of_client, mut storage_of_server) = ([0; 300], [0; 300]);
    let open = |side, setup: Setup, at: usize, storage| {
        let deflate = Deflate {
            params: policy(input).params(),
            level: 1 + input.levels[at] % 9,
            threshold: input.thresholds[at].into(),
            which: Compress::Worthwhile,
        };
        let mut setup = setup;
        setup.messages = true;
        Host::new(side, input.seed, setup, Some(deflate), storage)
    };
    let mut client = open(Side::Client, input.client, 0, &mut storage_of_client[..]);
    let mut server = open(Side::Server, input.server, 1, &mut storage_of_server[..]);
    // A compressor takes its time.
    for step in input.steps.iter().take(200) {
        let (me, other) =
            if step.by_client { (&mut client, &mut server) } else { (&mut server, &mut client) };
        self::step(me, step.call, other);
    }
    let piece = [1, 2, 20, usize::MAX][usize::from(input.seed % 4)];
    finish(&mut client, &mut server, piece);
    client.written.assert_fresh_keys();
}

fn policy(input: &Input<'_>) -> DeflateConfig {
    DeflateConfig::default()
        .client_no_context_takeover(input.no_takeover[0])
        .server_no_context_takeover(input.no_takeover[1])
        .client_max_window_bits(8 + input.window_bits[0] % 8)
        .and_then(|config| config.server_max_window_bits(8 + input.window_bits[1] % 8))
        .expect("8 to 15")
}

fn step<'s>(me: &mut Host<'s>, call: Call<'_>, other: &mut Host<'s>) {
    match call {
        Call::Any(call) => session::step(me, call, other),
        Call::Send { text, pattern } => me.send_message(kind(text), &pattern.data(text)),
        Call::Part { text, pattern, last } => {
            me.send_fragment(kind(text), &pattern.data(text), last);
        }
        Call::Again { back } => {
            let at = me.written.items.len().checked_sub(1 + usize::from(back));
            match at.map(|at| me.written.items[at].clone()) {
                Some(Item::Text(text)) => me.send_message(MessageKind::Text, text.as_bytes()),
                Some(Item::Binary(data)) => me.send_message(MessageKind::Binary, &data),
                _ => {}
            }
        }
        Call::Prepared { pattern, window_bits, level } => {
            let config = DeflateConfig::default()
                .server_max_window_bits(8 + window_bits % 8)
                .and_then(|config| config.level(1 + level % 9))
                .expect("8 to 15, and 1 to 9");
            let text: String = pattern.data(true).into_iter().map(char::from).collect();
            me.send_prepared(&text, Some(config));
        }
        Call::Compress(which) => {
            let all = [Compress::Never, Compress::Worthwhile, Compress::Always];
            let which = all[usize::from(which) % all.len()];
            if let (End::Messages(ws), Some(deflate)) = (&mut me.end, &mut me.deflate) {
                ws.compress(which);
                deflate.which = which;
            }
        }
    }
}

impl Pattern {
    /// Most are short; a few are longer than most windows.
    fn data(self, text: bool) -> Vec<u8> {
        let shift = if self.seed >= 224 { 1 } else { 6 + self.seed / 8 % 4 };
        let len = usize::from(self.len >> shift);
        // Few kinds of noise, so that messages are alike.
        let mut state = u32::from(self.seed % 8) << 8 | 1;
        let mut noise = || {
            // A linear congruential generator is as much noise as it takes.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let byte = (state >> 24) as u8;
            if text { b' ' + byte % 90 } else { byte }
        };
        let mut data: Vec<u8> =
            (0..len.min(1 + usize::from(self.period))).map(|_| noise()).collect();
        for at in data.len()..len {
            data.push(data[at - 1 - usize::from(self.period)]);
        }
        data
    }
}
