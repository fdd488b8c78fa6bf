//! Both ends of the opening handshake.

use core::time::Duration;

use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, Extension, HandshakeConfig, HandshakeError, Negotiated,
    Next, Output, Request, Response, Role, ServerHandshake, SliceOutput, Supported,
    SwitchingResponse, UsageError, accept_key, negotiate,
};

use crate::{Bytes, Input, Text};

type Fields = &'static [(Text, Text)];
type Seed = [u8; 32];

#[unsafe(no_mangle)]
pub static SERVER: Server = Server {
    new: ServerHandshake::new,
    receive_eof: ServerHandshake::receive_eof,
    poll: ServerHandshake::poll,
    method: Request::method,
    target: Request::target,
    path: Request::path,
    query: Request::query,
    field: Request::field,
    fields: |request, see| request.fields().for_each(|(name, value)| see(name, value)),
    subprotocols: |request, see| request.subprotocols().for_each(|it| see(it, b"")),
    extensions: |request, see| request.extensions().for_each(see),
    extension_name: Extension::name,
    extension_params: |extension, see| {
        extension.params().for_each(|(name, value)| see(name, value.unwrap_or("").as_bytes()));
    },
    is_upgrade: Request::is_upgrade,
    check_upgrade: Request::check_upgrade,
    accept: Accept::new,
    accept_subprotocol: Accept::subprotocol,
    accept_fields: Accept::fields,
};

#[unsafe(no_mangle)]
pub static SERVER_WITH_SLICE: ServerWith<SliceOutput<'static>> = ServerWith::ALL;
#[cfg(feature = "alloc")]
#[unsafe(no_mangle)]
pub static SERVER_WITH_VEC: ServerWith<alloc::vec::Vec<u8>> = ServerWith::ALL;

