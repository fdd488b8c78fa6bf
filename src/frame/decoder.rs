//! A frame header that may come in pieces.

use core::mem;

use crate::error::ProtocolError;
use crate::frame::FrameHeader;

/// What has come of a header that the end of the input cut off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderDecoder {
    bytes: [u8; FrameHeader::MAX],
    /// Less than [`FrameHeader::MAX`] between calls: a header of that length is complete.
    len: u8,
}

impl HeaderDecoder {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; FrameHeader::MAX], len: 0 }
    }

    /// Takes a header from the front of `input`; `None` means that all of the input was taken and more is needed.
    ///
    /// `judge` sees the first two bytes before all else is looked at, whatever pieces the header comes in.
    pub(crate) fn decode(
        &mut self,
        input: &mut &mut [u8],
        judge: impl Fn(u8, u8) -> Result<(), ProtocolError>,
    ) -> Result<Option<FrameHeader>, ProtocolError> {
        if self.len == 0 {
            if let Some((header, len)) = parse(input, &judge)? {
                take(input, len);
                return Ok(Some(header));
            }
        }
        while let [byte, ..] = *take(input, 1) {
            let start = usize::from(self.len);
            if let Some(place) = self.bytes.get_mut(start) {
                *place = byte;
                self.len = self.len.saturating_add(1);
            }
            let known = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
            if let Some((header, _)) = parse(known, &judge)? {
                self.len = 0;
                return Ok(Some(header));
            }
        }
        Ok(None)
    }
}

fn parse(
    bytes: &[u8],
    judge: impl Fn(u8, u8) -> Result<(), ProtocolError>,
) -> Result<Option<(FrameHeader, usize)>, ProtocolError> {
    if let [first, second, ..] = *bytes {
        judge(first, second)?;
    }
    FrameHeader::parse(bytes)
}

/// Splits up to `bytes` bytes off the front of `input`.
pub(crate) fn take<'b>(input: &mut &'b mut [u8], bytes: usize) -> &'b mut [u8] {
    let whole = mem::take(input);
    let (taken, rest) = whole.split_at_mut_checked(bytes.min(whole.len())).unwrap_or_default();
    *input = rest;
    taken
}
