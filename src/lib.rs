//! A WebSocket engine with no I/O in it: bytes that arrived go in; events, and bytes to send, come out.
//!
//! It opens no socket, reads no clock, draws no random number and starts no task, and so runs under any of them: a
//! thread, epoll, an async runtime, an interrupt handler, a fuzzer, a replay of a capture. It speaks all of
//! [RFC 6455], as client and as server: opening handshake, frames, messages, control frames, closing handshake, timers.
//! Messages can be compressed (permessage-deflate, RFC 7692). It has no TLS, and no HTTP server beside the handshake.
//!
//! ```text
//!            bytes in                                             bytes out (appended to the caller's buffer)
//!               |                                                      ^
//!      +--------v------------------------------------------------------+-------+
//!      | handshake   HTTP/1.1 head -> Request / Response -> Negotiated         |  ServerHandshake, ClientHandshake
//!      +------------------------------------------------------------------------+
//!      | frame       header codec, close body: values, no state               |  FrameHeader, Mask, Opcode, CloseCode
//!      | connection  frames -> chunks and control events; replies; closing;   |  Connection      (no allocator)
//!      |             UTF-8, limits, timers                                    |
//!      | websocket   whole messages, compressed where agreed                   |  WebSocket       (feature `alloc`)
//!      +------------------------------------------------------------------------+
//! ```
//!
//! # The loop
//!
//! 1. The opening handshake: feed a [`ServerHandshake`] or a [`ClientHandshake`] what was read, until it gives a
//!    [`Request`] or a [`Response`]; accept it, and open a [`WebSocket`] or a [`Connection`] with what was
//!    [`Negotiated`]. What came behind the head is still in the input: begin with it.
//! 2. Feed what was read to `receive` until it returns `None`; act on each event. At the end of stream call
//!    `receive_eof`.
//! 3. Call `poll` with the time.
//! 4. Write the output, whatever `poll` said.
//! 5. At [`Next::End`] let go of the transport; at [`Next::Wait`] wait for it, or for the deadline; go on at 2.
//!
//! An event borrows the input, never the machine, so a reply can be sent while it is handled. No call that makes bytes
//! reports the end of the connection: only `poll` does, and the bytes that explain the end are in the output by then.
//!
//! # Backpressure
//!
//! Where the transport takes the output slowly, stop feeding `receive` while more waits than the high-water mark
//! ([`Config::high_water_mark`]), and go on when it has drained. Above the mark no keepalive runs, so nothing is missed.
//! That is for an end whose output is answers. One that sends of its own accord stops sending, and reads on: two ends that
//! both stop reading until the other has read wait for ever.
//! To stop reading below it is to be deaf: keepalive and idle timeout take it for the peer's silence, so leave them off
//! there. A `VecDeque<u8>` makes an output that gives up bytes from its front; of a `Vec`, `drain` what was written.
//!
//! # Seeds
//!
//! A client draws nothing by itself: give it 32 bytes of the operating system's randomness for each connection, such as
//! `getrandom::fill(&mut seed)`. They must not be guessed or used twice (RFC 6455 §10.3).
//!
//! # A client and a server in memory
//!
//! ```
//! use core::time::Duration;
//! use websocket_proto::*;
//!
//! # #[cfg(not(feature = "alloc"))]
//! # fn main() {}
//! # #[cfg(feature = "alloc")]
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! // The client asks; its nonce and its masking keys come from a seed of the caller's.
//! let (mut up, mut down) = (Vec::new(), Vec::new()); // the bytes in flight, both ways
//! let request = ClientRequest::new("ws://example.com/chat")?.subprotocol("chat");
//! let mut handshake = ClientHandshake::new(request, [7; 32], &mut up)?;
//!
//! // The server answers.
//! let mut head = Vec::new(); // used only when a head comes in pieces
//! let mut input = &mut up[..];
//! let mut request = ServerHandshake::new(HandshakeConfig::default())
//!     .receive(&mut input, &mut head)?
//!     .expect("the whole request is there");
//! assert_eq!((request.path(), request.subprotocols().next()), ("/chat", Some("chat")));
//! let negotiated = request.accept(Accept::new().subprotocol("chat"), &mut down)?;
//! let mut server = WebSocket::open(negotiated, Config::default());
//! up.clear();
//!
//! // The client is told, and opens too.
//! let mut head = Vec::new();
//! let mut input = &mut down[..];
//! let mut response =
//!     handshake.receive(&mut input, &mut head)?.expect("the whole response is there");
//! let mut client = WebSocket::open(response.accept()?, Config::default());
//! down.clear();
//!
//! // A message, and the closing handshake behind it.
//! client.send_text("hello", &mut up)?;
//! client.close(CloseCode::NORMAL, "done", &mut up)?;
//! let mut input = &mut up[..];
//! while let Some(event) = server.receive(&mut input, &mut down) {
//!     match event {
//!         Event::Text(text) => assert_eq!(text, "hello"),
//!         Event::Close(close) => assert_eq!(close.code(), CloseCode::NORMAL),
//!         other => panic!("{other:?}"),
//!     }
//! }
//! assert_eq!(server.poll(Duration::ZERO, &mut down), Next::End(Ok(())));
//!
//! // The server closes the transport first (§7.1.1); then the client is done as well.
//! let mut input = &mut down[..];
//! assert!(matches!(client.receive(&mut input, &mut up), Some(Event::Close(_))));
//! client.receive_eof();
//! assert_eq!(client.poll(Duration::ZERO, &mut up), Next::End(Ok(())));
//! # Ok(())
//! # }
//! ```
//!
//! # Which layer
//!
//! [`WebSocket`] hands out whole messages: borrowed, without a copy or an allocation, when they lie whole in the input;
//! assembled otherwise. [`Connection`] hands data out as it arrives, needs no allocator, and makes do with a fixed
//! amount of memory for messages of any size. [`FrameHeader`] and [`Mask`] stand alone, for those who need no more.
//!
//! # To read on
//!
//! - [`guide::drivers`]: files to copy, each for a runtime.
//! - [`guide::threads`]: a thread for each direction, around a mutex, and what that costs.
//! - [`guide::closing`]: how a connection ends, and what a driver owes its peer then.
//! - [`guide::limits`]: what a peer can make you spend, and what the bounds cost.
//! - [`guide::security`]: what is promised, and what is yours to do, `Origin` first.
//! - [`guide::firmware`]: without an operating system, without an allocator.
//! - [`guide::coming_from`]: the calls of tungstenite, wslay, wsproto, and what they are here.
//!
//! # Compression
//!
//! With the feature `deflate` both handshakes can agree to permessage-deflate (RFC 7692): give a [`DeflateConfig`] to
//! [`Accept::deflate`] or to [`ClientRequest::deflate`]. A [`WebSocket`] then inflates what comes, and compresses what
//! it sends, from a size on or as [`WebSocket::compress`] says; a [`Connection`] cannot, so do not agree to it there.
//! The message limit holds for what comes out of the inflater, as it grows. What a connection holds in memory, and what
//! it holds between messages, follows from what was agreed: [`DeflateConfig`] tells. The feature `zlib-rs` does the
//! same in less time.
//!
//! # Features
//!
//! - `std` (default): lets the dependencies find out what the CPU can do; implies `alloc`, changes nothing else.
//! - `alloc`: [`WebSocket`], [`Prepared`], and `Vec<u8>` as an [`Output`].
//! - `simd` (default): checks UTF-8 with SIMD instructions.
//! - `deflate`: permessage-deflate by `miniz_oxide`; implies `alloc`.
//! - `zlib-rs`: permessage-deflate by `zlib-rs`, which is faster; implies `deflate` and `std`.
//! - `http`: the handshake in the types of the crate `http`, for hyper, axum, h2 and their like: [`negotiate_http`],
//!   [`header_fields`], `to_http` and `accept_http`; implies `std`.
//! - `bytes`: `BytesMut` of the crate `bytes` as an [`Output`]; implies `alloc`.
//!
//! Without any, the crate needs `core` and three small crates.
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(all(feature = "deflate", feature = "http")),
    allow(rustdoc::broken_intra_doc_links, reason = "what needs a feature is spoken of")
)]
#![cfg_attr(not(test), no_std)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        reason = "a test may panic"
    )
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;

