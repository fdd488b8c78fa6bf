//! Where bytes to send go: storage of the caller's.

use crate::error::UsageError;
use crate::mask::Mask;

/// A destination for the bytes to be sent: whole frames are appended, or nothing is.
///
/// It is implemented for `Vec<u8>` and `VecDeque<u8>` (feature `alloc`) and for [`SliceOutput`], and can be for any other
/// storage. Every use asks for room first and puts no more than it asked for.
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

    fn put_masked(&mut self, bytes: &[u8], mask: &mut Mask) {
        if *mask == Mask::NONE {
            return self.put(bytes);
        }
        // Long ones are masked on the way, short ones where they are put.
        let mut short = bytes;
        if bytes.len() >= 128 {
            let words = mask.masked_words(bytes.chunks_exact(4));
            if self.make_room(bytes.len()) && has_room(self, words.size_hint().0) {
                self.extend(words);
            }
            short = bytes.chunks_exact(4).remainder();
        }
        let start = self.len();
        self.put(short);
        mask.apply(self.get_mut(start..).unwrap_or_default());
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

#[cfg(feature = "alloc")]
#[cfg(test)]
mod tests {
    use alloc::collections::VecDeque;
    use alloc::vec::Vec;

    use super::{Output, SliceOutput};
    use crate::mask::Mask;

    fn put_all(out: &mut dyn Output) {
        let mut mask = Mask::new([1, 2, 3, 4]);
        for len in [0, 1, 3, 255, 256, 257, 5000] {
            let bytes = [0; 5000];
            assert!(out.make_room(2 * len));
            out.put(&bytes[..len]);
            out.put_masked(&bytes[..len], &mut mask);
        }
    }

    #[test]
    fn every_output_takes_the_same_bytes() {
        let (mut vec, mut deque, mut storage) = (Vec::new(), VecDeque::new(), [9; 12_000]);
        let mut slice = SliceOutput::new(&mut storage);
        put_all(&mut vec);
        put_all(&mut deque);
        put_all(&mut slice);
        assert_eq!(vec.len(), 2 * 5772);
        assert_eq!(deque, vec);
        assert_eq!(slice.written(), vec);
        assert_eq!((vec.waiting(), deque.waiting(), slice.waiting()), (11_544, 11_544, 11_544));
        // What was put plain is zero, what was put masked is the key, turned on from piece to piece.
        let masked: Vec<u8> = vec.into_iter().filter(|&byte| byte != 0).collect();
        assert!(masked.iter().enumerate().all(|(i, &byte)| usize::from(byte) == i % 4 + 1));
        assert_eq!(masked.len(), 5772);
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
