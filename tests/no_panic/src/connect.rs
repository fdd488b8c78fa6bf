//! The opening handshake over HTTP/2 and HTTP/3, by its fields.

use websocket_proto::{
    ClientRequest, ConnectRequest, ConnectResponse, HandshakeError, Negotiated, Supported,
    UsageError, negotiate_connect,
};

use crate::{Bytes, Text};

type Fields = &'static [(Text, Bytes)];
type Accepted = Result<(Negotiated<'static>, ConnectResponse<'static>), HandshakeError>;
type Answered = Result<Negotiated<'static>, HandshakeError>;

#[unsafe(no_mangle)]
pub static CONNECT: Connect = Connect {
    negotiate_connect: |protocol, fields, supported| {
        negotiate_connect(protocol, || fields.iter().copied(), supported)
    },
    response_fields: |response, see| {
        response.fields().for_each(|(name, value)| see(name, value));
    },
    new: ConnectRequest::new,
    protocol: ConnectRequest::protocol,
    scheme: ConnectRequest::scheme,
    authority: ConnectRequest::authority,
    path: ConnectRequest::path,
    fields: |request, see| request.fields().for_each(|(name, value)| see(name, value)),
    accept: |request, status, fields, seed| request.accept(status, || fields.iter().copied(), seed),
};

pub struct Connect {
    negotiate_connect: fn(Text, Fields, Supported<'static>) -> Accepted,
    response_fields: fn(&ConnectResponse<'static>, &mut dyn FnMut(&str, &str)),
    new: fn(ClientRequest<'static>) -> Result<ConnectRequest<'static>, UsageError>,
    protocol: fn(&ConnectRequest<'static>) -> Text,
    scheme: fn(&ConnectRequest<'static>) -> Text,
    authority: fn(&ConnectRequest<'static>) -> Text,
    path: fn(&ConnectRequest<'static>) -> Text,
    fields: fn(&ConnectRequest<'static>, &mut dyn FnMut(&str, &str)),
    accept: fn(&ConnectRequest<'static>, u16, Fields, [u8; 32]) -> Answered,
}
