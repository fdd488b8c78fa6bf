//! Futures that are dropped at every await lose nothing: sessions over a transport that makes everything wait are
//! compared with what was sent. What differs by runtime is above: the driver, how to run a future, and the traits of
//! the transport.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use websocket_proto::{Accept, ClientRequest, CloseCode, Config, Event, MessageKind};

use super::{Error, WebSocketStream, block_on, join, yield_now};

/// One direction of a transport. Every other call has to wait, none takes or gives more than `most` bytes, and what was
/// written last does not arrive before it is flushed.
struct Pipe {
    bytes: VecDeque<u8>,
    held: Vec<u8>,
    most: usize,
    has_ended: bool,
    is_ready: [bool; 3],
    waiting: Vec<Waker>,
}

impl Pipe {
    fn new(most: usize) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            bytes: VecDeque::new(),
            held: Vec::new(),
            most,
            has_ended: false,
            is_ready: [false; 3],
            waiting: Vec::new(),
        }))
    }

    fn flush(&mut self) {
        self.bytes.extend(self.held.drain(..));
    }

    fn is_ready(&mut self, call: usize, can: bool, cx: &Context<'_>) -> bool {
        self.is_ready[call] = !self.is_ready[call];
        if !self.is_ready[call] && can {
            self.waiting.drain(..).for_each(Waker::wake);
            return true;
        }
        self.waiting.push(cx.waker().clone());
        if can {
            cx.waker().wake_by_ref();
        }
        false
    }
}

pub struct End {
    incoming: Rc<RefCell<Pipe>>,
    outgoing: Rc<RefCell<Pipe>>,
}

impl End {
    pub fn poll_read(&mut self, cx: &Context<'_>, buf: &mut [u8]) -> Poll<usize> {
        let mut pipe = self.incoming.borrow_mut();
        let can = pipe.has_ended || !pipe.bytes.is_empty();
        if !pipe.is_ready(0, can, cx) {
            return Poll::Pending;
        }
        let len = pipe.bytes.len().min(pipe.most).min(buf.len());
        buf.iter_mut().zip(pipe.bytes.drain(..len)).for_each(|(place, byte)| *place = byte);
        Poll::Ready(len)
    }

    pub fn poll_write(&mut self, cx: &Context<'_>, buf: &[u8]) -> Poll<usize> {
        let mut pipe = self.outgoing.borrow_mut();
        let len = buf.len().min(2 * pipe.most - pipe.bytes.len() - pipe.held.len()).min(pipe.most);
        if !pipe.is_ready(1, len > 0, cx) {
            return Poll::Pending;
        }
        pipe.flush();
        pipe.held.extend(&buf[..len]);
        Poll::Ready(len)
    }

    pub fn poll_flush(&mut self, cx: &Context<'_>) -> Poll<()> {
        let mut pipe = self.outgoing.borrow_mut();
        if !pipe.is_ready(2, true, cx) {
            return Poll::Pending;
        }
        pipe.flush();
        Poll::Ready(())
    }

    pub fn poll_close(&mut self, cx: &Context<'_>) -> Poll<()> {
        let closed = self.poll_flush(cx);
        self.outgoing.borrow_mut().has_ended |= closed.is_ready();
        closed
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut pipe = self.outgoing.borrow_mut();
        pipe.has_ended = true;
        pipe.waiting.drain(..).for_each(Waker::wake);
    }
}

/// Drops futures, and counts.
#[derive(Clone, Copy, Default)]
struct Dropper {
    /// A future that was polled so often is dropped, and made anew.
    after: usize,
    /// The poll, of all, after which one is dropped.
    at: usize,
    polls: usize,
    dropped: usize,
}

impl Dropper {
    async fn once<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let (mut future, mut polls) = (pin!(future), 0);
        poll_fn(|cx| {
            (polls, self.polls) = (polls + 1, self.polls + 1);
            match future.as_mut().poll(cx) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending if polls == self.after || self.polls == self.at => {
                    self.dropped += 1;
                    Poll::Ready(None)
                }
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// Makes a future until one ends.
macro_rules! done {
    ($dropper:expr, $future:expr) => {
        loop {
            if let Some(done) = $dropper.once($future).await {
                break done;
            }
            yield_now().await;
        }
    };
}

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 % 251) as u8).collect()
}

/// Connects, over transports that take so many bytes at once.
pub async fn pair(most: usize) -> (WebSocketStream<End>, WebSocketStream<End>) {
    let (up, down) = (Pipe::new(most), Pipe::new(most));
    let client = End { incoming: down.clone(), outgoing: up.clone() };
    let server = End { incoming: up, outgoing: down };
    let request = ClientRequest::new("ws://localhost/").unwrap();
    let connect = WebSocketStream::connect(client, request, [7; 32], Config::default());
    let accept = WebSocketStream::accept(server, Config::default(), |request, out| {
        request.accept(Accept::new(), out).map(Some)
    });
    let (client, server) = join!(connect, accept);
    (client.unwrap(), server.unwrap())
}

/// What was received, and how it ended.
#[derive(Debug, PartialEq)]
struct Outcome {
    received: Vec<Vec<u8>>,
    pongs: usize,
    close: Option<CloseCode>,
}

