//! Where bytes to send go: storage of the caller's.

use crate::error::UsageError;
use crate::mask::Mask;

/// A destination for the bytes to be sent: whole frames are appended, or nothing is.
///
/// It is implemented for `Vec<u8>` and `VecDeque<u8>` (feature `alloc`), `BytesMut` (feature `bytes`) and [`SliceOutput`],
/// and can be for any other storage. Every use asks for room first and puts no more than it asked for.
pub trait Output {
    /// Makes sure that `bytes` more bytes can be put, growing where that is possible; says whether they can.
    fn make_room(&mut self, bytes: usize) -> bool;

    /// Appends `bytes`, for which room was made.
    fn put(&mut self, bytes: &[u8]);

    /// Returns the number of bytes that were put and not yet taken away to be written to the transport.
    fn waiting(&self) -> usize;

    /// Appends `bytes`, for which room was made, masked.
    ///
    /// The provided way goes through a small buffer on the stack; an output that can reach the bytes it holds may do
    /// it in place.
    fn put_masked(&mut self, bytes: &[u8], mask: &mut Mask) {
        let mut buffer = [0; 256];
        for piece in bytes.chunks(buffer.len()) {
            if let Some(copy) = buffer.get_mut(..piece.len()) {
                copy.copy_from_slice(piece);
                mask.apply(copy);
                self.put(copy);
            }
        }
    }
}

/// Makes room for `needed` bytes, or says what is missing.
#[inline]
pub(crate) fn require_room(
    out: &mut (impl Output + ?Sized),
    needed: usize,
) -> Result<(), UsageError> {
    if out.make_room(needed) { Ok(()) } else { Err(UsageError::OutputFull { needed }) }
}

/// An [`Output`] of fixed size over bytes of the caller's.
///
/// # Examples
///
/// ```
/// use websocket_proto::{Output, SliceOutput};
///
/// let mut storage = [0; 4];
/// let mut out = SliceOutput::new(&mut storage);
/// assert!(out.make_room(3));
/// out.put(b"abc");
/// assert!(!out.make_room(2));
/// assert_eq!(out.written(), b"abc");
/// ```
#[derive(Debug)]
pub struct SliceOutput<'a> {
    storage: &'a mut [u8],
    /// At most `storage.len()`.
    filled: usize,
}

impl<'a> SliceOutput<'a> {
    /// Makes an empty output that can hold as many bytes as `storage` does.
    pub fn new(storage: &'a mut [u8]) -> Self {
        Self { storage, filled: 0 }
    }

    /// Takes away all that was put.
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// Takes away the first `bytes` bytes, or all where there are fewer, and moves the rest to the front.
    pub fn consume(&mut self, bytes: usize) {
        let bytes = bytes.min(self.filled);
        if let Some(filled) = self.storage.get_mut(..self.filled) {
            filled.copy_within(bytes.., 0);
        }
        self.filled = self.filled.saturating_sub(bytes);
    }

    /// Returns what was put and not taken away.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.storage.get(..self.filled).unwrap_or_default()
    }

    fn free(&mut self) -> &mut [u8] {
        self.storage.get_mut(self.filled..).unwrap_or_default()
    }
}

impl AsRef<[u8]> for SliceOutput<'_> {
    fn as_ref(&self) -> &[u8] {
        self.written()
    }
}

impl Output for SliceOutput<'_> {
    fn make_room(&mut self, bytes: usize) -> bool {
        self.free().len() >= bytes
    }

    fn put(&mut self, bytes: &[u8]) {
        if let Some(place) = self.free().get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
            self.filled = self.filled.saturating_add(bytes.len());
        }
    }

    fn waiting(&self) -> usize {
        self.filled
    }

    fn put_masked(&mut self, bytes: &[u8], mask: &mut Mask) {
        if let Some(place) = self.free().get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
            mask.apply(place);
            self.filled = self.filled.saturating_add(bytes.len());
        }
    }
}

