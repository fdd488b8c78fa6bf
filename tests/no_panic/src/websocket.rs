//! Whole messages, over an allocator that is somebody else's.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::time::Duration;

use websocket_proto::{
    CloseCode, Config, Event, MessageKind, Negotiated, Next, Output, Prepared, Role, SliceOutput,
    UsageError, WebSocket,
};

use crate::connection::{Sent, Started};
use crate::frame::AsOutput;
use crate::{Bytes, Input, Text};

#[unsafe(no_mangle)]
pub static WEBSOCKET: Calls = Calls {
    open: WebSocket::open,
    receive_eof: WebSocket::receive_eof,
    recycle_data: WebSocket::recycle,
    recycle_text: WebSocket::recycle,
    start_text: WebSocket::start_text,
    start_binary: WebSocket::start_binary,
    start_fragment: WebSocket::start_fragment,
    role: WebSocket::role,
    may_send: WebSocket::may_send,
    drop: drop::<WebSocket>,
    drop_event: drop::<Event<'static>>,
    prepared_text: Prepared::text,
    prepared_binary: Prepared::binary,
    prepared_frame: Prepared::frame,
    prepared_drop: drop::<Prepared>,
};

#[unsafe(no_mangle)]
pub static VEC_AS_OUTPUT: AsOutput<Vec<u8>> = AsOutput::ALL;
#[unsafe(no_mangle)]
pub static DEQUE_AS_OUTPUT: AsOutput<VecDeque<u8>> = AsOutput::ALL;
#[unsafe(no_mangle)]
pub static WEBSOCKET_TO_VEC: CallsWith<Vec<u8>> = CallsWith::ALL;
#[unsafe(no_mangle)]
pub static WEBSOCKET_TO_DEQUE: CallsWith<VecDeque<u8>> = CallsWith::ALL;
#[unsafe(no_mangle)]
pub static WEBSOCKET_TO_SLICE: CallsWith<SliceOutput<'static>> = CallsWith::ALL;
#[unsafe(no_mangle)]
pub static WEBSOCKET_TO_ANY: CallsWith<dyn Output> = CallsWith::ALL;

pub struct Calls {
    open: fn(Negotiated<'static>, Config) -> WebSocket,
    receive_eof: fn(&mut WebSocket),
    recycle_data: fn(&mut WebSocket, Vec<u8>),
    recycle_text: fn(&mut WebSocket, alloc::string::String),
    start_text: fn(&mut WebSocket, u64) -> Started,
    start_binary: fn(&mut WebSocket, u64) -> Started,
    start_fragment: fn(&mut WebSocket, MessageKind, u64, bool) -> Started,
    role: fn(&WebSocket) -> Role,
    may_send: fn(&WebSocket) -> bool,
    drop: fn(WebSocket),
    drop_event: fn(Event<'static>),
    prepared_text: fn(Text) -> Result<Prepared, UsageError>,
    prepared_binary: fn(Bytes) -> Result<Prepared, UsageError>,
    prepared_frame: fn(&Prepared) -> &[u8],
    prepared_drop: fn(Prepared),
}

/// The calls that take an output.
pub struct CallsWith<O: Output + ?Sized> {
    receive: fn(&mut WebSocket, Input<'_>, &mut O) -> Option<Event<'static>>,
    poll: fn(&mut WebSocket, Duration, &mut O) -> Next,
    send_text: fn(&mut WebSocket, Text, &mut O) -> Sent,
    send_binary: fn(&mut WebSocket, Bytes, &mut O) -> Sent,
    send_prepared: fn(&mut WebSocket, &Prepared, &mut O) -> Sent,
    send_fragment: fn(&mut WebSocket, MessageKind, Bytes, bool, &mut O) -> Sent,
    send_ping: fn(&mut WebSocket, Bytes, &mut O) -> Sent,
    send_pong: fn(&mut WebSocket, Bytes, &mut O) -> Sent,
    close: fn(&mut WebSocket, Option<CloseCode>, Text, &mut O) -> Sent,
}

impl<O: Output + ?Sized> CallsWith<O> {
    const ALL: Self = Self {
        receive: WebSocket::receive,
        poll: WebSocket::poll,
        send_text: WebSocket::send_text,
        send_binary: WebSocket::send_binary,
        send_prepared: WebSocket::send_prepared,
        send_fragment: WebSocket::send_fragment,
        send_ping: WebSocket::send_ping,
        send_pong: WebSocket::send_pong,
        close: WebSocket::close,
    };
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// It may refuse at any time, as far as the compiler knows.
struct Allocator;

unsafe extern "C" {
    fn allocate(size: usize, align: usize) -> *mut u8;
    fn reallocate(block: *mut u8, size: usize, align: usize, new_size: usize) -> *mut u8;
    fn deallocate(block: *mut u8, size: usize, align: usize);
}

unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { allocate(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { deallocate(block, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        unsafe { reallocate(block, layout.size(), layout.align(), new_size) }
    }
}
