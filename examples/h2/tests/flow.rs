//! Many streams on one connection, windows that are small, and ends that are slow.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use common::{connect, echo, random, raw_client, serve, soon};
use h2_driver::{STREAMS, WINDOW, WebSocketStream};
use tokio::select;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{sleep, timeout};
use websocket_proto::{CloseCode, Config, Event, UsageError};

async fn close(mut ws: WebSocketStream) {
    ws.send(|ws, out| ws.close(CloseCode::NORMAL, "done", out)).await.unwrap();
    let Some(Ok(Event::Close(close))) = soon(ws.next()).await else { panic!("no Close") };
    assert_eq!(close.code(), CloseCode::NORMAL);
    assert!(soon(ws.next()).await.is_none());
}

async fn echoes(ws: &mut WebSocketStream, data: &[u8]) {
    ws.send(|ws, out| ws.send_binary(data, out)).await.unwrap();
    let Some(Ok(Event::Binary(echoed))) = soon(ws.next()).await else { panic!("no echo") };
    assert!(*echoed == *data);
}

#[tokio::test]
async fn many_streams_at_once() {
    let (io, mut results) = serve(h2_driver::server(), echo);
    let requests = h2_driver::client(io).await.unwrap();
    let mut all = JoinSet::new();
    for number in 0..usize::try_from(STREAMS).unwrap() {
        let requests = requests.clone();
        all.spawn(async move {
            let mut ws = connect(&requests, "/echo").await.unwrap();
            let messages: Vec<_> =
                (0..20).map(|i| random(i * i * 7 + number, i + number)).collect();
            for data in &messages {
                ws.send(|ws, out| ws.send_binary(data, out)).await.unwrap();
            }
            for data in &messages {
                let Some(Ok(Event::Binary(echoed))) = soon(ws.next()).await else {
                    panic!("no echo")
                };
                assert!(*echoed == **data);
            }
            close(ws).await;
        });
    }
    assert_eq!(all.join_all().await.len(), 100);
    for _ in 0..STREAMS {
        soon(results.recv()).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn large_messages_through_small_windows() {
    let mut builder = h2_driver::server();
    builder.initial_window_size(999);
    let (io, mut results) = serve(builder, echo);
    let requests = raw_client(io, h2::client::Builder::new().initial_window_size(777)).await;
    let mut ws = connect(&requests, "/echo").await.unwrap();
    for len in [776, 777, 999, 300_000] {
        echoes(&mut ws, &random(len, len)).await;
    }
    close(ws).await;
    soon(results.recv()).await.unwrap().unwrap();
}

/// Each in a DATA frame of its own, they would be more than `h2` lets wait.
#[tokio::test(start_paused = true)]
async fn many_small_messages_to_a_server_that_is_slow() {
    let mut builder = h2::server::Builder::new();
    builder.enable_connect_protocol();
    let (io, mut results) = serve(builder, async |request, respond| {
        let mut ws = WebSocketStream::accept(request, respond, &[], Config::default())?;
        sleep(Duration::from_secs(1)).await;
        let mut received = 0;
        while let Some(event) = soon(ws.next()).await {
            received += usize::from(matches!(event?, Event::Text(text) if text == "small"));
        }
        assert_eq!(received, 1000);
        Ok(())
    });
    let requests = h2_driver::client(io).await.unwrap();
    let mut ws = connect(&requests, "/").await.unwrap();
    for _ in 0..1000 {
        ws.send(|ws, out| ws.send_text("small", out)).await.unwrap();
    }
    close(ws).await;
    soon(results.recv()).await.unwrap().unwrap();
}

/// Futures that are dropped before their ends lose nothing.
#[tokio::test]
async fn dropped_futures() {
    let mut builder = h2_driver::server();
    builder.initial_window_size(999);
    let (io, _results) = serve(builder, echo);
    let requests = raw_client(io, h2::client::Builder::new().initial_window_size(777)).await;
    let mut ws = connect(&requests, "/echo").await.unwrap();
    let (mut sent, mut received, mut dropped) = (0, 0, 0);
    while received < 40 {
        let data = random(5000, sent);
        select! {
            biased;
            result = ws.send(|ws, out| ws.send_binary(&data, out)), if sent < 40 => {
                result.unwrap();
                sent += 1;
            }
            () = yield_now() => dropped += 1,
        }
        select! {
            biased;
            event = ws.next() => {
                let Some(Ok(Event::Binary(echoed))) = event else { panic!("no echo") };
                assert!(*echoed == *random(5000, received));
                received += 1;
            }
            () = yield_now() => dropped += 1,
        }
    }
    assert!(dropped > 200, "{dropped}");
    close(ws).await;
}

/// What is sent waits for the window, and then in the driver up to its mark.
const SENT_AHEAD: usize = WINDOW as usize + 64 * 1024 + 2 * MESSAGE;
const MESSAGE: usize = 10_000;

/// Sends until there is no room for a second.
async fn flood(ws: &mut WebSocketStream) -> usize {
    let mut sent = 0;
    let data = random(MESSAGE, 1);
    loop {
        let call = ws.send(|ws, out| ws.send_binary(&data, out));
        let Ok(result) = timeout(Duration::from_secs(1), call).await else { return sent };
        result.unwrap();
        sent += MESSAGE;
        assert!(sent < SENT_AHEAD, "{sent}");
    }
}

#[tokio::test(start_paused = true)]
async fn server_that_is_slow_on_all_streams_but_one() {
    let (io, _results) = serve(h2_driver::server(), echo);
    let requests = h2_driver::client(io).await.unwrap();
    let mut slow = Vec::new();
    for _ in 1..STREAMS {
        let mut ws = connect(&requests, "/slow").await.unwrap();
        let sent = flood(&mut ws).await;
        assert!((WINDOW as usize..SENT_AHEAD).contains(&sent), "{sent}");
        slow.push(ws);
    }
    let mut ws = connect(&requests, "/echo").await.unwrap();
    for i in 0..30 {
        echoes(&mut ws, &random(100_000, i)).await;
    }
    close(ws).await;
}

static FLOODED: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

#[tokio::test(start_paused = true)]
async fn client_that_is_slow_on_all_streams_but_one() {
    let (io, mut results) = serve(h2_driver::server(), async |request, respond| {
        if request.uri().path() != "/flood" {
            return echo(request, respond).await;
        }
        let mut ws = WebSocketStream::accept(request, respond, &[], Config::default())?;
        FLOODED[0].fetch_add(1, Relaxed);
        FLOODED[1].fetch_max(flood(&mut ws).await, Relaxed);
        ws.send(|ws, out| ws.close(CloseCode::NORMAL, "", out)).await?;
        while let Some(event) = soon(ws.next()).await {
            event?;
        }
        Ok(())
    });
    let requests = h2_driver::client(io).await.unwrap();
    let mut slow = Vec::new();
    for _ in 1..STREAMS {
        slow.push(connect(&requests, "/flood").await.unwrap());
    }
    sleep(Duration::from_secs(2)).await;
    let mut ws = connect(&requests, "/echo").await.unwrap();
    for i in 0..30 {
        echoes(&mut ws, &random(100_000, i)).await;
    }
    close(ws).await;
    soon(results.recv()).await.unwrap().unwrap();
    assert_eq!(FLOODED[0].load(Relaxed), 99);
    let sent = FLOODED[1].load(Relaxed);
    assert!((WINDOW as usize..SENT_AHEAD).contains(&sent), "{sent}");
    // When they are read at last, all of it is there.
    for mut ws in slow {
        let mut received = 0;
        while let Some(event) = soon(ws.next()).await {
            match event.unwrap() {
                Event::Binary(data) => received += data.len(),
                Event::Close(close) => assert_eq!(close.code(), CloseCode::NORMAL),
                _ => panic!("nothing else was sent"),
            }
        }
        assert!((WINDOW as usize..=sent).contains(&received), "{received}");
        soon(results.recv()).await.unwrap().unwrap();
        assert_eq!(ws.send(|ws, out| ws.send_text("", out)).await, Err(UsageError::Closed));
    }
}
