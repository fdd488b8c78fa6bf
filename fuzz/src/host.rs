//! One end of a session with its output, its transport, and what is known of it apart from itself: what each call has to
//! come to.

use core::time::Duration;

use arbitrary::Arbitrary;
use websocket_proto::{
    Compress, Config, DeflateConfig, DeflateParams, Failure, MessageKind, Next, Output, Prepared,
    SliceOutput, UsageError,
};

use crate::checker::{Checker, Item, NO_LIMITS, Side, good_prefix, is_sendable};
use crate::ends::{End, Told, negotiated};

#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Setup {
    pub messages: bool,
    answer_pings: bool,
    answer_close: bool,
    /// The size of a fixed output; above 300 it grows.
    room: u16,
    mark: u8,
    keepalive: u8,
    idle_timeout: u8,
}

/// An end with its output and its transport, and what is known of it apart from itself.
pub struct Host<'s> {
    pub side: Side,
    pub setup: Setup,
    pub end: End,
    pub out: Out<'s>,
    /// What it has written to the transport.
    pub wire: Vec<u8>,
    /// How much of that the other has read.
    pub read: usize,
    /// Judges what it puts into the output.
    pub written: Checker,
    pub told: Told,
    /// How many of the items told were compared with what the other has written.
    pub compared: usize,
    pub now: Duration,
    /// A message that is being sent in parts.
    pub sending: Option<Parts>,
    pub closed_by_call: bool,
    pub eof: bool,
    pub verdict: Option<Result<(), Failure>>,
    /// Where messages may be compressed.
    pub deflate: Option<Deflate>,
}

/// Which messages are compressed, and how.
#[derive(Clone, Copy)]
pub struct Deflate {
    pub params: DeflateParams,
    pub level: u8,
    pub threshold: usize,
    pub which: Compress,
}

#[derive(Clone)]
pub struct Parts {
    pub kind: MessageKind,
    pub data: Vec<u8>,
    /// Whether the caller answers for some of it.
    pub is_promised: bool,
    pub is_compressed: bool,
}

pub enum Out<'s> {
    Growing(Vec<u8>),
    Fixed(SliceOutput<'s>, usize),
}

impl<'s> Host<'s> {
    pub fn new(
        side: Side,
        seed: u8,
        setup: Setup,
        deflate: Option<Deflate>,
        storage: &'s mut [u8],
    ) -> Self {
        let mut config = Config::default()
            .answer_pings(setup.answer_pings)
            .answer_close(setup.answer_close)
            .high_water_mark(131 + usize::from(setup.mark))
            .expect("a mark above 130");
        if setup.keepalive > 128 {
            let span = Duration::from_secs(setup.keepalive.into());
            config = config.keepalive(span, span).expect("not zero");
        }
        if setup.idle_timeout > 128 {
            let span = Duration::from_secs(setup.idle_timeout.into());
            config = config.idle_timeout(span).expect("not zero");
        }
        let room = usize::from(setup.room);
        let out = match storage.get_mut(..room) {
            Some(storage) => Out::Fixed(SliceOutput::new(storage), room),
            None => Out::Growing(Vec::new()),
        };
        let (mut negotiated, mut written) = (negotiated(side, seed), Checker::new(side, NO_LIMITS));
        if let Some(Deflate { params, level, threshold, .. }) = deflate {
            let policy = DeflateConfig::default().threshold(threshold).level(level);
            negotiated = negotiated.with_deflate(params, policy.expect("1 to 9"));
            let (no_takeover, window_bits) = match side {
                Side::Client => {
                    (params.client_no_context_takeover(), params.client_max_window_bits())
                }
                Side::Server => {
                    (params.server_no_context_takeover(), params.server_max_window_bits())
                }
            };
            written = written.compressed(!no_takeover, window_bits);
        }
        Host {
            side,
            setup,
            end: End::new(setup.messages, negotiated, config),
            out,
            wire: Vec::new(),
            read: 0,
            written,
            told: Told::default(),
            compared: 0,
            now: Duration::ZERO,
            sending: None,
            closed_by_call: false,
            eof: false,
            verdict: None,
            deflate,
        }
    }

