//! WebSockets behind the upgrades of hyper. `cargo run --manifest-path examples/hyper/Cargo.toml --bin server` runs it; to
//! use it, copy this file and the driver for tokio, which is the crate `tokio_driver` here.

use std::future::Future;

use hyper::{Request, Response, rt, upgrade};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_driver::{Error, WebSocketStream};
use websocket_proto::{Config, Supported, WebSocket, negotiate_http};

/// Answers a request: by a 101, and `serve` gets the connection, or by what it deserves (RFC 6455 §4.2.2).
///
/// `S` is the transport that hyper was given, in a [`TokioIo`]. Behind hyper-util's `auto`, which wraps that in something of
/// its own, have the stream of the driver for axum instead, or each upgrade ends in an error. Look at the request's origin
/// before (§10.2). Give hyper the answer, or there is no upgrade.
pub fn upgrade<B, S, F>(
    mut request: Request<B>,
    supported: Supported<'_>,
    config: Config,
    serve: impl FnOnce(Result<WebSocketStream<S>, Error>) -> F + Send + 'static,
) -> Response<&'static str>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    TokioIo<S>: rt::Read + rt::Write,
    F: Future<Output = ()> + Send,
{
    let upgraded = upgrade::on(&mut request);
    let (negotiated, response) = match negotiate_http(&request, supported) {
        Ok(negotiated) => negotiated,
        Err(error) => return error.to_http(request.version()),
    };
    let ws = WebSocket::open(negotiated, config);
    tokio::spawn(async move {
        let stream = async {
            let upgraded = upgraded.await?.downcast::<TokioIo<S>>();
            let parts = upgraded.map_err(|_| "this is not the transport that hyper was given")?;
            // What was read behind the request is of frames already.
            let unread = parts.read_buf.to_vec();
            Ok(WebSocketStream::new(parts.io.into_inner(), ws, unread, Vec::new()))
        };
        serve(stream.await).await;
    });
    response.map(|()| "")
}
