//! What is agreed to for the compression of messages.

use websocket_proto::{
    Accept, ClientRequest, DeflateConfig, DeflateParams, ExtensionValue, HandshakeError, Negotiated,
    Supported, UsageError,
};

use crate::{Bytes, Text};

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
}