/// Takes owned messages until the connection was closed.
async fn receive(mut ws: WebSocketStream<End>, dropper: &mut Dropper) -> Outcome {
    let mut outcome = Outcome { received: Vec::new(), pongs: 0, close: None };
    while let Some(message) = done!(dropper, ws.next()) {
        match message.unwrap() {
            Event::Text(text) => outcome.received.push(text.into_owned().into_bytes()),
            Event::Binary(data) => outcome.received.push(data.into_owned()),
            Event::Ping(_) => {}
            Event::Pong(_) => outcome.pongs += 1,
            Event::Close(close) => outcome.close = Some(close.code()),
        }
    }
    outcome
}

/// Echoes what is lent.
async fn echo(mut ws: WebSocketStream<End>, dropper: &mut Dropper) -> Result<(), Error> {
    let sender = ws.sender();
    while done!(dropper, ws.fill())? {
        while let Some(event) = ws.buffered() {
            sender.send_now(|ws, out| match event {
                Event::Text(text) => ws.send_text(&text, out),
                Event::Binary(data) => ws.send_binary(&data, out),
                _ => Ok(()),
            })?;
        }
        done!(dropper, ws.ready());
    }
    Ok(())
}

/// One task sends, in messages and fragments, and receives the echo.
async fn one_task(
    most: usize,
    sizes: &[usize],
    mut client: Dropper,
    mut server: Dropper,
) -> [Dropper; 2] {
    let (mut ws, peer) = pair(most).await;
    let served = async { echo(peer, &mut server).await.unwrap() };
    let session = async {
        for &size in sizes {
            let data = payload(size);
            done!(client, ws.send(|ws, out| ws.send_binary(&data, out))).unwrap();
        }
        let part = |last| {
            move |ws: &mut websocket_proto::WebSocket, out: &mut Vec<u8>| {
                ws.send_fragment(MessageKind::Text, b"ab", last, out)
            }
        };
        done!(client, ws.send(part(false))).unwrap();
        done!(client, ws.send(|ws, out| ws.send_ping(b"?", out))).unwrap();
        done!(client, ws.send(part(true))).unwrap();
        done!(client, ws.flush()).unwrap();
        done!(client, ws.send(|ws, out| ws.close(CloseCode::NORMAL, "", out))).unwrap();
        receive(ws, &mut client).await
    };
    let (outcome, ()) = join!(session, served);
    let mut received: Vec<_> = sizes.iter().map(|&size| payload(size)).collect();
    received.push(b"abab".to_vec());
    assert_eq!(outcome, Outcome { received, pongs: 1, close: Some(CloseCode::NORMAL) });
    [client, server]
}

/// One task sends and another receives; the server closes.
async fn two_tasks(
    most: usize,
    sizes: &[usize],
    mut client: Dropper,
    mut server: Dropper,
) -> [Dropper; 2] {
    let (ws, mut peer) = pair(most).await;
    let (sender, mut sending) = (ws.sender(), client);
    let send = async {
        for &size in sizes {
            let data = payload(size);
            done!(sending, sender.send(|ws, out| ws.send_binary(&data, out))).unwrap();
        }
    };
    let serve = async {
        for _ in sizes {
            let message = done!(server, peer.next()).unwrap().unwrap();
            let Event::Binary(data) = message else { panic!("{message:?}") };
            done!(server, peer.send(|ws, out| ws.send_binary(&data, out))).unwrap();
        }
        done!(server, peer.send(|ws, out| ws.close(CloseCode::GOING_AWAY, "", out))).unwrap();
        receive(peer, &mut server).await
    };
    let (outcome, served, ()) = join!(receive(ws, &mut client), serve, send);
    let received = sizes.iter().map(|&size| payload(size)).collect();
    let close = Some(CloseCode::GOING_AWAY);
    assert_eq!(outcome, Outcome { received, pongs: 0, close });
    assert_eq!(served, Outcome { received: Vec::new(), pongs: 0, close });
    [client, server]
}

/// Runs sessions whose futures are dropped after so many polls of each, for all numbers up to 100; and sessions of which
/// one future is dropped once, for each poll of either side, or every few.
fn drop_all(step: usize, session: impl AsyncFn(Dropper, Dropper) -> [Dropper; 2]) {
    let run = |client, server| block_on(session(client, server));
    let whole = run(Dropper::default(), Dropper::default());
    for after in 1..=100 {
        let dropper = Dropper { after, ..Dropper::default() };
        let [client, server] = run(dropper, dropper);
        assert!(after > 1 || client.dropped > 50 && server.dropped > 50);
    }
    let mut dropped = 0;
    for at in (1..=whole[0].polls).step_by(step) {
        dropped += run(Dropper { at, ..Dropper::default() }, Dropper::default())[0].dropped;
    }
    for at in (1..=whole[1].polls).step_by(step) {
        dropped += run(Dropper::default(), Dropper { at, ..Dropper::default() })[1].dropped;
    }
    // The others had come to their end.
    assert!(dropped > (whole[0].polls + whole[1].polls) / step / 4);
}

const SMALL: &[usize] = &[0, 1, 2, 30, 125, 126];
/// So much that the sender has to wait for room.
const LARGE: &[usize] = &[70_000, 60_000, 5_000, 1, 66_000, 3, 30_000];

#[test]
fn one_task_loses_nothing() {
    drop_all(1, async |client, server| one_task(3, SMALL, client, server).await);
}

#[test]
fn two_tasks_lose_nothing() {
    drop_all(1, async |client, server| two_tasks(3, SMALL, client, server).await);
}

#[test]
fn two_tasks_lose_nothing_where_the_sender_has_to_wait() {
    drop_all(61, async |client, server| two_tasks(5_000, LARGE, client, server).await);
}
