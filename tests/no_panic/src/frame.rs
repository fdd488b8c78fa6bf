//! What stands alone: headers, masks, small values, and the outputs.

use websocket_proto::{
    Backlog, Close, CloseCode, ControlPayload, Failure, FrameHeader, FrameStart, HandshakeError,
    HeaderBytes, Mask, Opcode, Output, ProtocolError, Role, SliceOutput, UsageError,
};

use crate::{Bytes, Text};

#[unsafe(no_mangle)]
pub static FRAME: Frame = Frame {
    header_new: FrameHeader::new,
    header_parse: FrameHeader::parse,
    header_encode: FrameHeader::encode,
    header_bytes: HeaderBytes::as_ref,
    mask_new: Mask::new,
    mask_apply: Mask::apply,
    opcode_from_bits: Opcode::from_bits,
    opcode_bits: Opcode::bits,
    opcode_is_control: Opcode::is_control,
    close_code: Close::code,
    close_reason: Close::reason,
    close_code_name: CloseCode::name,
    close_code_is_sendable: CloseCode::is_sendable,
    payload_new: ControlPayload::new,
    payload_bytes: ControlPayload::as_ref,
    role_peer: Role::peer,
    start_header: FrameStart::header,
    start_mask: FrameStart::mask,
    failure_close_code: Failure::close_code,
    handshake_error_status: HandshakeError::status,
    handshake_error_as_str: HandshakeError::as_str,
};

pub struct Frame {
    header_new: fn(Opcode, u64) -> FrameHeader,
    header_parse: fn(Bytes) -> Result<Option<(FrameHeader, usize)>, ProtocolError>,
    header_encode: fn(&FrameHeader) -> Result<HeaderBytes, UsageError>,
    header_bytes: fn(&HeaderBytes) -> &[u8],
    mask_new: fn([u8; 4]) -> Mask,
    mask_apply: fn(&mut Mask, &mut [u8]),
    opcode_from_bits: fn(u8) -> Option<Opcode>,
    opcode_bits: fn(Opcode) -> u8,
    opcode_is_control: fn(Opcode) -> bool,
    close_code: fn(&Close) -> CloseCode,
    close_reason: fn(&Close) -> &str,
    close_code_name: fn(CloseCode) -> Option<Text>,
    close_code_is_sendable: fn(CloseCode) -> bool,
    payload_new: fn(Bytes) -> Option<ControlPayload>,
    payload_bytes: fn(&ControlPayload) -> &[u8],
    role_peer: fn(Role) -> Role,
    start_header: fn(&FrameStart) -> &[u8],
    start_mask: fn(&mut FrameStart, &mut [u8]),
    failure_close_code: fn(Failure) -> CloseCode,
    handshake_error_status: fn(HandshakeError) -> Option<u16>,
    handshake_error_as_str: fn(HandshakeError) -> Text,
}

#[unsafe(no_mangle)]
pub static SLICE: Slice = Slice {
    new: SliceOutput::new,
    clear: SliceOutput::clear,
    consume: SliceOutput::consume,
    written: SliceOutput::written,
};

#[unsafe(no_mangle)]
pub static SLICE_AS_OUTPUT: AsOutput<SliceOutput<'static>> = AsOutput::ALL;

#[unsafe(no_mangle)]
pub static BACKLOG: fn(
    &'static mut SliceOutput<'static>,
    usize,
) -> Backlog<'static, SliceOutput<'static>> = Backlog::new;
#[unsafe(no_mangle)]
pub static BACKLOG_AS_OUTPUT: AsOutput<Backlog<'static, SliceOutput<'static>>> = AsOutput::ALL;

pub struct Slice {
    new: fn(&'static mut [u8]) -> SliceOutput<'static>,
    clear: fn(&mut SliceOutput<'static>),
    consume: fn(&mut SliceOutput<'static>, usize),
    written: for<'o> fn(&'o SliceOutput<'static>) -> &'o [u8],
}

/// The calls of an output itself, in any order: also `put` where no room was made.
pub struct AsOutput<O> {
    make_room: fn(&mut O, usize) -> bool,
    put: fn(&mut O, Bytes),
    waiting: fn(&O) -> usize,
    put_masked: fn(&mut O, Bytes, &mut Mask),
}

impl<O: Output> AsOutput<O> {
    pub const ALL: Self = Self {
        make_room: O::make_room,
        put: O::put,
        waiting: O::waiting,
        put_masked: O::put_masked,
    };
}

/// An output of somebody else's, which uses what the trait provides.
#[unsafe(no_mangle)]
pub static PROVIDED: fn(&mut Foreign, Bytes, &mut Mask) = Foreign::put_masked;

pub struct Foreign(&'static mut dyn Output);

impl Output for Foreign {
    fn make_room(&mut self, bytes: usize) -> bool {
        self.0.make_room(bytes)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.0.put(bytes);
    }

    fn waiting(&self) -> usize {
        self.0.waiting()
    }
}
