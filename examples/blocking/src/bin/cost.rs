//! What a lock around the machine costs: `cargo run --release --manifest-path examples/blocking/Cargo.toml --features
//! cost --bin cost`.
//!
//! A server receives messages over a loopback socket, or echoes them, in one thread, in two, in one task, in two. What is
//! shown is the CPU time that it took for a message, its share of the kernel's included, without that of its peer; and
//! the time that passed. Contenders take turns; the median of the turns is shown.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use websocket_proto::{Config, Event, Negotiated, Next, WebSocket};

/// A server: takes a socket, echoes or does not, and gives how many messages it received.
type Serve = fn(TcpStream, bool) -> usize;

const CONTENDERS: [(&str, Serve); 6] = [
    ("one thread", one_thread),
    ("one thread, a lock", one_thread_locked),
    ("two threads (driver)", two_threads),
    ("one task", one_task),
    ("two tasks", two_tasks),
    ("one task (driver)", driver_of_tokio),
];
const SIZES: [(usize, usize); 3] = [(16, 400_000), (1024, 40_000), (64 * 1024, 1_000)];
const TURNS: usize = 15;
const INPUT: usize = 16 * 1024;

fn main() {
    in_memory();
    for echoes in [false, true] {
        println!("\n{}, ns a message: CPU / passed", if echoes { "echo" } else { "receive" });
        print!("{:24}", "");
        SIZES.iter().for_each(|(size, _)| print!("{:>22}", format!("{size} B")));
        let mut figures = vec![vec![(Vec::new(), Vec::new()); SIZES.len()]; CONTENDERS.len()];
        for turn in 0..TURNS {
            for (column, &(size, count)) in SIZES.iter().enumerate() {
                for i in 0..CONTENDERS.len() {
                    let row = (i + turn) % CONTENDERS.len();
                    let (cpu, passed) = measure(CONTENDERS[row].1, echoes, size, count);
                    figures[row][column].0.push(per_message(cpu, count));
                    figures[row][column].1.push(per_message(passed, count));
                }
            }
        }
        for ((name, _), row) in CONTENDERS.iter().zip(&mut figures) {
            print!("\n{name:24}");
            for (cpu, passed) in row {
                print!("{:>22}", format!("{:.0} / {:.0}", median(cpu), median(passed)));
            }
        }
        println!();
    }
}