    /// Says whether a message is compressed that begins with this.
    fn compresses(&self, part: &[u8]) -> bool {
        self.deflate.is_some_and(|deflate| match deflate.which {
            Compress::Always => true,
            Compress::Worthwhile => part.len() >= deflate.threshold,
            _ => false,
        })
    }

    pub fn send_message(&mut self, kind: MessageKind, payload: &[u8]) {
        let mut faults = self.faults();
        if self.sending.is_some() {
            faults.push(UsageError::MessageInProgress);
        }
        let item = message(kind, payload.to_vec());
        let was_sent = self.call(faults, payload.len(), Some(item), |end, out| {
            match core::str::from_utf8(payload) {
                Ok(text) if kind == MessageKind::Text => end.send_text(text, out),
                _ => end.send_binary(payload, out),
            }
        });
        if was_sent {
            assert_eq!(self.written.is_compressed, self.compresses(payload), "another choice");
        }
    }

    pub fn send_fragment(&mut self, kind: MessageKind, part: &[u8], last: bool) {
        let (mut faults, mut parts) = self.parts(kind, self.compresses(part));
        parts.data.extend_from_slice(part);
        if kind == MessageKind::Text && !is_text(&parts.data, last) {
            if parts.is_promised && faults.is_empty() {
                // Whoever promised that it is text has to keep that.
                return;
            }
            faults.push(UsageError::InvalidUtf8);
        }
        let item = last.then(|| message(kind, parts.data.clone()));
        if self.call(faults, part.len(), item, |end, out| end.send_fragment(kind, part, last, out))
        {
            assert_eq!(self.written.is_compressed, parts.is_compressed, "another choice");
            self.sending = (!last).then_some(parts);
        }
    }

    /// Says why no part of a message of this kind may be sent now, if so, and what was sent of it.
    pub fn parts(&self, kind: MessageKind, is_compressed: bool) -> (Vec<UsageError>, Parts) {
        let mut faults = self.faults();
        let parts = Parts { kind, data: Vec::new(), is_promised: false, is_compressed };
        let parts = self.sending.clone().unwrap_or(parts);
        if parts.kind != kind {
            faults.push(UsageError::MessageInProgress);
        }
        (faults, parts)
    }

    /// Starts a message, whose payload of zeros is written at once.
    pub fn start(&mut self, kind: MessageKind, len: u64) {
        let mut faults = self.faults();
        if self.sending.is_some() {
            faults.push(UsageError::MessageInProgress);
        }
        if len >= 1 << 63 {
            faults.push(UsageError::LengthOverflow);
        }
        let is_quick = len <= 300 || (65_530..65_540).contains(&len);
        if faults.is_empty() && !is_quick {
            // Who starts a frame has to write it.
            return;
        }
        let result = self.end.start_message(kind, len);
        if let Some(mut start) = check_refusal(result, &faults) {
            let mut payload = vec![0; len as usize];
            start.mask(&mut payload);
            self.put(&[start.header(), &payload].concat());
            self.expect_last(Some(&message(kind, vec![0; len as usize])));
        }
    }

    pub fn start_fragment(&mut self, kind: MessageKind, part: &[u8], last: bool) {
        let (mut faults, mut parts) = self.parts(kind, false);
        if parts.is_compressed {
            // Who goes on with it would have to compress it.
            faults.push(UsageError::MessageInProgress);
        }
        parts.data.extend_from_slice(part);
        parts.is_promised = true;
        if kind == MessageKind::Text && !is_text(&parts.data, last) {
            return;
        }
        let result = self.end.start_fragment(kind, part.len() as u64, last);
        if let Some(mut start) = check_refusal(result, &faults) {
            let mut payload = part.to_vec();
            let (one, two) = payload.split_at_mut(part.len() / 3);
            start.mask(one);
            start.mask(two);
            self.put(&[start.header(), &payload].concat());
            self.expect_last(last.then(|| message(kind, parts.data.clone())).as_ref());
            self.sending = (!last).then_some(parts);
        }
    }

