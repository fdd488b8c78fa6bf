//! Runs an input through both types of machine in every split, and demands one result.

use core::time::Duration;

#[cfg(feature = "alloc")]
use websocket_proto::WebSocket;
use websocket_proto::{Config, Connection, MessageKind, Negotiated, Next, Role, UsageError};

use super::{Frame, Log, Machine, Rng, Seen, To, Wire, judge, opened};

/// What an input came to, in the same words whatever machine and split it went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) events: Vec<Seen>,
    /// What a `Connection` handed out of a message that did not end.
    pub(crate) partial: Option<(MessageKind, Vec<u8>)>,
    pub(crate) output: Vec<Frame>,
    pub(crate) next: Next,
}

impl Outcome {
    pub(crate) fn of(events: &[Seen], output: &[Frame], next: Next) -> Self {
        Self { events: events.to_vec(), partial: None, output: output.to_vec(), next }
    }

    pub(crate) fn with_partial(mut self, partial: Option<(MessageKind, &[u8])>) -> Self {
        self.partial = partial.map(|(kind, data)| (kind, data.to_vec()));
        self
    }
}

/// The every-split checker.
pub(crate) struct Check<'a> {
    role: Role,
    config: Config,
    /// Done to the machine before the input comes.
    before: &'a dyn Fn(&mut dyn Machine, &mut Wire),
    /// What opens the machines, if only those that take whole messages.
    opened: Option<&'a dyn Fn(Role) -> Negotiated<'static>>,
    eof: bool,
}

impl Check<'_> {
    pub(crate) fn of(role: Role) -> Self {
        Self { role, config: Config::default(), before: &|_, _| (), opened: None, eof: false }
    }
}

impl<'a> Check<'a> {
    pub(crate) fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    pub(crate) fn before(self, before: &'a dyn Fn(&mut dyn Machine, &mut Wire)) -> Self {
        Self { before, ..self }
    }

    /// Opens a `WebSocket` so, and no `Connection`.
    pub(crate) fn opened(self, opened: &'a dyn Fn(Role) -> Negotiated<'static>) -> Self {
        Self { opened: Some(opened), ..self }
    }

    /// The transport ends behind the input.
    pub(crate) fn eof(self) -> Self {
        Self { eof: true, ..self }
    }

    /// Gives the one result of all partitions.
    pub(crate) fn run(&self, bytes: &[u8]) -> Outcome {
        let partitions = partitions(bytes.len());
        #[cfg(feature = "alloc")]
        if self.opened.is_some() {
            let (expected, raw) = self.once::<WebSocket>(bytes, &[]);
            for cuts in &partitions {
                let (outcome, output) = self.once::<WebSocket>(bytes, cuts);
                assert!(
                    outcome == expected && output == raw,
                    "cut at {cuts:?}: {outcome:?}, in one piece: {expected:?}"
                );
            }
            return expected;
        }
        let (expected, raw) = self.once::<Connection>(bytes, &[]);
        for cuts in &partitions {
            let (outcome, output) = self.once::<Connection>(bytes, cuts);
            assert!(
                outcome == expected && output == raw,
                "Connection, cut at {cuts:?}: {outcome:?}, in one piece: {expected:?}"
            );
        }
        #[cfg(feature = "alloc")]
        {
            // Whole messages hand out nothing of one that did not end.
            let expected = Outcome { partial: None, ..expected.clone() };
            for cuts in [vec![]].iter().chain(&partitions) {
                let (outcome, output) = self.once::<WebSocket>(bytes, cuts);
                assert!(
                    outcome == expected && output == raw,
                    "WebSocket, cut at {cuts:?}: {outcome:?}, Connection: {expected:?}"
                );
            }
        }
        expected
    }

    /// Gives the result of one partition, which must be that of the whole, for both types of machine.
    pub(crate) fn run_cut(&self, bytes: &[u8], cuts: &[usize]) -> Outcome {
        let (expected, raw) = self.once::<Connection>(bytes, &[]);
        assert_eq!(self.once::<Connection>(bytes, cuts), (expected.clone(), raw.clone()));
        #[cfg(feature = "alloc")]
        {
            let expected = Outcome { partial: None, ..expected.clone() };
            assert_eq!(self.once::<WebSocket>(bytes, &[]), (expected.clone(), raw.clone()));
            assert_eq!(self.once::<WebSocket>(bytes, cuts), (expected, raw));
        }
        expected
    }