pub struct Server {
    new: fn(HandshakeConfig) -> ServerHandshake,
    receive_eof: fn(&mut ServerHandshake),
    poll: fn(&mut ServerHandshake, Duration) -> Next,
    method: fn(&Request<'static>) -> Text,
    target: fn(&Request<'static>) -> Text,
    path: fn(&Request<'static>) -> Text,
    query: fn(&Request<'static>) -> Option<Text>,
    field: fn(&Request<'static>, Text) -> Option<Bytes>,
    fields: fn(&Request<'static>, &mut dyn FnMut(Text, Bytes)),
    subprotocols: fn(&Request<'static>, &mut dyn FnMut(Text, Bytes)),
    extensions: fn(&Request<'static>, &mut dyn FnMut(Extension<'static>)),
    extension_name: fn(&Extension<'static>) -> Text,
    extension_params: fn(&Extension<'static>, &mut dyn FnMut(Text, Bytes)),
    is_upgrade: fn(&Request<'static>) -> bool,
    check_upgrade: fn(&Request<'static>) -> Result<(), HandshakeError>,
    accept: fn() -> Accept<'static>,
    accept_subprotocol: fn(Accept<'static>, Option<Text>) -> Accept<'static>,
    accept_fields: fn(Accept<'static>, Fields) -> Accept<'static>,
}

/// The calls that take an output, which keeps a head as well.
pub struct ServerWith<O: Output + AsRef<[u8]> + 'static> {
    receive: fn(
        &mut ServerHandshake,
        Input<'_>,
        &'static mut O,
    ) -> Result<Option<Request<'static>>, HandshakeError>,
    accept: fn(
        &mut Request<'static>,
        Accept<'static>,
        &mut O,
    ) -> Result<Negotiated<'static>, UsageError>,
    reject: fn(&mut Request<'static>, u16, Fields, Bytes, &mut O) -> Result<(), UsageError>,
    respond: fn(&HandshakeError, &mut O) -> Result<(), UsageError>,
}

impl<O: Output + AsRef<[u8]>> ServerWith<O> {
    const ALL: Self = Self {
        receive: ServerHandshake::receive,
        accept: Request::accept,
        reject: Request::reject,
        respond: HandshakeError::respond,
    };
}

#[unsafe(no_mangle)]
pub static CLIENT: Client = Client {
    request: ClientRequest::new,
    from_parts: ClientRequest::from_parts,
    subprotocol: ClientRequest::subprotocol,
    subprotocols: ClientRequest::subprotocols,
    request_fields: ClientRequest::fields,
    host: ClientRequest::host,
    port: ClientRequest::port,
    is_secure: ClientRequest::is_secure,
    receive_eof: ClientHandshake::receive_eof,
    poll: ClientHandshake::poll,
    accept: Response::accept,
    status: Response::status,
    reason: Response::reason,
    field: Response::field,
    fields: |response, see| response.fields().for_each(|(name, value)| see(name, value)),
    body: Response::body,
    body_is_truncated: Response::body_is_truncated,
};

#[unsafe(no_mangle)]
pub static CLIENT_WITH_SLICE: ClientWith<SliceOutput<'static>> = ClientWith::ALL;
#[cfg(feature = "alloc")]
#[unsafe(no_mangle)]
pub static CLIENT_WITH_VEC: ClientWith<alloc::vec::Vec<u8>> = ClientWith::ALL;

pub struct Client {
    request: fn(Text) -> Result<ClientRequest<'static>, UsageError>,
    from_parts: fn(Text, Text, bool) -> Result<ClientRequest<'static>, UsageError>,
    subprotocol: fn(ClientRequest<'static>, Text) -> ClientRequest<'static>,
    subprotocols: fn(ClientRequest<'static>, &'static [Text]) -> ClientRequest<'static>,
    request_fields: fn(ClientRequest<'static>, Fields) -> ClientRequest<'static>,
    host: fn(&ClientRequest<'static>) -> Text,
    port: fn(&ClientRequest<'static>) -> u16,
    is_secure: fn(&ClientRequest<'static>) -> bool,
    receive_eof: fn(&mut ClientHandshake),
    poll: fn(&mut ClientHandshake, Duration) -> Next,
    accept: fn(&mut Response<'static>) -> Result<Negotiated<'static>, UsageError>,
    status: fn(&Response<'static>) -> u16,
    reason: fn(&Response<'static>) -> Bytes,
    field: fn(&Response<'static>, Text) -> Option<Bytes>,
    fields: fn(&Response<'static>, &mut dyn FnMut(Text, Bytes)),
    body: fn(&Response<'static>) -> Bytes,
    body_is_truncated: fn(&Response<'static>) -> bool,
}

/// The calls that take an output, which keeps a head as well.
pub struct ClientWith<O: Output + AsRef<[u8]> + 'static> {
    new: fn(ClientRequest<'static>, Seed, &mut O) -> Result<ClientHandshake, UsageError>,
    with_config: fn(
        HandshakeConfig,
        ClientRequest<'static>,
        Seed,
        &mut O,
    ) -> Result<ClientHandshake, UsageError>,
    receive: fn(
        &mut ClientHandshake,
        Input<'_>,
        &'static mut O,
    ) -> Result<Option<Response<'static>>, HandshakeError>,
}

impl<O: Output + AsRef<[u8]>> ClientWith<O> {
    const ALL: Self = Self {
        new: ClientHandshake::new,
        with_config: ClientHandshake::with_config,
        receive: ClientHandshake::receive,
    };
}

#[unsafe(no_mangle)]
pub static NEGOTIATION: Negotiation = Negotiation {
    supported: Supported::new,
    supported_subprotocols: Supported::subprotocols,
    negotiate: |fields, supported| negotiate(|| fields.iter().copied(), supported),
    response_fields: |response, see| response.fields().for_each(|(name, value)| see(name, value)),
    accept_key,
    server: Negotiated::server,
    client: Negotiated::client,
    role: Negotiated::role,
    subprotocol: Negotiated::subprotocol,
    new: HandshakeConfig::new,
    default: HandshakeConfig::default,
    head_limit: HandshakeConfig::head_limit,
    field_limit: HandshakeConfig::field_limit,
    opening_timeout: HandshakeConfig::opening_timeout,
    body_limit: HandshakeConfig::body_limit,
};

type Agreed = Result<(Negotiated<'static>, SwitchingResponse<'static>), HandshakeError>;
type Configured = Result<HandshakeConfig, UsageError>;

pub struct Negotiation {
    supported: fn() -> Supported<'static>,
    supported_subprotocols: fn(Supported<'static>, &'static [Text]) -> Supported<'static>,
    negotiate: fn(&'static [(Text, Bytes)], Supported<'static>) -> Agreed,
    response_fields: fn(&SwitchingResponse<'static>, &mut dyn FnMut(&str, &str)),
    accept_key: fn(&[u8; 24]) -> [u8; 28],
    server: fn() -> Negotiated<'static>,
    client: fn(Seed) -> Negotiated<'static>,
    role: fn(&Negotiated<'static>) -> Role,
    subprotocol: fn(&Negotiated<'static>) -> Option<Text>,
    new: fn() -> HandshakeConfig,
    default: fn() -> HandshakeConfig,
    head_limit: fn(HandshakeConfig, usize) -> Configured,
    field_limit: fn(HandshakeConfig, usize) -> Configured,
    opening_timeout: fn(HandshakeConfig, Duration) -> Configured,
    body_limit: fn(HandshakeConfig, usize) -> HandshakeConfig,
}
