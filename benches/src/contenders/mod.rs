//! Those that are compared, a file for each.

mod floor;
mod sockudo_ws;
mod tokio_websockets;
mod tungstenite;
mod websocket_codec;
mod websocket_proto;

use crate::contender::Open;

/// Names, and how to open each.
pub const ALL: &[(&str, Open)] = &[
    ("websocket-proto", websocket_proto::open),
    ("websocket-proto chunks", websocket_proto::open_chunks),
    ("floor", floor::open),
    ("tokio-websockets", tokio_websockets::open),
    ("websocket-codec", websocket_codec::open),
    ("sockudo-ws", sockudo_ws::open),
    ("tungstenite", tungstenite::open),
];

/// What a client of every contender asks for.
const URL: &str = "ws://example.com/chat";