    pub fn send_prepared(&mut self, text: &str, compress: Option<DeflateConfig>) {
        let End::Messages(_) = self.end else {
            return;
        };
        let mut prepared = Prepared::text(text).expect("memory");
        if let Some(config) = compress {
            prepared = prepared.compress(&config).expect("memory");
        }
        let mut faults = self.faults();
        if self.sending.is_some() {
            faults.push(UsageError::MessageInProgress);
        }
        if self.side == Side::Client {
            faults.push(UsageError::UnmaskedFrame);
        }
        let item = Some(Item::Text(text.to_owned()));
        let was_sent = self.call(faults, text.len(), item, |end, out| match end {
            End::Messages(ws) => ws.send_prepared(&prepared, out),
            End::Chunks(_) => Ok(()),
        });
        if was_sent && self.written.is_compressed {
            let config = compress.expect("compressed by nobody");
            let deflate = self.deflate.expect("agreed");
            assert!(deflate.which != Compress::Never);
            let bits = config.params().server_max_window_bits();
            assert!(bits <= deflate.params.server_max_window_bits(), "a larger window");
        }
    }

    pub fn control(
        &mut self,
        payload: &[u8],
        item: Item,
        call: impl FnOnce(&mut End, &mut Out<'s>) -> Result<(), UsageError>,
    ) {
        let mut faults = self.faults();
        if payload.len() > 125 {
            faults.push(UsageError::ControlTooLong);
        }
        self.call(faults, payload.len(), Some(item), call);
    }

    pub fn close(&mut self, code: Option<u16>, reason: &str) {
        let mut faults = self.faults();
        if code.map_or(!reason.is_empty(), |code| !is_sendable(code)) {
            faults.push(UsageError::InvalidCloseCode);
        }
        if reason.len() > 123 {
            faults.push(UsageError::ControlTooLong);
        }
        let item = Item::Close(code.map(|code| (code, reason.to_owned())));
        let len = if code.is_some() { 2 + reason.len() } else { 0 };
        if self.call(faults, len, Some(item), |end, out| end.close(code, reason, out)) {
            self.closed_by_call = true;
        }
    }

    /// Why nothing may be sent now, if so.
    pub fn faults(&self) -> Vec<UsageError> {
        let answers = self.told.has_close() && self.setup.answer_close;
        let is_closed = self.closed_by_call
            || self.written.closed
            || answers
            || self.eof_ended()
            || self.has_failed();
        // A timeout's Close that found no room is not to be seen from here.
        let may_have_failed = matches!(self.out, Out::Fixed(..)) && !self.now.is_zero();
        assert!(
            self.end.may_send() != is_closed || (!is_closed && may_have_failed),
            "{:?}",
            self.verdict
        );
        if self.end.may_send() { Vec::new() } else { vec![UsageError::Closed] }
    }

    /// End of stream fails a connection whose peer has sent no Close frame.
    pub fn eof_ended(&self) -> bool {
        self.eof && !self.told.has_close()
    }

    pub fn has_failed(&self) -> bool {
        // The other end is one of ours, so there is nothing to fail for but the time.
        matches!(self.verdict, Some(Err(_)))
    }

    /// Makes a call that appends a frame. It is refused for one of the faults, or for want of room, and then nothing has
    /// changed; or it appends just this frame, behind a Pong that was held. Says whether it was made.
    pub fn call(
        &mut self,
        mut faults: Vec<UsageError>,
        payload_len: usize,
        item: Option<Item>,
        call: impl FnOnce(&mut End, &mut Out<'s>) -> Result<(), UsageError>,
    ) -> bool {
        let before = self.out.bytes().len();
        let room = self.out.room();
        let result = call(&mut self.end, &mut self.out);
        if let Err(UsageError::OutputFull { needed }) = result {
            // What is compressed may take less; or more, by the longest words of the fixed code and the ends of blocks.
            let (least, most) = match self.deflate {
                None => (payload_len + 2, payload_len + 14 + 131),
                Some(_) => (2, payload_len + payload_len / 4 + 30 + 131),
            };
            assert!(needed > room && needed >= least, "{needed} bytes wanted, {room} there");
            assert!(needed <= most, "{needed} bytes for {payload_len} and a Pong");
            faults.push(UsageError::OutputFull { needed });
        } else if faults.is_empty() {
            assert_eq!(result, Ok(()));
        }
        if let Err(error) = result {
            assert!(faults.contains(&error), "{error:?} instead of {faults:?}");
            assert_eq!(self.out.bytes().len(), before, "a call that was refused has written");
            self.assert_as_judged();
            return false;
        }
        assert_eq!(faults, []);
        let items = self.judge(before);
        let mut held = &self.written.items[items..];
        if let Some(item) = item {
            let Some((last, before)) = held.split_last() else {
                panic!("{item:?} is not there");
            };
            assert_eq!(*last, item);
            held = before;
        }
        assert!(held.len() <= 1, "{held:?}");
        self.check_replies(held);
        true
    }

    /// Judges what was appended to the output, and that nothing else of it has changed. Says how many items there were
    /// before.
    fn judge(&mut self, before: usize) -> usize {
        let items = self.written.items.len();
        self.written.judge(&self.out.bytes()[before..]);
        assert!(self.written.is_between_frames(), "half a frame");
        self.assert_as_judged();
        items
    }

    /// The output is the end of all that was judged.
    fn assert_as_judged(&self) {
        assert!(self.written.has_end(self.out.bytes()), "what was written before has changed");
    }

    /// Puts what the caller writes beside the output; here it is written through it.
    pub fn put(&mut self, bytes: &[u8]) {
        // In order: what is in the output first.
        self.write(usize::MAX);
        self.wire.extend_from_slice(bytes);
        self.written.judge(bytes);
    }

    pub fn expect_last(&self, item: Option<&Item>) {
        assert!(self.written.is_between_frames());
        if let Some(item) = item {
            assert_eq!(self.written.items.last(), Some(item));
        }
    }

    /// Judges what the machine has appended by itself.
    pub fn judge_own(&mut self, before: usize, may_ping: bool) {
        if self.out.bytes().len() == before {
            return;
        }
        let items = self.judge(before);
        for item in &self.written.items[items..] {
            match item {
                Item::Pong(_) => self.check_replies(core::slice::from_ref(item)),
                Item::Ping(payload) => {
                    assert!(may_ping && payload.is_empty() && self.setup.keepalive > 128)
                }
                Item::Close(_) => {}
                Item::Text(_) | Item::Binary(_) => panic!("{item:?} of its own"),
            }
        }
    }

    /// Each Pong answers a Ping that has come.
    pub fn check_replies(&self, pongs: &[Item]) {
        for pong in pongs {
            let Item::Pong(payload) = pong else {
                panic!("{pong:?} of its own");
            };
            assert!(self.setup.answer_pings);
            assert!(
                self.told.items.contains(&Item::Ping(payload.clone())),
                "nobody asked for {pong:?}"
            );
        }
    }

    pub fn write(&mut self, count: usize) {
        let count = count.min(self.out.bytes().len());
        if count == 0 {
            return;
        }
        self.wire.extend_from_slice(&self.out.bytes()[..count]);
        self.out.consume(count);
    }

    /// Reads so many bytes in pieces of this size, or in as many as a session can spare the time for.
    pub fn read(&mut self, other: &mut Self, count: usize, size: usize, events: usize) {
        let plain = &other.wire[other.read..];
        let plain = &plain[..count.min(plain.len())];
        let mut bytes = plain.to_vec();
        let mut events_left = events;
        for piece in bytes.chunks_mut(size.max(1).max(plain.len() / MAX_PIECES)) {
            let mut input = &mut piece[..];
            let len = input.len();
            while events_left > 0 {
                let before = self.out.bytes().len();
                let got_event = self.end.receive(&mut input, &mut self.out, &mut self.told);
                self.judge_own(before, false);
                if !got_event {
                    break;
                }
                events_left -= 1;
            }
            other.read += len - input.len();
            if !input.is_empty() {
                let unread = &other.wire[other.read..other.read + input.len()];
                assert_eq!(input, unread, "unread input has changed");
                break;
            }
        }
        self.check_told(other);
    }

    /// What an end tells of is what the other has written, in order.
    pub fn check_told(&mut self, other: &Self) {
        let told = self.compared..self.told.items.len();
        assert_eq!(other.written.items.get(told.clone()), Some(&self.told.items[told]));
        self.compared = self.told.items.len();
    }

    pub fn poll(&mut self) {
        let before = self.out.bytes().len();
        let next = self.end.poll(self.now, &mut self.out);
        self.judge_own(before, true);
        match next {
            Next::Wait(deadline) => {
                assert_eq!(self.verdict, None, "an end is not taken back");
                assert!(
                    deadline.is_none_or(|deadline| deadline > self.now),
                    "{deadline:?} at {:?}",
                    self.now
                );
            }
            Next::End(result) => {
                assert!(self.verdict.is_none_or(|verdict| verdict == result), "another end");
                match result {
                    Ok(()) => assert!(self.written.closed && self.told.has_close()),
                    Err(Failure::Eof) => assert!(self.eof_ended()),
                    Err(Failure::TimedOut(_)) => assert!(!self.now.is_zero()),
                    Err(failure) => panic!("{failure} is nobody's fault"),
                }
                self.verdict = Some(result);
            }
        }
    }
}

impl Out<'_> {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Out::Growing(bytes) => bytes,
            Out::Fixed(output, _) => output.written(),
        }
    }

    pub fn room(&self) -> usize {
        match self {
            Out::Growing(_) => usize::MAX,
            Out::Fixed(output, room) => room - output.written().len(),
        }
    }

    pub fn consume(&mut self, count: usize) {
        match self {
            Out::Growing(bytes) => drop(bytes.drain(..count)),
            Out::Fixed(output, _) => output.consume(count),
        }
    }
}

