//! Those that are compared, a file for each.

mod embedded_websocket;
mod fastwebsockets;
mod floor;
mod sockudo_ws;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod websocket_codec;
mod websocket_proto;
mod websocket_sans_io;

use crate::contender::Entry;

pub const ALL: &[&Entry] = &[
    WHOLE,
    CHUNKS,
    VECTORED,
    &floor::COPIED,
    &floor::VECTORED,
    &tokio_websockets::ENTRY,
    &websocket_codec::ENTRY,
    &sockudo_ws::ENTRY,
    &fastwebsockets::ENTRY,
    &tungstenite::ENTRY,
    &soketto::ENTRY,
    &websocket_sans_io::ENTRY,
    &embedded_websocket::ENTRY,
];

/// This crate; the last is only in rows that ask for it.
pub const WHOLE: &Entry = &websocket_proto::WHOLE;
pub const CHUNKS: &Entry = &websocket_proto::CHUNKS;
pub const VECTORED: &Entry = &websocket_proto::VECTORED;
pub const KEEPING: &Entry = &websocket_proto::KEEPING;

/// The fastest peer that checks all, at large messages.
pub const BESIDE: &Entry = &tokio_websockets::ENTRY;

/// What a client of every contender asks for, as a whole and in parts.
const URL: &str = "ws://example.com/chat";
const HOST: &str = "example.com";
const PATH: &str = "/chat";
