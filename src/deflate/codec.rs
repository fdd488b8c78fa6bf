//! Inflating and deflating a message piece by piece (RFC 7692 §7.2.1, §7.2.2), on any backend.

use alloc::vec::Vec;
use core::{fmt, mem};

use super::room::extend;

/// How far inflating came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All of the input was taken, and all that it makes is in the output.
    Taken,
    /// There is more to come out than there was room for.
    Full,
}

/// Why a message cannot be inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not DEFLATE, or not all of it.
    Invalid,
    /// The allocator has no memory for what it makes.
    OutOfMemory,
}

/// The allocator has no memory for what a message makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfMemory;

/// Inflates the messages of one direction, out of a window of at most 32 KiB whatever was agreed.
///
/// A message may consist of several DEFLATE streams (§7.2.3.4): a block with `BFINAL` ends one, and no distance in the
/// next reaches behind its beginning (RFC 1951 §2).
pub(crate) struct Inflater<B> {
    takes_over: bool,
    /// None before it is needed, and after a message when nothing is taken over.
    backend: Option<B>,
    message: Message,
    /// The last four bytes of the message.
    ending: [u8; 4],
    /// What was made to learn that there is no room for it.
    spare: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    /// No byte of it has come.
    Empty,
    Begun,
    /// Its last byte ended a DEFLATE stream.
    Ended,
}

impl<B: InflateBackend> Inflater<B> {
    /// Opens an inflater, which allocates nothing yet.
    pub(crate) fn new(takes_over: bool) -> Self {
        Self { takes_over, backend: None, message: Message::Empty, ending: [0; 4], spare: None }
    }

    /// Inflates from the front of `input`, and appends at most `room` bytes to `out`. When there is more to come out, what
    /// is left of `input` is for the next call.
    ///
    /// After a fault everything is forgotten, as if no message had come; what was made before it is in `out`, whatever the
    /// pieces that the message came in.
    pub(crate) fn inflate(
        &mut self,
        input: &mut &[u8],
        out: &mut Vec<u8>,
        room: usize,
    ) -> Result<Progress, Fault> {
        let limit = out.len().saturating_add(room);
        let mut made = out.len();
        let progress = self.advance(input, out, &mut made, limit);
        out.truncate(made);
        if progress.is_err() {
            self.forget();
        }
        progress
    }

    /// Ends the message, which has ended well only with this. When there is more to come out, it has not ended yet.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>, room: usize) -> Result<Progress, Fault> {
        let progress = self.inflate(&mut &[][..], out, room)?;
        if progress == Progress::Full {
            return Ok(Progress::Full);
        }
        let end = self.end();
        if end.is_err() || !self.takes_over {
            self.forget();
        }
        self.message = Message::Empty;
        end.map(|()| Progress::Taken)
    }

    /// Drops all that is held.
    pub(crate) fn forget(&mut self) {
        *self = Self::new(self.takes_over);
    }

    /// Appends up to `limit`. `made` is where the output ends; what is behind it is room that was made ready.
    fn advance(
        &mut self,
        input: &mut &[u8],
        out: &mut Vec<u8>,
        made: &mut usize,
        limit: usize,
    ) -> Result<Progress, Fault> {
        if self.message == Message::Empty && input.is_empty() {
            return Ok(Progress::Taken);
        }
        if let Some(byte) = self.spare {
            if *made == limit {
                return Ok(Progress::Full);
            }
            extend(out, 1, byte, limit)?;
            *made = out.len();
            self.spare = None;
        }
        let backend = self.backend.get_or_insert_with(B::new);
        loop {
            if *made == out.len() {
                // Text shrinks to a fourth or an eighth.
                let step = input.len().saturating_mul(8).clamp(SHORTEST_STEP, LONGEST_STEP);
                // What is there is used first, so that a buffer grows when it is full, to twice its length.
                let step = match out.capacity().saturating_sub(out.len()) {
                    0 => step,
                    free => step.min(free),
                };
                extend(out, step.min(limit.saturating_sub(*made)), 0, limit)?;
            }
            let before = *input;
            let mut spare = [0];
            let is_full = *made == limit;
            let free =
                if is_full { &mut spare[..] } else { out.get_mut(*made..).unwrap_or_default() };
            let Inflated { made: more, stop } = backend.inflate(input, free, Until::InputEnd)?;
            if is_full {
                self.spare = spare.first().copied().filter(|_| more > 0);
            } else {
                *made = made.saturating_add(more);
            }
            let taken = before.get(..before.len().saturating_sub(input.len())).unwrap_or(before);
            self.ending = taken
                .iter()
                .skip(taken.len().saturating_sub(4))
                .fold(self.ending, |[_, a, b, c], &byte| [a, b, c, byte]);
            if !taken.is_empty() {
                self.message = Message::Begun;
            }
            if stop == Stop::StreamEnd {
                // §7.2.1: "The next DEFLATE block follows the padded data if any."
                backend.restart();
                self.message = Message::Ended;
            }
            if self.spare.is_some() {
                return Ok(Progress::Full);
            }
            if stop == Stop::Invalid {
                return Err(Fault::Invalid);
            }
            if input.is_empty() && stop != Stop::OutputFull {
                return Ok(Progress::Taken);
            }
            if taken.is_empty() && more == 0 && stop != Stop::StreamEnd {
                return Err(Fault::Invalid);
            }
        }
    }

    /// §7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message." They must be the
    /// rest of an empty block, so that the next message begins with a block of its own: the backend must stop right
    /// behind them, and right behind another one.
    ///
    /// A peer may have left them on; then the message ends with the empty block already. Or its last stream has ended,
    /// and they are no part of any.
    fn end(&mut self) -> Result<(), Fault> {
        let ending = mem::take(&mut self.ending);
        let (Message::Begun, Some(backend)) = (self.message, &mut self.backend) else {
            return Ok(());
        };
        let is_left_on = ending == TAIL;
        let mut input = EMPTY_BLOCKS.get(usize::from(!is_left_on)..).unwrap_or_default();
        for left in [6, 1] {
            let Inflated { made, stop } = backend.inflate(&mut input, &mut [0], Until::BlockEnd)?;
            if (stop, made, input.len()) == (Stop::StreamEnd, 0, 6) {
                // The empty block was the last of its stream (§7.2.3.4).
                backend.restart();
                break;
            }
            if (stop, made, input.len()) != (Stop::BlockEnd, 0, left) {
                return Err(Fault::Invalid);
            }
        }
        Ok(())
    }
}