impl Output for Out<'_> {
    fn make_room(&mut self, bytes: usize) -> bool {
        match self {
            Out::Growing(output) => output.make_room(bytes),
            Out::Fixed(output, _) => output.make_room(bytes),
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        match self {
            Out::Growing(output) => output.put(bytes),
            Out::Fixed(output, room) => {
                assert!(output.written().len() + bytes.len() <= *room, "put without room");
                output.put(bytes);
            }
        }
    }

    fn waiting(&self) -> usize {
        match self {
            Out::Growing(output) => output.waiting(),
            Out::Fixed(output, _) => output.waiting(),
        }
    }
}

/// The most pieces that a read is cut into, about.
const MAX_PIECES: usize = 200;

/// Says whether this is text, or may become it if it is not the `last`.
pub fn is_text(data: &[u8], last: bool) -> bool {
    if last { core::str::from_utf8(data).is_ok() } else { good_prefix(data) == data.len() }
}

fn check_refusal<T>(result: Result<T, UsageError>, faults: &[UsageError]) -> Option<T> {
    match result {
        Ok(value) => {
            assert_eq!(faults, []);
            Some(value)
        }
        Err(error) => {
            assert!(faults.contains(&error), "{error:?} instead of {faults:?}");
            None
        }
    }
}

fn message(kind: MessageKind, payload: Vec<u8>) -> Item {
    match kind {
        // What is no text is refused, and never compared with anything.
        MessageKind::Text => Item::Text(String::from_utf8(payload).unwrap_or_default()),
        MessageKind::Binary => Item::Binary(payload),
    }
}
