//! A client and a server in memory. Bytes move in arbitrary pieces, through outputs of bounded size.

use core::time::Duration;
use std::collections::VecDeque;

use websocket_proto::{Config, Next, Role};

use super::{Log, Machine, Wire, opened};

/// Numbers that look random and are always the same (`SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// One end, with its output and what has arrived for it.
pub(crate) struct End {
    pub(crate) machine: Box<dyn Machine>,
    pub(crate) out: Wire,
    pub(crate) log: Log,
    pub(crate) next: Next,
    /// All that it has sent.
    pub(crate) sent: Vec<u8>,
    arriving: VecDeque<u8>,
    /// Whether it let go of the transport.
    pub(crate) dropped: bool,
    /// Whether it was told that the other has.
    eof: bool,
}

impl End {
    fn new<M: Machine + 'static>(role: Role, config: Config, room: usize) -> Self {
        Self {
            machine: Box::new(M::open(opened(role), config)),
            out: Wire::with_room(room),
            log: Log::default(),
            next: Next::Wait(None),
            sent: Vec::new(),
            arriving: VecDeque::new(),
            dropped: false,
            eof: false,
        }
    }
}

pub(crate) struct Pair {
    pub(crate) client: End,
    pub(crate) server: End,
    pub(crate) rng: Rng,
    pub(crate) now: Duration,
}

impl Pair {
    /// Both with outputs of `room` bytes; the partitions follow from `seed`.
    pub(crate) fn new<M: Machine + 'static>(config: Config, room: usize, seed: u64) -> Self {
        Self {
            client: End::new::<M>(Role::Client, config, room),
            server: End::new::<M>(Role::Server, config, room),
            rng: Rng::new(seed),
            now: Duration::ZERO,
        }
    }

    pub(crate) fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// Lets one end do what a driver does: take some of what has arrived, poll, write some of the output.
    /// Says whether anything moved.
    pub(crate) fn turn(&mut self, role: Role) -> bool {
        let now = self.now;
        let scale = 1 << self.rng.below(12);
        let reads = 1 + self.rng.below(scale);
        let writes = 1 + self.rng.below(scale);
        let (end, peer) = match role {
            Role::Client => (&mut self.client, &mut self.server),
            Role::Server => (&mut self.server, &mut self.client),
        };
        if end.dropped {
            return false;
        }
        let count = reads.min(end.arriving.len());
        let mut input: Vec<u8> = end.arriving.drain(..count).collect();
        let mut moved = count > 0;
        end.machine.feed(&mut input, &mut end.out, &mut end.log);
        if end.arriving.is_empty() && peer.dropped && !end.eof {
            end.machine.receive_eof();
            end.eof = true;
            moved = true;
        }
        end.next = end.machine.poll(now, &mut end.out);
        let ending = matches!(end.next, Next::End(_));
        // Once the end is told, all that is in the output goes out.
        let writes = if ending { usize::MAX } else { writes };
        let count = writes.min(end.out.bytes.len());
        let written: Vec<u8> = end.out.bytes.drain(..count).collect();
        moved |= count > 0 || ending;
        end.sent.extend_from_slice(&written);
        if !peer.dropped {
            peer.arriving.extend(written);
        }
        end.dropped = ending;
        moved
    }

    /// Moves bytes until nothing moves.
    pub(crate) fn settle(&mut self) {
        let mut quiet = 0;
        for _ in 0..1_000_000 {
            let role = if self.rng.below(2) == 0 { Role::Client } else { Role::Server };
            let other = role.peer();
            quiet = if self.turn(role) | self.turn(other) { 0 } else { quiet + 1 };
            if quiet == 2 {
                return;
            }
        }
        panic!("the two ends never come to rest");
    }
}