    fn once<M: Machine>(&self, bytes: &[u8], cuts: &[usize]) -> (Outcome, Vec<u8>) {
        let opened = self.opened.map_or_else(|| opened(self.role), |opened| opened(self.role));
        let mut machine = M::open(opened, self.config);
        let mut out = Wire::new();
        let mut log = Log::default();
        (self.before)(&mut machine, &mut out);
        let mut storage = bytes.to_vec();
        let mut rest = &mut storage[..];
        let mut start = 0;
        for &cut in cuts {
            let (piece, others) = rest.split_at_mut(cut - start);
            machine.feed(piece, &mut out, &mut log);
            // As a driver does after each batch; it must not make a difference.
            let _ = machine.poll(Duration::ZERO, &mut out);
            (rest, start) = (others, cut);
        }
        machine.feed(rest, &mut out, &mut log);
        if self.eof {
            let _ = machine.poll(Duration::ZERO, &mut out);
            machine.receive_eof();
        }
        let next = machine.poll(Duration::ZERO, &mut out);
        let output = out.bytes.clone();
        let outcome = Outcome {
            events: log.events,
            partial: log.partial,
            output: judge(self.role, &output),
            next,
        };
        if let Next::End(_) = next {
            expect_nothing_more(&mut machine, Duration::ZERO, next, out);
        }
        (outcome, output)
    }
}

/// After the end: the same verdict now and ever after, input taken unread, sends refused, nothing written.
pub(crate) fn expect_nothing_more(
    machine: &mut dyn Machine,
    now: Duration,
    end: Next,
    mut out: Wire,
) {
    let to = To(machine.role());
    let mut log = Log::default();
    let output = out.bytes.clone();
    let closed = Err(UsageError::Closed);
    for now in [now, now + Duration::from_secs(1), Duration::MAX] {
        assert_eq!(machine.poll(now, &mut out), end);
        let mut input = to.text("late");
        input.extend(to.ping(b"late"));
        input.extend(to.close(1000, ""));
        input.extend([0xFF; 20]);
        machine.feed(&mut input, &mut out, &mut log);
        assert_eq!(machine.send_text("late", &mut out), closed);
        assert_eq!(machine.send_binary(b"late", &mut out), closed);
        assert_eq!(machine.send_ping(b"late", &mut out), closed);
        assert_eq!(machine.send_pong(b"late", &mut out), closed);
        assert_eq!(machine.close(Some(1000), "", &mut out), closed);
        for kind in super::BOTH_KINDS {
            assert_eq!(machine.send_fragment(kind, b"", true, &mut out), closed);
            assert_eq!(machine.start_message(kind, b""), Err(UsageError::Closed));
            assert_eq!(machine.start_fragment(kind, b"", true), Err(UsageError::Closed));
        }
        assert!(!machine.may_send());
        machine.receive_eof();
    }
    assert_eq!(machine.poll(Duration::MAX, &mut out), end);
    assert_eq!(log.events, []);
    assert_eq!(log.partial, None);
    assert_eq!(out.bytes, output);
}

/// Where an input of this length is cut: up to 4 KiB at every place and at all of them; above, into pieces of 1,460 and
/// of 7 bytes, at 100 seeded random partitions, and up to 1 MiB byte by byte.
pub(crate) fn partitions(len: usize) -> Vec<Vec<usize>> {
    let pieces = |size: usize| (size..len).step_by(size).collect::<Vec<_>>();
    let mut partitions: Vec<Vec<usize>> = Vec::new();
    if len <= 4096 {
        partitions.extend((0..=len).map(|cut| vec![cut]));
        partitions.push(pieces(1));
        return partitions;
    }
    partitions.push(pieces(1460));
    partitions.push(pieces(7));
    if len <= 1 << 20 {
        partitions.push(pieces(1));
    }
    let mut rng = Rng::new(len as u64);
    for _ in 0..100 {
        let mut cuts = Vec::new();
        let mut cut = 0;
        // Each partition has its own scale, from a few bytes to a few reads.
        let scale = 1 << rng.below(14).max(3);
        loop {
            cut += 1 + rng.below(scale);
            if cut >= len {
                break;
            }
            cuts.push(cut);
        }
        partitions.push(cuts);
    }
    partitions
}