/// An [`Output`] together with what was taken away from it and is still being written: that waits as well.
///
/// Those who write in the background, from a buffer of their own, give it to `poll`: while a message before it is still on
/// its way, no answer to a Ping is waited for in vain, and held replies do not pile up.
///
/// # Examples
///
/// ```
/// use core::time::Duration;
/// use websocket_proto::{Backlog, Config, Connection, Negotiated, Output, SliceOutput};
///
/// let mut server = Connection::open(Negotiated::server(), Config::default());
/// let mut storage = [0; 144];
/// let mut out = SliceOutput::new(&mut storage);
/// server.send_text("meanwhile", &mut out)?;
/// let mut both = Backlog::new(&mut out, 70_000);
/// assert_eq!(both.waiting(), 70_011);
/// let next = server.poll(Duration::from_secs(1), &mut both);
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[derive(Debug)]
pub struct Backlog<'a, O: ?Sized> {
    out: &'a mut O,
    writing: usize,
}

impl<'a, O: Output + ?Sized> Backlog<'a, O> {
    /// Puts to `out`, before which `writing` bytes are still to be written.
    pub fn new(out: &'a mut O, writing: usize) -> Self {
        Self { out, writing }
    }
}

impl<O: Output + ?Sized> Output for Backlog<'_, O> {
    fn make_room(&mut self, bytes: usize) -> bool {
        self.out.make_room(bytes)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.out.put(bytes);
    }

    fn waiting(&self) -> usize {
        self.out.waiting().saturating_add(self.writing)
    }

    fn put_masked(&mut self, bytes: &[u8], mask: &mut Mask) {
        self.out.put_masked(bytes, mask);
    }
}

#[cfg(feature = "alloc")]
impl Output for alloc::vec::Vec<u8> {
    #[inline]
    fn make_room(&mut self, bytes: usize) -> bool {
        has_room(self, bytes) || grow(self, bytes)
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        if has_room(self, bytes.len()) {
            self.extend_from_slice(bytes);
        } else {
            put_growing(self, bytes);
        }
    }

    #[inline]
    fn waiting(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the path of every small message of a client")]
    fn put_masked(&mut self, bytes: &[u8], mask: &mut Mask) {
        if !self.make_room(bytes.len()) {
            return;
        }
        match bytes.len() {
            0..=7 => put_in_place(self, bytes, *mask),
            8..=15 => put_ends::<8>(self, bytes, *mask),
            16..=31 => put_ends::<16>(self, bytes, *mask),
            32..=63 => put_ends::<32>(self, bytes, *mask),
            64..=128 => put_ends::<64>(self, bytes, *mask),
            129.. => put_words(self, bytes, *mask),
        }
        *mask = mask.turned(bytes.len());
    }
}

/// Masks them where they are put.
#[cfg(feature = "alloc")]
fn put_in_place(vec: &mut alloc::vec::Vec<u8>, bytes: &[u8], mask: Mask) {
    let start = vec.len();
    vec.put(bytes);
    mask.apply_last(vec.get_mut(start..).unwrap_or_default());
}

/// Masks `N` to `2 * N` bytes on the way, as two blocks, of which the second is put over the end of the first.
#[cfg(feature = "alloc")]
#[inline]
fn put_ends<const N: usize>(vec: &mut alloc::vec::Vec<u8>, bytes: &[u8], mask: Mask) {
    if let Some((first, last)) = mask.masked_ends::<N>(bytes) {
        let start = vec.len();
        extend(vec, first);
        vec.truncate(start.saturating_add(bytes.len()).saturating_sub(N));
        extend(vec, last);
    }
}

/// Masks them on the way, in words.
#[cfg(feature = "alloc")]
#[inline(never)]
fn put_words(vec: &mut alloc::vec::Vec<u8>, mut bytes: &[u8], mut mask: Mask) {
    if mask == Mask::NONE {
        return vec.put(bytes);
    }
    if bytes.len() >= 4096 {
        // Only so many make up for what it takes to let the words come to lie aligned.
        let offset = vec.as_ptr().wrapping_add(vec.len()).align_offset(32);
        if let Some((start, rest)) = bytes.split_at_checked(offset) {
            put_in_place(vec, start, mask);
            mask = mask.turned(offset);
            bytes = rest;
        }
    }
    let words = mask.masked_words(bytes.chunks_exact(4));
    if has_room(vec, words.size_hint().0) {
        vec.extend(words);
    }
    put_in_place(vec, bytes.chunks_exact(4).remainder(), mask);
}

#[cfg(feature = "alloc")]
#[inline]
fn extend<const N: usize>(vec: &mut alloc::vec::Vec<u8>, block: [u8; N]) {
    if has_room(vec, N) {
        vec.extend_from_slice(&block);
    }
}

/// Tells whether the vector need not grow. Asked just before, it leaves out a growth that panics.
#[cfg(feature = "alloc")]
#[inline]
fn has_room(vec: &alloc::vec::Vec<u8>, bytes: usize) -> bool {
    vec.capacity().wrapping_sub(vec.len()) >= bytes
}

#[cfg(feature = "alloc")]
#[cold]
#[inline(never)]
fn grow(vec: &mut alloc::vec::Vec<u8>, bytes: usize) -> bool {
    vec.try_reserve(bytes).is_ok()
}

#[cfg(feature = "alloc")]
#[cold]
#[inline(never)]
fn put_growing(vec: &mut alloc::vec::Vec<u8>, bytes: &[u8]) {
    if vec.try_reserve(bytes.len()).is_ok() && has_room(vec, bytes.len()) {
        vec.extend_from_slice(bytes);
    }
}

/// For a transport that takes some bytes now and some later: write `as_slices`, then `drain` what was taken from the
/// front, which moves nothing.
#[cfg(feature = "alloc")]
impl Output for alloc::collections::VecDeque<u8> {
    fn make_room(&mut self, bytes: usize) -> bool {
        self.try_reserve(bytes).is_ok()
    }