impl<B> fmt::Debug for Inflater<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("takes_over", &self.takes_over)
            .field("message", &self.message)
            .field("is_held", &self.backend.is_some())
            .finish_non_exhaustive()
    }
}

/// Deflates the messages of one direction, with distances that a window of `2^window_bits` bytes covers.
pub(crate) struct Deflater<B> {
    window_bits: u8,
    takes_over: bool,
    level: u8,
    /// None before it is needed, and after a message when nothing is taken over.
    backend: Option<B>,
}

impl<B: DeflateBackend> Deflater<B> {
    /// Opens a deflater, which allocates nothing yet. `window_bits` are 8 to 15. `level` is 1 to 9: 1 has the fixed codes,
    /// and is by far the fastest up to a kilobyte; 9 makes the least.
    pub(crate) fn new(window_bits: u8, takes_over: bool, level: u8) -> Self {
        Self { window_bits, takes_over, level, backend: None }
    }

    /// Deflates a message, or a part of it, and appends the payload to `out`. All of a part can be inflated when it has
    /// come.
    ///
    /// Without memory `out` is as it was, and what was deflated before is forgotten: the message can be sent otherwise,
    /// or tried again.
    pub(crate) fn deflate(
        &mut self,
        data: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), OutOfMemory> {
        let start = out.len();
        let advanced = self.advance(data, last, out);
        if advanced.is_err() {
            out.truncate(start);
        }
        if advanced.is_err() || (last && !self.takes_over) {
            self.forget();
        }
        advanced
    }

    /// Tells whether something is held that what follows may refer to.
    pub(crate) const fn is_held(&self) -> bool {
        self.backend.is_some()
    }

    /// Drops all that is held: what follows refers to nothing before it. It must be called when a payload is not sent.
    pub(crate) fn forget(&mut self) {
        self.backend = None;
    }

    fn advance(
        &mut self,
        mut data: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), OutOfMemory> {
        if data.is_empty() {
            // §7.2.3.6: an empty block without its tail is the one byte 00.
            return extend(out, usize::from(last), 0, usize::MAX);
        }
        let backend =
            self.backend.get_or_insert_with(|| B::new(self.window_bits.clamp(8, 15), self.level));
        let mut made = out.len();
        loop {
            if made == out.len() {
                extend(out, data.len().clamp(SHORTEST_STEP, LONGEST_STEP), 0, usize::MAX)?;
            }
            let more = backend.deflate(&mut data, out.get_mut(made..).unwrap_or_default())?;
            made = made.saturating_add(more);
            if made < out.len() && data.is_empty() {
                break;
            }
        }
        out.truncate(made);
        if last {
            // §7.2.1: "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end."
            out.truncate(out.len().saturating_sub(TAIL.len()));
        }
        Ok(())
    }
}

impl<B> fmt::Debug for Deflater<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("window_bits", &self.window_bits)
            .field("takes_over", &self.takes_over)
            .field("level", &self.level)
            .field("is_held", &self.backend.is_some())
            .finish_non_exhaustive()
    }
}

/// One stream of DEFLATE, and then another, on its way to the caller.
pub(crate) trait InflateBackend {
    fn new() -> Self;

    /// Inflates from the front of `input` to the front of `out`, which is not empty: until one is used up, or the stream
    /// ends, or the block does if it is to stop there. A distance beyond what the stream has made so far is invalid. An
    /// error is for want of memory.
    fn inflate(
        &mut self,
        input: &mut &[u8],
        out: &mut [u8],
        until: Until,
    ) -> Result<Inflated, OutOfMemory>;

    /// Begins another stream.
    fn restart(&mut self);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    InputEnd,
    /// The next end of a block, unless the input ends there as well. That the stream ends too, the next call may say.
    BlockEnd,
}

/// What a backend made, in bytes, and why it stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inflated {
    pub(crate) made: usize,
    pub(crate) stop: Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    InputEmpty,
    /// There may be more to come out.
    OutputFull,
    BlockEnd,
    StreamEnd,
    /// What follows is not DEFLATE. It says so again if it is called again.
    Invalid,
}

/// One stream of DEFLATE without end, on its way to the peer.
pub(crate) trait DeflateBackend {
    /// `window_bits` are 8 to 15.
    fn new(window_bits: u8, level: u8) -> Self;

    /// Deflates from the front of `input` to the front of `out`, and returns how many bytes it made. When those are fewer
    /// than `out` has room for, they end with an empty block, and everything that was taken is in them. It takes or makes
    /// at least a byte.
    fn deflate(&mut self, input: &mut &[u8], out: &mut [u8]) -> Result<usize, OutOfMemory>;
}

impl From<OutOfMemory> for Fault {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

/// What a sender takes off the end of a message, and a receiver puts back.
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Two empty blocks without compression, and the first byte of a third.
const EMPTY_BLOCKS: [u8; 11] = [0, 0x00, 0x00, 0xFF, 0xFF, 0, 0x00, 0x00, 0xFF, 0xFF, 0];

/// How many bytes are made ready at once: as many as may be needed, within these.
const SHORTEST_STEP: usize = 256;
const LONGEST_STEP: usize = 65_536;

#[cfg(test)]
mod tests {
    use alloc::{format, vec};

