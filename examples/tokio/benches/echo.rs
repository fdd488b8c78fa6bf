//! Echoes over the loopback, by this driver in its ways and by tokio-tungstenite: `cargo bench --manifest-path
//! examples/tokio/Cargo.toml --bench echo`. What is told is the CPU time of the server's thread for each message, as Linux
//! counts it: the median of turns that all take in order.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::{fs, thread};

use futures_util::{SinkExt, StreamExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio_driver::{Message, WebSocketStream};
use tokio_tungstenite::tungstenite::protocol::Role;
use websocket_proto::{Config, Event, Negotiated, WebSocket};

type Socket = tokio::net::TcpStream;

fn open(socket: Socket) -> WebSocketStream<Socket> {
    let ws = WebSocket::open(Negotiated::server(), Config::default());
    WebSocketStream::new(socket, ws, Vec::new(), Vec::new())
}

/// Events are lent; what one read brought is answered with one write.
async fn lent(socket: Socket) {
    let mut ws = open(socket);
    let sender = ws.sender();
    while ws.fill().await.unwrap_or(false) {
        while let Some(Event::Binary(data)) = ws.buffered() {
            sender.send_now(|ws, out| ws.send_binary(&data, out)).unwrap();
        }
        ws.ready().await;
    }
}

/// A write for each message.
async fn owned(socket: Socket) {
    let mut ws = open(socket);
    while let Some(Ok(Event::Binary(data))) = ws.next().await {
        ws.send(|ws, out| ws.send_binary(&data, out)).await.unwrap();
    }
}

/// One task receives and another sends, with a channel between.
async fn two_tasks(socket: Socket) {
    let mut ws = open(socket);
    let (sender, (to, mut from)) = (ws.sender(), mpsc::channel::<Message>(64));
    let send = tokio::spawn(async move {
        while let Some(Event::Binary(data)) = from.recv().await {
            sender.send(|ws, out| ws.send_binary(&data, out)).await.unwrap();
        }
    });
    while let Some(Ok(message)) = ws.next().await {
        // The stream has to be polled for the sender to get on.
        let mut message = Some(message);
        while let Some(it) = message.take() {
            match to.try_send(it) {
                Err(mpsc::error::TrySendError::Full(it)) => {
                    message = Some(it);
                    tokio::task::yield_now().await;
                }
                result => result.unwrap(),
            }
        }
    }
    drop(to);
    send.await.unwrap();
}

async fn tungstenite(socket: Socket) {
    let mut ws =
        tokio_tungstenite::WebSocketStream::from_raw_socket(socket, Role::Server, None).await;
    while let Some(Ok(message)) = ws.next().await {
        ws.send(message).await.unwrap();
    }
}

async fn tungstenite_two_tasks(socket: Socket) {
    let ws = tokio_tungstenite::WebSocketStream::from_raw_socket(socket, Role::Server, None).await;
    let ((mut sink, mut stream), (to, mut from)) = (ws.split(), mpsc::channel(64));
    let send = tokio::spawn(async move {
        while let Some(message) = from.recv().await {
            sink.send(message).await.unwrap();
        }
    });
    while let Some(Ok(message)) = stream.next().await {
        to.send(message).await.unwrap();
    }
    drop(to);
    send.await.unwrap();
}

type Serve = fn(&Runtime, Socket);

const WAYS: [(&str, Serve); 5] = [
    ("lent, one task", |runtime, socket| runtime.block_on(lent(socket))),
    ("owned, one task", |runtime, socket| runtime.block_on(owned(socket))),
    ("owned, two tasks", |runtime, socket| runtime.block_on(two_tasks(socket))),
    ("tokio-tungstenite", |runtime, socket| runtime.block_on(tungstenite(socket))),
    ("tokio-tungstenite, two tasks", |runtime, socket| {
        runtime.block_on(tungstenite_two_tasks(socket))
    }),
];

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for (size, count, in_flight) in [(125, 100_000, 200), (16 * 1024, 5_000, 8), (125, 10_000, 1)] {
        let mut turns = vec![Vec::new(); WAYS.len()];
        for _ in 0..11 {
            for (turns, (_, serve)) in turns.iter_mut().zip(WAYS) {
                turns.push(turn(&runtime, serve, size, count, in_flight));
            }
        }
        println!("{size} bytes, {in_flight} in flight: CPU ns a message");
        for (turns, (name, _)) in turns.iter_mut().zip(WAYS) {
            turns.sort_unstable();
            println!("{:>9}  {name}", turns[turns.len() / 2]);
        }
    }
}

/// Serves one client, which counts what it gets back.
fn turn(runtime: &Runtime, serve: Serve, size: usize, count: usize, in_flight: usize) -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let socket = listener.accept().unwrap().0;
    socket.set_nonblocking(true).unwrap();
    socket.set_nodelay(true).unwrap();
    client.set_nodelay(true).unwrap();
    let client = thread::spawn(move || {
        let mut frame = match u16::try_from(size).unwrap() {
            len @ 126.. => [&[0x82, 0x80 | 126][..], &len.to_be_bytes()].concat(),
            len => vec![0x82, 0x80 | u8::try_from(len).unwrap()],
        };
        let echo_len = frame.len() + size;
        frame.extend([1, 2, 3, 4]);
        frame.resize(frame.len() + size, b'a');
        let batch = frame.repeat(in_flight);
        let mut echo = vec![0; echo_len * in_flight];
        for _ in 0..count / in_flight {
            client.write_all(&batch).unwrap();
            client.read_exact(&mut echo).unwrap();
        }
        client.shutdown(Shutdown::Write).unwrap();
        while client.read(&mut echo).unwrap_or(0) > 0 {}
    });
    let begin = cpu_time();
    let socket = {
        let _inside = runtime.enter();
        Socket::from_std(socket).unwrap()
    };
    serve(runtime, socket);
    let time = cpu_time() - begin;
    client.join().unwrap();
    time / u64::try_from(count).unwrap()
}

/// What this thread has run, in nanoseconds.
fn cpu_time() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}