    fn put(&mut self, bytes: &[u8]) {
        // The second condition follows from the first, but the compiler cannot know and would add a growth that panics.
        let free = |deque: &Self| deque.capacity().wrapping_sub(deque.len());
        if self.make_room(bytes.len()) && free(self) >= bytes.len() {
            self.extend(bytes);
        }
    }

    fn waiting(&self) -> usize {
        self.len()
    }
}

/// For those who hand what is to be written to another task: take it by `split`, or `advance` it as it is written; what
/// has gone leaves its room behind.
///
/// # Examples
///
/// ```
/// use websocket_proto::{Config, Negotiated, WebSocket};
///
/// let mut ws = WebSocket::open(Negotiated::server(), Config::default());
/// let mut out = bytes::BytesMut::new();
/// ws.send_text("hello", &mut out)?;
/// let bytes = out.split().freeze();
/// assert_eq!(bytes, b"\x81\x05hello"[..]);
/// # Ok::<(), websocket_proto::UsageError>(())
/// ```
#[cfg(feature = "bytes")]
impl Output for bytes::BytesMut {
    #[inline]
    fn make_room(&mut self, bytes: usize) -> bool {
        self.capacity().wrapping_sub(self.len()) >= bytes
            || self.try_reclaim(bytes)
            || grow_bytes(self, bytes)
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        if self.make_room(bytes.len()) {
            self.extend_from_slice(bytes);
        }
    }

    #[inline]
    fn waiting(&self) -> usize {
        self.len()
    }

    fn put_masked(&mut self, bytes: &[u8], mask: &mut Mask) {
        let start = self.len();
        self.put(bytes);
        mask.apply(self.get_mut(start..).unwrap_or_default());
    }
}

/// Moves it to twice the room. Its own growth cannot say no: it aborts where there is no memory. A vector's can.
#[cfg(feature = "bytes")]
#[cold]
fn grow_bytes(out: &mut bytes::BytesMut, bytes: usize) -> bool {
    // What was split off may have left next to nothing to be doubled.
    let least = out.capacity().saturating_mul(2).max(1024);
    let mut vec = alloc::vec::Vec::new();
    let has_room = vec.try_reserve_exact(out.len().saturating_add(bytes).max(least)).is_ok();
    if has_room {
        vec.extend_from_slice(out);
        *out = bytes::Bytes::from(vec).into();
    }
    has_room
}

#[cfg(feature = "alloc")]
#[cfg(test)]
mod tests {
    use alloc::collections::VecDeque;
    use alloc::vec::Vec;

    use super::{Backlog, Output, SliceOutput};
    use crate::mask::Mask;

    const KEY: [u8; 4] = [1, 2, 3, 4];

    /// Of each class, at its ends and at every phase.
    fn lens() -> impl Iterator<Item = usize> {
        (0..=260).chain(4090..=4130).chain([5000])
    }