    use super::super::miniz;
    use super::super::naive::{BAD_STREAMS, BadStream, Bits, FOUR_CODES, Naive, noise};
    #[cfg(feature = "zlib-rs")]
    use super::super::{naive::next, zlib_rs};
    use super::*;

    /// Both backends, if they are there, against streams made by hand and an inflater that is too simple to be wrong.
    trait Backend {
        type Inflate: InflateBackend;
        type Deflate: DeflateBackend;
    }

    struct Miniz;

    impl Backend for Miniz {
        type Inflate = miniz::Inflate;
        type Deflate = miniz::Deflate;
    }

    #[cfg(feature = "zlib-rs")]
    struct ZlibRs;

    #[cfg(feature = "zlib-rs")]
    impl Backend for ZlibRs {
        type Inflate = zlib_rs::Inflate;
        type Deflate = zlib_rs::Deflate;
    }

    /// Makes a test for each backend of functions that are generic over it.
    macro_rules! on_each_backend {
    ($($name:ident)*) => {
        mod miniz_oxide {
            $(#[test] fn $name() { super::$name::<super::Miniz>() })*
        }
        #[cfg(feature = "zlib-rs")]
        mod zlib_rs_backend {
            $(#[test] fn $name() { super::$name::<super::ZlibRs>() })*
        }
    };
}

    on_each_backend! {
        examples_of_the_rfc
        examples_of_the_rfc_byte_by_byte
        empty_messages
        a_tail_left_on
        blocks_of_all_kinds
        streams_that_end_within_a_message
        a_stream_whose_end_is_known_before_its_room
        a_copy_whose_end_is_in_the_last_byte
        a_stream_that_ends_without_the_empty_block
        a_stream_that_ends_with_the_empty_block
        the_next_message_after_a_stream_that_ended
        distances_up_to_what_there_is
        distances_as_far_as_the_window
        no_distance_reaches_another_message
        no_distance_reaches_another_stream
        bad_streams
        what_was_made_before_a_fault
        truncated_messages
        unfinished_blocks_whose_rest_the_tail_could_be
        a_fault_leaves_nothing
        a_bomb_stays_within_the_room
        no_room_at_all
        room_that_is_just_enough
        output_as_memory_allows
        many_blocks_and_streams
        deflated_as_the_rfc_says
        deflated_parts
        deflated_within_the_window
        deflated_for_no_takeover
        deflated_and_not_sent
        what_is_deflated_can_be_inflated
        nothing_is_held_until_it_is_used
        debug_shows_no_data
    }

    /// The codecs that a connection holds; it can be sent to another thread with them.
    #[test]
    fn the_codecs_of_a_connection() {
        fn is_send<T: Send + Sync>(_: &T) {}
        let (inflater, deflater) =
            (super::super::Inflater::new(true), super::super::Deflater::new(15, true, 6));
        is_send(&inflater);
        is_send(&deflater);
    }

    /// Inflates one message that comes in pieces, with room for all of it.
    fn message<B: InflateBackend>(
        inflater: &mut Inflater<B>,
        pieces: &[&[u8]],
    ) -> Result<Vec<u8>, Fault> {
        let mut out = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            assert_eq!(inflater.inflate(&mut input, &mut out, usize::MAX)?, Progress::Taken);
            assert!(input.is_empty());
        }
        assert_eq!(inflater.finish(&mut out, usize::MAX)?, Progress::Taken);
        Ok(out)
    }

    /// Inflates one message whole, with room for a byte at a time, and byte by byte; all must come to the same.
    fn alone<B: Backend>(payload: &[u8]) -> Result<Vec<u8>, Fault> {
        let whole = message(&mut Inflater::<B::Inflate>::new(false), &[payload]);
        for piece in [usize::MAX, 1] {
            let trickled = trickle(&mut Inflater::<B::Inflate>::new(true), payload, piece);
            assert_eq!(whole, trickled, "{payload:02x?}");
        }
        whole
    }

    fn trickle<B: InflateBackend>(
        inflater: &mut Inflater<B>,
        payload: &[u8],
        piece: usize,
    ) -> Result<Vec<u8>, Fault> {
        let mut whole = Vec::new();
        let mut out = Vec::new();
        for piece in payload.chunks(piece) {
            let mut input = piece;
            while inflater.inflate(&mut input, &mut out, 1)? == Progress::Full {
                assert_eq!(out.len(), 1);
                whole.append(&mut out);
            }
            assert!(input.is_empty());
            whole.append(&mut out);
        }
        while inflater.finish(&mut out, 1)? == Progress::Full {
            whole.append(&mut out);
        }
        whole.append(&mut out);
        Ok(whole)
    }

    const HELLO: &[u8] = &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

    /// RFC 7692 §7.2.3.1, §7.2.3.3 to §7.2.3.5.
    const EXAMPLES: [&[u8]; 4] = [
        HELLO,
        &[0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
        &[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
        &[0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
    ];

    fn examples_of_the_rfc<B: Backend>() {
        for example in EXAMPLES {
            assert_eq!(alone::<B>(example).unwrap(), b"Hello");
        }
        // §7.2.3.2: the second message refers to the first.
        let mut inflater = Inflater::<B::Inflate>::new(true);
        assert_eq!(message(&mut inflater, &[HELLO]).unwrap(), b"Hello");
        assert_eq!(message(&mut inflater, &[&[0xF2, 0x00, 0x11, 0x00, 0x00]]).unwrap(), b"Hello");
        assert_eq!(message(&mut inflater, &[HELLO]).unwrap(), b"Hello");
    }

    fn examples_of_the_rfc_byte_by_byte<B: Backend>() {
        for takes_over in [false, true] {
            let mut inflater = Inflater::<B::Inflate>::new(takes_over);
            for example in EXAMPLES {
                for at in 0..=example.len() {
                    let (one, other) = example.split_at(at);
                    assert_eq!(message(&mut inflater, &[one, other]).unwrap(), b"Hello");
                }
                assert_eq!(trickle(&mut inflater, example, 1).unwrap(), b"Hello");
            }
        }
    }

    fn empty_messages<B: Backend>() {
        for takes_over in [false, true] {
            let mut inflater = Inflater::<B::Inflate>::new(takes_over);
            for _ in 0..3 {
                // §7.2.3.6
                assert_eq!(message(&mut inflater, &[&[0x00]]).unwrap(), b"");
                // An empty block with the fixed codes, and then without compression.
                assert_eq!(message(&mut inflater, &[&[0x02, 0x00]]).unwrap(), b"");
                // Not a byte; the codec is not touched.
                assert_eq!(message(&mut inflater, &[]).unwrap(), b"");
                assert_eq!(message(&mut inflater, &[b"", b""]).unwrap(), b"");
                assert_eq!(message(&mut inflater, &[HELLO]).unwrap(), b"Hello");
            }
        }
    }

    fn a_tail_left_on<B: Backend>() {
        for takes_over in [false, true] {
            let mut inflater = Inflater::<B::Inflate>::new(takes_over);
            for example in EXAMPLES {
                let with_tail = [example, &[0x00, 0x00, 0xFF, 0xFF]].concat();
                for at in 0..=with_tail.len() {
                    let (one, other) = with_tail.split_at(at);
                    assert_eq!(message(&mut inflater, &[one, other]).unwrap(), b"Hello");
                }
                assert_eq!(message(&mut inflater, &[example]).unwrap(), b"Hello");
            }
        }
        // What only looks like one is the data of a block, whose end is missing.
        let data = [0x00, 0x04, 0x00, 0xFB, 0xFF, 0x00, 0x00, 0xFF, 0xFF];
        assert_eq!(alone::<B>(&[&data[..], &[0x00]].concat()).unwrap(), [0x00, 0x00, 0xFF, 0xFF]);
        assert_eq!(alone::<B>(&data[..8]), Err(Fault::Invalid));
        let longer = [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x00, 0x00, 0xFF, 0xFF];
        assert_eq!(alone::<B>(&longer), Err(Fault::Invalid));
    }

    fn blocks_of_all_kinds<B: Backend>() {
        let mut payload = Bits::new();
        payload.stored(false, b"stored, ").fixed(false).literals(b"fixed, ").copy(5, 7).end();
        payload.stored(false, b"").stored(false, b"; ");
        payload.dynamic(&FOUR_CODES).dynamic_symbols("aabb<a>.");
        payload.stored_header(false);
        assert_eq!(alone::<B>(&payload.bytes).unwrap(), b"stored, fixed, fixed; aabbaaaa");
        let longest = vec![7; 65_535];
        let mut payload = Bits::new();
        payload.stored(false, &longest).stored_header(false);
        assert!(alone::<B>(&payload.bytes).unwrap() == longest);
    }

    fn streams_that_end_within_a_message<B: Backend>() {
        let mut payload = Bits::new();
        payload.stored(true, b"one ");
        payload.fixed(true).literals(b"two ").end().align();
        payload.fixed(true).literals(b"aha").copy(3, 2).end().align();
        payload.fixed(false).literals(b" end").end().stored_header(false);
        assert_eq!(alone::<B>(&payload.bytes).unwrap(), b"one two ahahah end");
    }

    /// Its end is in the byte that has the last bit of what fills the room.
    fn a_stream_whose_end_is_known_before_its_room<B: Backend>() {
        let mut payload = Bits::new();
        payload.fixed(true).literals(&[200; 6]).end().align();
        assert_eq!(payload.bytes.len(), 8);
        payload.stored(false, b"more").stored_header(false);
        assert_eq!(alone::<B>(&payload.bytes).unwrap(), [&[200; 6][..], b"more"].concat());
    }

    /// All of the input is taken before there is room for the copy, wherever in the byte that ends.
    fn a_copy_whose_end_is_in_the_last_byte<B: Backend>() {
        for letters in 0..8 {
            for copies in 1..3 {
                let symbols = ["a", &"b".repeat(letters), &"<a>".repeat(copies), "."].concat();
                let mut payload = Bits::new();
                payload.dynamic(&FOUR_CODES).dynamic_symbols(&symbols).stored_header(false);
                let made = ["a", &"b".repeat(letters), &"aaaa".repeat(copies)].concat();
                assert_eq!(alone::<B>(&payload.bytes).unwrap(), made.as_bytes());
            }
        }
    }

    fn a_stream_that_ends_without_the_empty_block<B: Backend>() {
        // RFC 1951 §3.2.3: "BFINAL is set if and only if this is the last block of the data set."
        assert_eq!(alone::<B>(&[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]).unwrap(), b"Hello");
        assert_eq!(alone::<B>(&[0x03, 0x00]).unwrap(), b"");
        assert_eq!(alone::<B>(&[0x01, 0x00, 0x00, 0xFF, 0xFF]).unwrap(), b"");
    }

    /// §7.2.1 takes the tail off that block too; some flush and then end the stream of each message so.
    fn a_stream_that_ends_with_the_empty_block<B: Backend>() {
        for is_flushed in [false, true] {
            let mut payload = Bits::new();
            payload.fixed(false).literals(b"Hello").end();
            if is_flushed {
                payload.stored(false, b"");
            }
            payload.stored_header(true);
            let mut inflater = Inflater::<B::Inflate>::new(true);
            for _ in 0..2 {
                assert_eq!(message(&mut inflater, &[&payload.bytes]).unwrap(), b"Hello");
                assert_eq!(message(&mut inflater, &[HELLO]).unwrap(), b"Hello");
            }
            // Nothing of it is taken over.
            message(&mut inflater, &[&payload.bytes]).unwrap();
            let refers = [0xF2, 0x00, 0x11, 0x00, 0x00];
            assert_eq!(message(&mut inflater, &[&refers]), Err(Fault::Invalid));
        }
        assert_eq!(alone::<B>(&[0x01]).unwrap(), b"");
    }

    fn the_next_message_after_a_stream_that_ended<B: Backend>() {
        let mut inflater = Inflater::<B::Inflate>::new(true);
        for _ in 0..3 {
            for example in EXAMPLES {
                assert_eq!(message(&mut inflater, &[example]).unwrap(), b"Hello");
                let ended = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
                assert_eq!(message(&mut inflater, &[&ended]).unwrap(), b"Hello");
            }
        }
    }

    fn distances_up_to_what_there_is<B: Backend>() {
        for made in 0..70 {
            let text = vec![b'x'; made];
            let mut payload = Bits::new();
            payload.fixed(false).literals(&text).copy(3, made + 1).end().stored_header(false);
            assert_eq!(alone::<B>(&payload.bytes), Err(Fault::Invalid), "{made}");
            if made > 0 {
                let mut payload = Bits::new();
                payload.fixed(false).literals(&text).copy(3, made).end().stored_header(false);
                assert_eq!(alone::<B>(&payload.bytes).unwrap(), vec![b'x'; made + 3]);
            }
        }
        // With takeover the earlier messages are there, and not a byte more.
        for (distance, verdict) in [(5, Ok(b"Hel".to_vec())), (6, Err(Fault::Invalid))] {
            let mut inflater = Inflater::<B::Inflate>::new(true);
            message(&mut inflater, &[HELLO]).unwrap();
            let mut payload = Bits::new();
            payload.fixed(false).copy(3, distance).end().stored_header(false);
            assert_eq!(message(&mut inflater, &[&payload.bytes]), verdict);
        }
    }

    fn distances_as_far_as_the_window<B: Backend>() {
        let text = noise(200_000);
        let mut inflater = Inflater::<B::Inflate>::new(true);
        let mut made: Vec<u8> = Vec::new();
        for (index, piece) in text.chunks(9_973).enumerate() {
            let mut payload = Bits::new();
            payload.stored(false, piece).stored_header(false);
            made.extend(message(&mut inflater, &[&payload.bytes]).unwrap());
            let farthest = made.len().min(32_768);
            for distance in [farthest, farthest - index, 258, 259, 1] {
                let mut payload = Bits::new();
                payload.fixed(false).copy(258, distance).end().stored_header(false);
                let copied = message(&mut inflater, &[&payload.bytes]).unwrap();
                for byte in copied {
                    assert_eq!(byte, made[made.len() - distance]);
                    made.push(byte);
                }
            }
        }
    }

    fn no_distance_reaches_another_message<B: Backend>() {
        let secret = b"the secret of another message";
        let mut planted = Bits::new();
        planted.stored(false, &secret.repeat(2_000)).stored_header(false);
        let mut inflater = Inflater::<B::Inflate>::new(false);
        for distance in (1..=32_768).step_by(997).chain([1, 2, 3, 4, 29, 30, 32_767, 32_768]) {
            assert_eq!(message(&mut inflater, &[&planted.bytes]).unwrap().len(), 58_000);
            let mut payload = Bits::new();
            payload.fixed(false).copy(258, distance).end().stored_header(false);
            assert_eq!(
                message(&mut inflater, &[&payload.bytes]),
                Err(Fault::Invalid),
                "{distance}"
            );
            // Behind a literal, which is all there is.
            message(&mut inflater, &[&planted.bytes]).unwrap();
            let mut payload = Bits::new();
            payload.fixed(false).literals(b"!").copy(258, distance).end().stored_header(false);
            match message(&mut inflater, &[&payload.bytes]) {
                Ok(out) => assert_eq!((distance, out), (1, vec![b'!'; 259])),
                Err(fault) => assert_eq!(fault, Fault::Invalid),
            }
        }
    }

    fn no_distance_reaches_another_stream<B: Backend>() {
        for takes_over in [false, true] {
            for distance in 1..=40 {
                let mut inflater = Inflater::<B::Inflate>::new(takes_over);
                let mut payload = Bits::new();
                payload.stored(true, b"what another stream made before it ended");
                payload.fixed(false).copy(3, distance).end().stored_header(false);
                assert_eq!(message(&mut inflater, &[&payload.bytes]), Err(Fault::Invalid));
            }
        }
    }

    fn bad_streams<B: Backend>() {
        let no_end: BadStream = ("no end of block", |bits| bits.dynamic(&[(97, 1), (98, 1)]));
        for (name, make) in BAD_STREAMS.into_iter().chain([no_end]) {
            let mut bits = Bits::new();
            bits.fixed(false).literals(b"good").end();
            // Enough behind it for any verdict.
            make(&mut bits).align().raw(&[0x55; 400]);
            assert_eq!(alone::<B>(&bits.bytes), Err(Fault::Invalid), "{name}");
        }
    }

    /// Whatever is made before a fault, and whatever the room is full before, in pieces of any size.
    fn what_was_made_before_a_fault<B: Backend>() {
        let mut payload = Bits::new();
        payload.fixed(false).literals(&[200; 7]).end().bits(0b110, 3).align().raw(&[0x55; 30]);
        for room in 0..9 {
            for piece in 1..=payload.bytes.len() {
                let mut inflater = Inflater::<B::Inflate>::new(true);
                let mut out = Vec::new();
                let mut pieces = payload.bytes.chunks(piece);
                let progress = pieces.find_map(|mut piece| {
                    let left = room - out.len();
                    let progress = inflater.inflate(&mut piece, &mut out, left);
                    (progress != Ok(Progress::Taken)).then_some(progress)
                });
                let expected = if room < 7 { Ok(Progress::Full) } else { Err(Fault::Invalid) };
                assert_eq!((progress, out), (Some(expected), vec![200; room.min(7)]), "{piece}");
            }
        }
    }

    fn truncated_messages<B: Backend>() {
        let mut dynamic = Bits::new();
        dynamic.dynamic(&FOUR_CODES).dynamic_symbols("aabb<a>.").stored_header(false);
        for payload in [HELLO, EXAMPLES[1], &dynamic.bytes] {
            for len in 1..payload.len() {
                if payload[..len] == [0x00] {
                    continue; // an empty message
                }
                assert_eq!(
                    alone::<B>(&payload[..len]),
                    Err(Fault::Invalid),
                    "{len} of {payload:02x?}"
                );
            }
        }
        // Within a copy of which there is more to come out, too.
        let mut copy = Bits::new();
        copy.fixed(false).literals(b"a").copy(258, 1);
        assert_eq!(alone::<B>(&copy.bytes), Err(Fault::Invalid));
    }

    /// What the tail would complete, were it taken for whatever comes.
    fn unfinished_blocks_whose_rest_the_tail_could_be<B: Backend>() {
        let mut cases: Vec<Bits> = Vec::new();
        // The data of a block without compression, the last one or not, or its length.
        for is_final in [false, true] {
            for len in 1..=9_u8 {
                let mut bits = Bits::new();
                bits.stored_header(is_final).raw(&[len, 0x00, !len, 0xFF]);
                cases.push(bits);
            }
            let mut bits = Bits::new();
            bits.stored_header(is_final).raw(&[0x00]);
            cases.push(bits);
            // The end of a block with the fixed codes, whose code is seven zeros: at every bit but where
            // the byte has seven more.
            for literals in [0, 1, 2, 3, 4, 5, 7, 8] {
                let mut bits = Bits::new();
                bits.fixed(is_final).literals(&[200; 9][..literals]);
                cases.push(bits);
            }
        }
        for bits in cases {
            assert_eq!(alone::<B>(&bits.bytes), Err(Fault::Invalid), "{:02x?}", bits.bytes);
        }
    }

    fn a_fault_leaves_nothing<B: Backend>() {
        for takes_over in [false, true] {
            let mut inflater = Inflater::<B::Inflate>::new(takes_over);
            for bad in [&[0xFF][..], &[0xF2, 0x48, 0xCD], &[0xF2, 0x48, 0xFF, 0xFF, 0xFF, 0xFF]] {
                assert_eq!(message(&mut inflater, &[HELLO]).unwrap(), b"Hello");
                assert_eq!(message(&mut inflater, &[bad]), Err(Fault::Invalid));
                assert!(format!("{inflater:?}").contains("is_held: false"), "{inflater:?}");
                let refers = [0xF2, 0x00, 0x11, 0x00, 0x00];
                assert_eq!(message(&mut inflater, &[&refers]), Err(Fault::Invalid));
            }
        }
    }

    /// A megabyte in about a kilobyte.
    fn bomb() -> (Bits, Vec<u8>) {
        let mut payload = Bits::new();
        payload.fixed(false).literals(b"ab");
        for _ in 0..4_000 {
            payload.copy(258, 2);
        }
        payload.end().stored_header(false);
        (payload, b"ab".repeat(1 + 4_000 * 129))
    }

    fn a_bomb_stays_within_the_room<B: Backend>() {
        let (bomb, whole) = bomb();
        for room in [1, 2, 255, 256, 257, 258, 4_096, 16_383, 16_384, 16_385, 65_536, 1_000_000] {
            let mut inflater = Inflater::<B::Inflate>::new(true);
            let mut input = &bomb.bytes[..];
            let mut out = b"before".to_vec();
            let limit = out.len() + room;
            let full = inflater.inflate(&mut input, &mut out, room).unwrap();
            assert_eq!((full, out.len()), (Progress::Full, limit));
            assert!(out.capacity() <= limit.max(2 * 256), "{} for {room}", out.capacity());
            assert_eq!(inflater.inflate(&mut input, &mut out, 0).unwrap(), Progress::Full);
            assert_eq!(inflater.finish(&mut out, 0).unwrap(), Progress::Full);
            assert_eq!(out.len(), limit);
            // It can go on all the same.
            assert_eq!(inflater.inflate(&mut input, &mut out, 1).unwrap(), Progress::Full);
            let all = inflater.inflate(&mut input, &mut out, usize::MAX).unwrap();
            assert_eq!((all, input.len()), (Progress::Taken, 0));
            assert_eq!(inflater.finish(&mut out, 0).unwrap(), Progress::Taken);
            assert!(out.strip_prefix(b"before").unwrap() == whole);
        }
    }

    fn no_room_at_all<B: Backend>() {
        for example in EXAMPLES {
            let mut inflater = Inflater::<B::Inflate>::new(false);
            let mut out = Vec::new();
            let mut input = example;
            assert_eq!(inflater.inflate(&mut input, &mut out, 0).unwrap(), Progress::Full);
            assert_eq!((out.len(), out.capacity()), (0, 0));
        }
        // An empty message needs none.
        let mut inflater = Inflater::<B::Inflate>::new(false);
        let mut out = Vec::new();
        assert_eq!(inflater.inflate(&mut &[0x00][..], &mut out, 0).unwrap(), Progress::Taken);
        assert_eq!(inflater.finish(&mut out, 0).unwrap(), Progress::Taken);
    }

    fn room_that_is_just_enough<B: Backend>() {
        for len in [1, 2, 255, 256, 257, 511, 512, 16_383, 16_384, 16_385, 32_768, 49_152, 65_536] {
            let whole = noise(len);
            let mut payload = Bits::new();
            for piece in whole.chunks(65_535) {
                payload.stored(false, piece);
            }
            payload.stored_header(false);
            for (room, verdict) in [(len, Progress::Taken), (len - 1, Progress::Full)] {
                let mut inflater = Inflater::<B::Inflate>::new(false);
                let mut out = Vec::new();
                let mut input = &payload.bytes[..];
                assert_eq!(inflater.inflate(&mut input, &mut out, room).unwrap(), verdict, "{len}");
                assert!(out == whole[..room], "{len}");
                assert_eq!(inflater.finish(&mut out, 0).unwrap(), verdict);
            }
        }
    }

    fn output_as_memory_allows<B: Backend>() {
        // No address space has room for it, so the allocator is asked and refuses.
        let mut inflater = Inflater::<B::Inflate>::new(true);
        let mut out: Vec<u8> = Vec::new();
        assert_eq!(extend(&mut out, usize::MAX, 0, usize::MAX), Err(OutOfMemory));
        // What is made decides what is asked for, not what there is room for.
        assert_eq!(message(&mut inflater, &[HELLO]).unwrap(), b"Hello");
        let mut out = Vec::new();
        inflater.inflate(&mut { HELLO }, &mut out, usize::MAX).unwrap();
        assert!(out.capacity() <= 256, "{}", out.capacity());
        // What there is is filled before it grows.
        let mut out = Vec::with_capacity(100);
        for _ in 0..15 {
            inflater.finish(&mut out, usize::MAX).unwrap();
            inflater.inflate(&mut { HELLO }, &mut out, usize::MAX).unwrap();
        }
        assert_eq!((out.len(), out.capacity()), (75, 100));
    }

    fn many_blocks_and_streams<B: Backend>() {
        for is_final in [false, true] {
            let mut payload = Bits::new();
            let mut whole = Vec::new();
            for index in 0..3_000_u32 {
                let text = index.to_be_bytes();
                payload.fixed(is_final).literals(&text).end();
                if is_final {
                    payload.align();
                }
                whole.extend(text);
            }
            payload.stored_header(false);
            assert!(alone::<B>(&payload.bytes).unwrap() == whole);
        }
    }

    fn deflated<B: DeflateBackend>(deflater: &mut Deflater<B>, data: &[u8]) -> Vec<u8> {
        let mut out = b"before".to_vec();
        deflater.deflate(data, true, &mut out).unwrap();
        out.strip_prefix(b"before").unwrap().to_vec()
    }

    fn deflated_as_the_rfc_says<B: Backend>() {
        for takes_over in [false, true] {
            for window_bits in 8..=15 {
                for level in 1..=9 {
                    let mut deflater = Deflater::<B::Deflate>::new(window_bits, takes_over, level);
                    // §7.2.3.6
                    assert_eq!(deflated(&mut deflater, b""), [0x00]);
                    // §7.2.3.1
                    assert_eq!(deflated(&mut deflater, b"Hello"), HELLO);
                    assert_eq!(deflated(&mut deflater, b""), [0x00]);
                }
            }
        }
        // §7.2.3.2: with takeover the second one is shorter; here it says a letter anew.
        let mut deflater = Deflater::<B::Deflate>::new(15, true, 6);
        let first = deflated(&mut deflater, b"Hello, Hello, World");
        let second = deflated(&mut deflater, b"Hello, Hello, World");
        assert!(second.len() < first.len(), "{second:02x?}");
    }

    fn deflated_parts<B: Backend>() {
        for takes_over in [false, true] {
            let mut deflater = Deflater::<B::Deflate>::new(15, takes_over, 6);
            let mut inflater = Inflater::<B::Inflate>::new(takes_over);
            for parts in
                [&[&b"one part, "[..], b"another part"][..], &[b"", b"", b"x", b""], &[b"", b""]]
            {
                let mut out = Vec::new();
                for (index, part) in parts.iter().enumerate() {
                    let mut payload = Vec::new();
                    deflater.deflate(part, index + 1 == parts.len(), &mut payload).unwrap();
                    // All of a part can be inflated when it has come.
                    inflater.inflate(&mut &payload[..], &mut out, usize::MAX).unwrap();
                    assert_eq!(out, parts[..=index].concat());
                }
                assert_eq!(inflater.finish(&mut out, usize::MAX), Ok(Progress::Taken));
                assert_eq!(out, parts.concat());
            }
        }
    }

    /// Data that repeats itself at all distances, and data that does not.
    fn samples() -> Vec<Vec<u8>> {
        let mut samples = Vec::new();
        let noise = noise(3_000);
        let mut far = Vec::new();
        for gap in [0, 3, 100, 240, 250, 256, 257, 500, 512, 513, 1_000, 1_024, 2_000, 2_800] {
            far.extend_from_slice(&noise[..40]);
            far.extend_from_slice(&noise[100..100 + gap]);
        }
        samples.push(far.clone());
        samples.push(vec![0; 9_000]);
        samples.push(noise.repeat(14));
        samples.push(b"{\"id\":12345,\"name\":\"value\",\"list\":[1,2,3,4,5]},".repeat(150));
        samples.extend([1, 2, 3, 255, 256, 257].map(|len| noise[..len].to_vec()));
        samples.push([&far[..], &vec![b'a'; 600], &far].concat());
        samples
    }

    fn deflated_within_the_window<B: Backend>() {
        let samples = samples();
        for window_bits in 8..=15 {
            for level in [1, 2, 3, 6, 9] {
                let mut deflater = Deflater::<B::Deflate>::new(window_bits, true, level);
                let mut naive = Naive { window: 1 << window_bits, made: Vec::new() };
                for sample in &samples {
                    let payload = deflated(&mut deflater, sample);
                    let made = naive.inflate(&[&payload[..], &[0x00, 0x00, 0xFF, 0xFF]].concat());
                    assert!(made == Some(&sample[..]), "{window_bits} {level} {}", sample.len());
                    // What repeats itself within each window gets short with all of them.
                    let repeats = sample.windows(2).all(|pair| pair[0] == pair[1]);
                    assert!(!repeats || sample.len() < 100 || payload.len() * 3 < sample.len());
                }
            }
        }
    }

    fn deflated_for_no_takeover<B: Backend>() {
        for window_bits in [8, 9, 15] {
            let mut deflater = Deflater::<B::Deflate>::new(window_bits, false, 6);
            for sample in samples().iter().chain(&samples()) {
                let mut naive = Naive { window: 1 << window_bits, made: Vec::new() };
                let payload = deflated(&mut deflater, sample);
                let made = naive.inflate(&[&payload[..], &[0x00, 0x00, 0xFF, 0xFF]].concat());
                assert!(made == Some(&sample[..]));
                let mut fresh = Deflater::<B::Deflate>::new(window_bits, false, 6);
                assert!(deflated(&mut fresh, sample) == payload);
            }
        }
    }

    fn deflated_and_not_sent<B: Backend>() {
        let mut deflater = Deflater::<B::Deflate>::new(15, true, 6);
        deflated(&mut deflater, b"a message that is not sent");
        deflater.forget();
        let payload = deflated(&mut deflater, b"a message that is not sent");
        assert_eq!(alone::<B>(&payload).unwrap(), b"a message that is not sent");
    }

    fn what_is_deflated_can_be_inflated<B: Backend>() {
        for takes_over in [false, true] {
            for window_bits in [8, 11, 15] {
                let mut deflater = Deflater::<B::Deflate>::new(window_bits, takes_over, 2);
                let mut inflater = Inflater::<B::Inflate>::new(takes_over);
                for sample in samples() {
                    let payload = deflated(&mut deflater, &sample);
                    assert!(message(&mut inflater, &[&payload]).unwrap() == sample);
                }
            }
        }
    }

    fn nothing_is_held_until_it_is_used<B: Backend>() {
        for takes_over in [false, true] {
            let held = format!("is_held: {takes_over}");
            let mut inflater = Inflater::<B::Inflate>::new(takes_over);
            assert!(format!("{inflater:?}").contains("is_held: false"));
            message(&mut inflater, &[]).unwrap();
            assert!(format!("{inflater:?}").contains("is_held: false"));
            message(&mut inflater, &[HELLO]).unwrap();
            assert!(format!("{inflater:?}").contains(&held));
            let mut deflater = Deflater::<B::Deflate>::new(15, takes_over, 6);
            deflated(&mut deflater, b"");
            assert!(format!("{deflater:?}").contains("is_held: false"));
            assert!(!deflater.is_held());
            deflated(&mut deflater, b"Hello");
            assert!(format!("{deflater:?}").contains(&held));
            assert_eq!(deflater.is_held(), takes_over);
        }
    }

    fn debug_shows_no_data<B: Backend>() {
        let mut inflater = Inflater::<B::Inflate>::new(true);
        message(&mut inflater, &[HELLO]).unwrap();
        inflater.inflate(&mut { HELLO }, &mut Vec::new(), 3).unwrap();
        assert_eq!(
            format!("{inflater:?}"),
            "Inflater { takes_over: true, message: Begun, is_held: true, .. }"
        );
        let mut deflater = Deflater::<B::Deflate>::new(15, true, 6);
        deflated(&mut deflater, b"Hello");
        assert_eq!(
            format!("{deflater:?}"),
            "Deflater { window_bits: 15, takes_over: true, level: 6, is_held: true, .. }"
        );
    }

    /// Streams with a few bits changed or cut off, and whatever follows them, have the same verdict and make the same.
    #[cfg(feature = "zlib-rs")]
    #[test]
    fn backends_agree() {
        let mut originals: Vec<Vec<u8>> = EXAMPLES.iter().map(|example| example.to_vec()).collect();
        let mut dynamic = Bits::new();
        dynamic.dynamic(&FOUR_CODES).dynamic_symbols("aabb<a>bab.").stored_header(false);
        originals.push(dynamic.bytes);
        for level in [1, 6] {
            let mut deflater = Deflater::<miniz::Deflate>::new(15, false, level);
            originals.extend(
                samples().iter().map(|it| deflated(&mut deflater, &it[..it.len().min(900)])),
            );
        }
        let mut random = 1_u64;
        let mut verdicts = [0; 2];
        for round in 0..4_000 {
            let mut payload = originals[round % originals.len()].clone();
            for _ in 0..=next(&mut random) % 3 {
                let len = payload.len();
                let at = next(&mut random) as usize % len;
                match next(&mut random) % 4 {
                    0 => payload.truncate(at.max(1)),
                    1 => payload[at] = next(&mut random).to_le_bytes()[0],
                    // Where the codes are.
                    2 => payload[at % 9 % len] ^= 1 << (next(&mut random) % 8),
                    _ => payload[at] ^= 1 << (next(&mut random) % 8),
                }
            }
            let mut one = Inflater::<miniz::Inflate>::new(true);
            let mut other = Inflater::<zlib_rs::Inflate>::new(true);
            for part in [&payload[..], HELLO, &payload] {
                let verdict = message(&mut one, &[part]);
                assert_eq!(verdict, message(&mut other, &[part]), "{payload:02x?}");
                verdicts[usize::from(verdict.is_ok())] += 1;
            }
        }
        assert!(verdicts[0] > 2_000 && verdicts[1] > 2_000, "{verdicts:?}");
    }
}
