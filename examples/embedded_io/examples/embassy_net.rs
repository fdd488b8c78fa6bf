//! An echo server over a TCP socket of embassy-net, which has accepted a peer. It wants a board:
//! `cargo build --manifest-path examples/embedded_io/Cargo.toml --example embassy_net` just builds it.
#![no_std]

use core::time::Duration;

use embassy_net::tcp::TcpSocket;
use embassy_time::{Instant, Timer};
use embedded_io_driver::{Clock, Transport, let_go};
use websocket_proto::{Accept, ChunkEvent, Config};

pub async fn serve(mut socket: TcpSocket<'_>, config: Config) {
    // Of the socket's own there may be none: the machine's timers know better.
    socket.set_timeout(None);
    let mut buffer = [0; 256];
    echo(&mut socket, config, &mut buffer).await;
    socket.close();
    let_go(&mut socket, &Embassy, &mut buffer).await;
}

async fn echo(socket: &mut TcpSocket<'_>, config: Config, buffer: &mut [u8]) {
    let (mut out, mut head) = ([0; 256], [0; 512]);
    let (reader, writer) = socket.split();
    let mut transport = Transport::new(reader, writer, Embassy, &mut out);
    let opened = transport.accept(config, buffer, &mut head, |request, out| {
        request.accept(Accept::new(), out).map(Some)
    });
    let Ok((mut connection, unread)) = opened.await else { return };
    let mut input = &mut buffer[unread];
    loop {
        while let Some(event) = connection.receive(&mut input, &mut transport.out) {
            if let ChunkEvent::Data(chunk) = event {
                // It is refused only where a Close frame has gone before.
                let _ = transport
                    .send(|out| {
                        connection.send_fragment(chunk.kind, chunk.payload, chunk.last, out)
                    })
                    .await;
            }
        }
        match transport.turn(&mut connection, buffer).await {
            Ok(Some(bytes)) => input = bytes,
            Ok(None) | Err(_) => return,
        }
    }
}

struct Embassy;

impl Clock for Embassy {
    fn now(&self) -> Duration {
        Duration::from_micros(Instant::now().as_micros())
    }

    fn until(&self, deadline: Duration) -> impl Future<Output = ()> {
        let micros = u64::try_from(deadline.as_micros()).unwrap_or(u64::MAX);
        Timer::at(Instant::from_micros(micros))
    }
}