    fn payload(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 7 % 251) as u8).collect()
    }

    fn put_all(out: &mut dyn Output) {
        let mut mask = Mask::new(KEY);
        for len in lens() {
            assert!(out.make_room(2 * len));
            out.put(&payload(len));
            out.put_masked(&payload(len), &mut mask);
        }
    }

    #[test]
    fn every_output_takes_the_same_bytes() {
        let mut key = KEY.into_iter().cycle();
        let mut expected = Vec::new();
        for len in lens() {
            expected.extend(payload(len));
            expected.extend(payload(len).into_iter().zip(&mut key).map(|(byte, key)| byte ^ key));
        }
        let (mut vec, mut deque) = (Vec::new(), VecDeque::new());
        let mut storage = vec![9; expected.len()];
        let mut slice = SliceOutput::new(&mut storage);
        put_all(&mut vec);
        put_all(&mut deque);
        put_all(&mut slice);
        assert_eq!(vec, expected);
        assert_eq!(deque, expected);
        assert_eq!(slice.written(), expected);
        let len = expected.len();
        assert_eq!((vec.waiting(), deque.waiting(), slice.waiting()), (len, len, len));
        vec.clear();
        let mut backlog = Backlog::new(&mut vec, 7);
        put_all(&mut backlog);
        assert_eq!(backlog.waiting(), len + 7);
        assert_eq!(vec, expected);
        #[cfg(feature = "bytes")]
        {
            let mut out = bytes::BytesMut::new();
            put_all(&mut out);
            assert_eq!((&out[..], out.waiting()), (&expected[..], len));
        }
    }

    /// Room that is free again is used again. Where it is not, it doubles, and not by little.
    #[cfg(feature = "bytes")]
    #[test]
    fn bytes_seldom_move() {
        use bytes::BytesMut;

        let moves = |pieces: usize, len: usize, after: &mut dyn FnMut(&mut BytesMut)| {
            let (mut out, mut moves) = (BytesMut::new(), 0);
            for _ in 0..pieces {
                let end = out.as_ptr().wrapping_add(out.len());
                out.put(&vec![7; len]);
                moves += usize::from(out.as_ptr().wrapping_add(out.len() - len) != end);
                after(&mut out);
            }
            (moves, out.capacity())
        };
        assert_eq!(moves(1024, 1024, &mut |_| {}), (11, 1024 * 1024), "1 KiB to 1 MiB");
        assert_eq!(moves(1024, 1024, &mut |out| out.clear()), (1, 1024), "written at once");
        let (places, room) = moves(1024, 100, &mut |out| drop(out.split()));
        assert!(places <= 1024 / 10 + 1 && room <= 1024, "{places}, {room}");
        let mut parts = Vec::new();
        let places = moves(1024, 16, &mut |out| parts.push(out.split()));
        assert_eq!(places, (16, 0), "64 in 1 KiB, which live on");
    }

    #[test]
    fn outputs_refuse_what_no_storage_can_hold() {
        let (mut vec, mut deque, mut storage) = (Vec::new(), VecDeque::new(), [0; 4]);
        let mut slice = SliceOutput::new(&mut storage);
        #[cfg(feature = "bytes")]
        let mut bytes = bytes::BytesMut::new();
        let outputs = [
            &mut vec as &mut dyn Output,
            &mut deque,
            &mut slice,
            #[cfg(feature = "bytes")]
            &mut bytes,
        ];
        for out in outputs {
            out.put(b"ab");
            assert!(!out.make_room(usize::MAX));
            assert_eq!(out.waiting(), 2);
        }
    }

    #[test]
    fn slice_output_keeps_its_size_and_moves_up() {
        let mut storage = [0; 4];
        let mut out = SliceOutput::new(&mut storage);
        assert!(!out.make_room(5));
        assert!(out.make_room(4));
        out.put(b"abcd");
        out.consume(1);
        assert_eq!(out.written(), b"bcd");
        assert!(out.make_room(1) && !out.make_room(2));
        out.put(b"e");
        assert_eq!(out.written(), b"bcde");
        out.consume(9);
        assert_eq!(out.waiting(), 0);
        out.put(b"f");
        out.clear();
        assert_eq!(out.written(), b"");
    }
}
