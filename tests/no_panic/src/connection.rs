//! A connection without an allocator, and its configuration.

use core::time::Duration;

use websocket_proto::{
    ChunkEvent, CloseCode, Config, Connection, FrameStart, MessageKind, Negotiated, Next, Output,
    Role, SliceOutput, UsageError,
};

use crate::{Bytes, Input, Text};

pub type Sent = Result<(), UsageError>;
pub type Started = Result<FrameStart, UsageError>;

#[unsafe(no_mangle)]
pub static CONNECTION: Calls = Calls {
    open: Connection::open,
    receive_eof: Connection::receive_eof,
    start_text: Connection::start_text,
    start_binary: Connection::start_binary,
    start_fragment: Connection::start_fragment,
    role: Connection::role,
    may_send: Connection::may_send,
};

#[unsafe(no_mangle)]
pub static CONNECTION_TO_SLICE: CallsWith<SliceOutput<'static>> = CallsWith::ALL;
#[unsafe(no_mangle)]
pub static CONNECTION_TO_ANY: CallsWith<dyn Output> = CallsWith::ALL;
#[cfg(feature = "alloc")]
#[unsafe(no_mangle)]
pub static CONNECTION_TO_VEC: CallsWith<alloc::vec::Vec<u8>> = CallsWith::ALL;

pub struct Calls {
    open: fn(Negotiated<'static>, Config) -> Connection,
    receive_eof: fn(&mut Connection),
    start_text: fn(&mut Connection, u64) -> Started,
    start_binary: fn(&mut Connection, u64) -> Started,
    start_fragment: fn(&mut Connection, MessageKind, u64, bool) -> Started,
    role: fn(&Connection) -> Role,
    may_send: fn(&Connection) -> bool,
}

/// The calls that take an output.
pub struct CallsWith<O: Output + ?Sized> {
    receive: fn(&mut Connection, Input<'_>, &mut O) -> Option<ChunkEvent<'static>>,
    poll: fn(&mut Connection, Duration, &mut O) -> Next,
    send_text: fn(&mut Connection, Text, &mut O) -> Sent,
    send_binary: fn(&mut Connection, Bytes, &mut O) -> Sent,
    send_fragment: fn(&mut Connection, MessageKind, Bytes, bool, &mut O) -> Sent,
    send_ping: fn(&mut Connection, Bytes, &mut O) -> Sent,
    send_pong: fn(&mut Connection, Bytes, &mut O) -> Sent,
    close: fn(&mut Connection, Option<CloseCode>, Text, &mut O) -> Sent,
}

impl<O: Output + ?Sized> CallsWith<O> {
    const ALL: Self = Self {
        receive: Connection::receive,
        poll: Connection::poll,
        send_text: Connection::send_text,
        send_binary: Connection::send_binary,
        send_fragment: Connection::send_fragment,
        send_ping: Connection::send_ping,
        send_pong: Connection::send_pong,
        close: Connection::close,
    };
}

#[unsafe(no_mangle)]
pub static CONFIG: Configuration = Configuration {
    new: Config::new,
    default: Config::default,
    message_limit: Config::message_limit,
    fragment_limit: Config::fragment_limit,
    high_water_mark: Config::high_water_mark,
    recycle_limit: Config::recycle_limit,
    keepalive: Config::keepalive,
    idle_timeout: Config::idle_timeout,
    closing_timeout: Config::closing_timeout,
    answer_pings: Config::answer_pings,
    answer_close: Config::answer_close,
};

type Configured = Result<Config, UsageError>;

pub struct Configuration {
    new: fn() -> Config,
    default: fn() -> Config,
    message_limit: fn(Config, u64) -> Configured,
    fragment_limit: fn(Config, u32) -> Configured,
    high_water_mark: fn(Config, usize) -> Configured,
    recycle_limit: fn(Config, usize) -> Config,
    keepalive: fn(Config, Duration, Duration) -> Configured,
    idle_timeout: fn(Config, Duration) -> Configured,
    closing_timeout: fn(Config, Duration) -> Config,
    answer_pings: fn(Config, bool) -> Config,
    answer_close: fn(Config, bool) -> Config,
}