mod close_code;
mod config;
mod connection;
#[cfg(feature = "deflate")]
mod deflate;
mod error;
mod frame;
// Text for rustdoc, of which nothing is built into a program.
#[cfg(any(doc, doctest))]
pub mod guide;
mod handshake;
mod mask;
mod next;
mod opcode;
mod output;
mod role;
mod seed;
mod state;
mod timers;
mod utf8;
#[cfg(feature = "alloc")]
mod websocket;

pub use close_code::CloseCode;
pub use config::Config;
pub use connection::{Chunk, ChunkEvent, Connection, FrameStart};
#[cfg(feature = "deflate")]
pub use deflate::{DeflateConfig, DeflateParams, ExtensionValue};
pub use error::{Failure, HandshakeError, ProtocolError, Timeout, UsageError};
pub use frame::{Close, ControlPayload, FrameHeader, HeaderBytes};
pub use handshake::{
    Accept, ClientHandshake, ClientRequest, ConnectRequest, ConnectResponse, Extension,
    HandshakeConfig, Negotiated, Request, Response, ServerHandshake, Supported, SwitchingResponse,
    accept_key, negotiate, negotiate_connect,
};
#[cfg(feature = "http")]
pub use handshake::{header_fields, negotiate_http};
pub use mask::Mask;
pub use next::Next;
pub use opcode::{MessageKind, Opcode};
pub use output::{Backlog, Output, SliceOutput};
pub use role::Role;
#[cfg(feature = "deflate")]
pub use websocket::Compress;
#[cfg(feature = "alloc")]
pub use websocket::{Event, Prepared, WebSocket};
