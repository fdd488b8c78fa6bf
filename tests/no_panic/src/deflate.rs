//! The compression of messages: what is agreed to, and what it adds to a connection.

use alloc::vec::Vec;

use websocket_proto::{
    Accept, ChunkEvent, ClientRequest, Compress, DeflateConfig, DeflateParams, ExtensionValue,
    HandshakeError, Negotiated, Output, Prepared, Supported, UsageError, WebSocket,
};

use crate::{Bytes, Input, Text};

#[unsafe(no_mangle)]
pub static DEFLATE: Deflate = Deflate {
    default: DeflateConfig::default,
    server_no_context_takeover: DeflateConfig::server_no_context_takeover,
    client_no_context_takeover: DeflateConfig::client_no_context_takeover,
    server_max_window_bits: DeflateConfig::server_max_window_bits,
    client_max_window_bits: DeflateConfig::client_max_window_bits,
    threshold: DeflateConfig::threshold,
    level: DeflateConfig::level,
    params: DeflateConfig::params,
    offer: DeflateConfig::offer,
    as_str: ExtensionValue::as_str,
    check_response: |config, fields| config.check_response(|| fields.iter().copied()),
    default_params: DeflateParams::default,
    takeovers: [
        DeflateParams::server_no_context_takeover,
        DeflateParams::client_no_context_takeover,
    ],
    windows: [DeflateParams::server_max_window_bits, DeflateParams::client_max_window_bits],
    accept: Accept::deflate,
    request: ClientRequest::deflate,
    supported: Supported::deflate,
    negotiated: Negotiated::deflate,
    with_deflate: Negotiated::with_deflate,
    compress: WebSocket::compress,
    receive_chunk_to_vec: |ws, input, scratch, out| ws.receive_chunk(input, scratch, out),
    receive_chunk_to_any: |ws, input, scratch, out| ws.receive_chunk(input, scratch, out),
    prepared_compress: Prepared::compress,
};

type Configured = Result<DeflateConfig, UsageError>;
type Wanted = Option<DeflateConfig>;

pub struct Deflate {
    default: fn() -> DeflateConfig,
    server_no_context_takeover: fn(DeflateConfig, bool) -> DeflateConfig,
    client_no_context_takeover: fn(DeflateConfig, bool) -> DeflateConfig,
    server_max_window_bits: fn(DeflateConfig, u8) -> Configured,
    client_max_window_bits: fn(DeflateConfig, u8) -> Configured,
    threshold: fn(DeflateConfig, usize) -> DeflateConfig,
    level: fn(DeflateConfig, u8) -> Configured,
    params: fn(&DeflateConfig) -> DeflateParams,
    offer: fn(&DeflateConfig) -> ExtensionValue,
    as_str: fn(&ExtensionValue) -> &str,
    check_response: fn(
        &DeflateConfig,
        &'static [(Text, Bytes)],
    ) -> Result<Option<DeflateParams>, HandshakeError>,
    default_params: fn() -> DeflateParams,
    takeovers: [fn(&DeflateParams) -> bool; 2],
    windows: [fn(&DeflateParams) -> u8; 2],
    accept: fn(Accept<'static>, Wanted) -> Accept<'static>,
    request: fn(ClientRequest<'static>, Wanted) -> ClientRequest<'static>,
    supported: fn(Supported<'static>, Wanted) -> Supported<'static>,
    negotiated: fn(&Negotiated<'static>) -> Option<DeflateParams>,
    with_deflate: fn(Negotiated<'static>, DeflateParams, DeflateConfig) -> Negotiated<'static>,
    compress: fn(&mut WebSocket, Compress),
    receive_chunk_to_vec: ReceiveChunk<Vec<u8>>,
    receive_chunk_to_any: ReceiveChunk<dyn Output>,
    prepared_compress: fn(Prepared, &DeflateConfig) -> Result<Prepared, UsageError>,
}

type ReceiveChunk<O> =
    for<'c> fn(&mut WebSocket, Input<'_>, &'c mut Vec<u8>, &mut O) -> Option<ChunkEvent<'c>>;