fn per_message(time: Duration, count: usize) -> f64 {
    time.as_nanos() as f64 / count as f64
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Masked frames, with a key of zeros.
fn frames(size: usize, count: usize) -> Vec<u8> {
    let mut frame = vec![0x82];
    match size {
        0..=125 => frame.push(0x80 | size as u8),
        126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.extend((size as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((size as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.resize(frame.len() + size, b'a');
    frame.repeat(count)
}

/// A lock that nobody else asks for: for each message, and for its answer.
fn in_memory() {
    println!("in memory, CPU ns a message: without a lock / with one");
    print!("{:24}", "");
    SIZES.iter().for_each(|(size, _)| print!("{:>22}", format!("{size} B")));
    println!();
    for echoes in [false, true] {
        print!("{:24}", if echoes { "echo" } else { "receive" });
        for (size, _) in SIZES {
            // What fits the cache.
            let batch = (128 * 1024 / size).min(4000);
            let (wire, machine) = (frames(size, batch), Mutex::new((open(), Vec::new())));
            let mut figures = [Vec::new(), Vec::new()];
            for _ in 0..TURNS * 20 {
                for (locks, figures) in [false, true].into_iter().zip(&mut figures) {
                    let (mut buf, mut received) = (vec![0; INPUT], 0);
                    let begin = cpu(ClockId::ThreadCPUTime);
                    for _ in 0..10 {
                        for read in wire.chunks(INPUT) {
                            machine.lock().unwrap().1.clear();
                            let input = &mut buf[..read.len()];
                            input.copy_from_slice(read);
                            received += if locks {
                                take_locked(&machine, input, echoes)
                            } else {
                                let (ws, out) = &mut *machine.lock().unwrap();
                                take(ws, out, input, echoes)
                            };
                        }
                    }
                    figures.push(per_message(cpu(ClockId::ThreadCPUTime) - begin, received));
                    assert_eq!(received, 10 * batch);
                }
            }
            let [without, with] = &mut figures;
            print!("{:>22}", format!("{:.1} / {:.1}", median(without), median(with)));
        }
        println!();
    }

    println!(
        "\nfor how long a client that sends has the machine, CPU ns: send_binary / start_binary"
    );
    for size in [16, 1024, 64 * 1024, 1024 * 1024] {
        let mut ws = WebSocket::open(Negotiated::client([7; 32]), Config::default());
        let (data, mut out, mut figures) = (vec![b'a'; size], Vec::new(), [Vec::new(), Vec::new()]);
        let count = (64 * 1024 / size).max(1);
        for _ in 0..TURNS * 20 {
            out.clear();
            let begin = cpu(ClockId::ThreadCPUTime);
            for _ in 0..count {
                ws.send_binary(&data, &mut out).unwrap();
            }
            figures[0].push(per_message(cpu(ClockId::ThreadCPUTime) - begin, count));
            let begin = cpu(ClockId::ThreadCPUTime);
            for _ in 0..1000 {
                let _ = black_box(ws.start_binary(size as u64).unwrap());
            }
            figures[1].push(per_message(cpu(ClockId::ThreadCPUTime) - begin, 1000));
        }
        let [send, start] = &mut figures;
        println!(
            "{:24}{:>22}",
            format!("{size} B"),
            format!("{:.0} / {:.0}", median(send), median(start))
        );
    }
}

/// Serves in a thread of its own; gives its CPU time, and how long it took.
fn measure(serve: Serve, echoes: bool, size: usize, count: usize) -> (Duration, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut answers = peer.try_clone().unwrap();
    let socket = listener.accept().unwrap().0;
    socket.set_nodelay(true).unwrap();
    let batch = (256 * 1024 / size).clamp(1, count);
    let wire = frames(size, batch);
    let (begin, start) = (cpu(ClockId::ProcessCPUTime), Instant::now());
    let feed = thread::spawn(move || {
        for _ in 0..count / batch {
            peer.write_all(&wire).unwrap();
        }
        peer.write_all(&wire[..wire.len() / batch * (count % batch)]).unwrap();
        peer.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]).unwrap();
        cpu(ClockId::ThreadCPUTime)
    });
    let drain = thread::spawn(move || {
        let (mut buf, mut sum) = (vec![0; 256 * 1024], 0);
        while let len @ 1.. = answers.read(&mut buf).unwrap() {
            sum += len;
        }
        (cpu(ClockId::ThreadCPUTime), sum)
    });
    let received = thread::spawn(move || serve(socket, echoes));
    assert_eq!(received.join().unwrap(), count);
    let (drained, sum) = drain.join().unwrap();
    let peers = feed.join().unwrap() + drained;
    let passed = start.elapsed();
    assert_eq!(sum, if echoes { (frames(size, 1).len() - 4) * count + 4 } else { 4 });
    (cpu(ClockId::ProcessCPUTime).saturating_sub(begin + peers), passed)
}

fn open() -> WebSocket {
    WebSocket::open(Negotiated::server(), Config::default())
}

/// Takes all that was read.
fn take(ws: &mut WebSocket, out: &mut Vec<u8>, mut input: &mut [u8], echoes: bool) -> usize {
    let mut received = 0;
    while let Some(event) = ws.receive(&mut input, out) {
        if let Event::Binary(data) = event {
            received += 1;
            if echoes {
                ws.send_binary(&data, out).unwrap();
            }
        }
    }
    received
}

/// Takes all that was read; the lock is free while a message is handled.
fn take_locked(machine: &Mutex<(WebSocket, Vec<u8>)>, mut input: &mut [u8], echoes: bool) -> usize {
    let mut received = 0;
    loop {
        let event = {
            let (ws, out) = &mut *machine.lock().unwrap();
            ws.receive(&mut input, out)
        };
        match event {
            None => return received,
            Some(Event::Binary(data)) => {
                received += 1;
                if echoes {
                    let (ws, out) = &mut *machine.lock().unwrap();
                    ws.send_binary(&data, out).unwrap();
                }
            }
            Some(_) => {}
        }
    }
}

fn one_thread(mut socket: TcpStream, echoes: bool) -> usize {
    let (mut ws, mut out, mut buf, mut received) = (open(), Vec::new(), vec![0; INPUT], 0);
    loop {
        match socket.read(&mut buf).unwrap() {
            0 => ws.receive_eof(),
            len => received += take(&mut ws, &mut out, &mut buf[..len], echoes),
        }
        let next = ws.poll(Duration::ZERO, &mut out);
        socket.write_all(&out).unwrap();
        out.clear();
        if let Next::End(_) = next {
            return received;
        }
    }
}

fn one_thread_locked(mut socket: TcpStream, echoes: bool) -> usize {
    let (machine, mut buf, mut received) = (Mutex::new((open(), Vec::new())), vec![0; INPUT], 0);
    loop {
        match socket.read(&mut buf).unwrap() {
            0 => machine.lock().unwrap().0.receive_eof(),
            len => received += take_locked(&machine, &mut buf[..len], echoes),
        }
        let (ws, out) = &mut *machine.lock().unwrap();
        let next = ws.poll(Duration::ZERO, out);
        socket.write_all(out).unwrap();
        out.clear();
        if let Next::End(_) = next {
            return received;
        }
    }
}

fn two_threads(socket: TcpStream, echoes: bool) -> usize {
    let mut stream =
        blocking_driver::WebSocketStream::new(socket, open(), Vec::new(), Vec::new()).unwrap();
    let (sender, mut received) = (stream.sender(), 0);
    while stream.fill().unwrap() {
        while let Some(event) = stream.buffered() {
            if let Event::Binary(data) = event {
                received += 1;
                if echoes {
                    sender.answer(|ws, out| ws.send_binary(&data, out)).unwrap();
                }
            }
        }
    }
    received
}

/// Runs a future, and turns the socket into tokio's.
fn under_tokio<F: Future<Output = usize>>(
    socket: TcpStream,
    serve: impl FnOnce(tokio::net::TcpStream) -> F,
) -> usize {
    socket.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { serve(tokio::net::TcpStream::from_std(socket).unwrap()).await })
}

fn one_task(socket: TcpStream, echoes: bool) -> usize {
    under_tokio(socket, async |mut socket| {
        let (mut ws, mut out, mut buf, mut received) = (open(), Vec::new(), vec![0; INPUT], 0);
        loop {
            match socket.read(&mut buf).await.unwrap() {
                0 => ws.receive_eof(),
                len => received += take(&mut ws, &mut out, &mut buf[..len], echoes),
            }
            let next = ws.poll(Duration::ZERO, &mut out);
            socket.write_all(&out).await.unwrap();
            out.clear();
            if let Next::End(_) = next {
                return received;
            }
        }
    })
}

/// One reads and one writes, as the two threads do.
fn two_tasks(socket: TcpStream, echoes: bool) -> usize {
    under_tokio(socket, async |socket| {
        let (mut reader, mut writer) = socket.into_split();
        let shared = Arc::new((Mutex::new((open(), Vec::new())), Notify::new(), Notify::new()));
        let writing = shared.clone();
        let write = tokio::spawn(async move {
            let (machine, changed, drained) = &*writing;
            let mut bytes = Vec::new();
            loop {
                let next = {
                    let (ws, out) = &mut *machine.lock().unwrap();
                    let next = ws.poll(Duration::ZERO, out);
                    std::mem::swap(out, &mut bytes);
                    next
                };
                drained.notify_one();
                writer.write_all(&bytes).await.unwrap();
                match next {
                    Next::End(_) => return,
                    Next::Wait(_) if bytes.is_empty() => changed.notified().await,
                    Next::Wait(_) => bytes.clear(),
                }
            }
        });
        let (machine, changed, drained) = &*shared;
        let (mut buf, mut received) = (vec![0; INPUT], 0);
        loop {
            match reader.read(&mut buf).await.unwrap() {
                0 => machine.lock().unwrap().0.receive_eof(),
                len => received += take_locked(machine, &mut buf[..len], echoes),
            }
            let (next, mut waiting) = {
                let (ws, out) = &mut *machine.lock().unwrap();
                (ws.poll(Duration::ZERO, out), out.len())
            };
            if waiting > 0 {
                changed.notify_one();
            }
            if let Next::End(_) = next {
                changed.notify_one();
                write.await.unwrap();
                return received;
            }
            while waiting > 64 * 1024 {
                drained.notified().await;
                waiting = machine.lock().unwrap().1.len();
            }
        }
    })
}

fn driver_of_tokio(socket: TcpStream, echoes: bool) -> usize {
    under_tokio(socket, async |socket| {
        let mut stream = tokio_driver::WebSocketStream::new(socket, open(), Vec::new(), Vec::new());
        let (sender, mut received) = (stream.sender(), 0);
        while stream.fill().await.unwrap() {
            while let Some(event) = stream.buffered() {
                if let Event::Binary(data) = event {
                    received += 1;
                    if echoes {
                        sender.send_now(|ws, out| ws.send_binary(&data, out)).unwrap();
                    }
                }
            }
        }
        received
    })
}
