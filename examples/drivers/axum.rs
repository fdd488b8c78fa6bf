//! WebSockets behind the upgrades of axum. `cargo run --manifest-path examples/axum/Cargo.toml --bin server` runs it; to
//! use it, copy this file and the driver for tokio, which is the crate `tokio_driver` here.

use std::convert::Infallible;
use std::future::Future;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::{Request, request::Parts};
use axum::response::Response;
use hyper::upgrade::{self, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_driver::{Error, WebSocketStream};
use websocket_proto::{Config, Supported, WebSocket, negotiate_http};

pub type Stream = WebSocketStream<TokioIo<Upgraded>>;

/// Extracts what may be a request for an upgrade.
pub struct Upgrade(Request<()>);

impl<S: Send + Sync> FromRequestParts<S> for Upgrade {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Request::from_parts(parts.clone(), ())))
    }
}

impl Upgrade {
    /// The request, of which the origin is for the caller to judge (RFC 6455 §10.2).
    pub fn request(&self) -> &Request<()> {
        &self.0
    }

    /// Answers: by a 101, and `serve` gets the connection, or by what the request deserves (§4.2.2).
    pub fn accept<F: Future<Output = ()> + Send>(
        mut self,
        supported: Supported<'_>,
        config: Config,
        serve: impl FnOnce(Result<Stream, Error>) -> F + Send + 'static,
    ) -> Response {
        let upgraded = upgrade::on(&mut self.0);
        let (negotiated, response) = match negotiate_http(&self.0, supported) {
            Ok(negotiated) => negotiated,
            Err(error) => return error.to_http(self.0.version()).map(Body::from),
        };
        let ws = WebSocket::open(negotiated, config);
        tokio::spawn(async move {
            // What came behind the request, the transport gives first.
            let stream = match upgraded.await {
                Ok(io) => Ok(Stream::new(TokioIo::new(io), ws, Vec::new(), Vec::new())),
                Err(error) => Err(error.into()),
            };
            serve(stream).await;
        });
        response.map(|()| Body::empty())
    }
}
