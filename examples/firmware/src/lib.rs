//! What firmware for an LM3S6965 is made of: the board, its Ethernet card, the way from TCP to a
//! [`Connection`](websocket_proto::Connection) and back.
#![no_std]

pub mod board;
pub mod client;
pub mod ethernet;
pub mod host;
pub mod network;
pub mod registers;
pub mod transport;
