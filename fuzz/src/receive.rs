//! Any bytes at all, in either role, under any limits: what is told, what is answered and how it ends is what the plain
//! checker makes of the same bytes; every call makes progress, errors repeat, and memory stays within the formula that
//! the crate documents.

use websocket_proto::{Config, Event, Failure, Next, UsageError, WebSocket};

use crate::checker::{Checker, Item, Limits, Side};
use crate::ends::{End, NOW, Told, assert_over, fault_code, negotiated, peer, side};
use crate::frames::cut_mut;
use crate::memory;

struct Plan {
    me: Side,
    messages: bool,
    answer_pings: bool,
    answer_close: bool,
    /// Whether the output is emptied after each call; else it fills up to the high-water mark.
    drains: bool,
    /// Whether we have closed before anything comes.
    closes_first: bool,
    /// Whether we send a message when all has come.
    sends_last: bool,
    limits: Limits,
    sizes: Vec<u8>,
}

/// Input: flags, limits, how the stream is cut; the stream.
pub fn oracle(data: &[u8]) {
    let Some((&[flags, limits, size], stream)) = data.split_first_chunk() else {
        return;
    };
    let plan = Plan {
        me: side(flags & 1 == 0),
        messages: flags & 2 == 0,
        answer_pings: flags & 4 == 0,
        answer_close: flags & 8 == 0,
        drains: flags & 16 == 0,
        closes_first: flags & 32 == 32,
        sends_last: flags & 64 == 64,
        limits: Limits {
            bytes: [16 << 20, 1, 5, 125, 126, 1000, 65_535, u64::MAX][usize::from(limits % 8)],
            frames: [u64::from(u32::MAX), 1, 2, 3][usize::from(limits / 8 % 4)],
        },
        sizes: if size == 0 { Vec::new() } else { vec![size] },
    };
    let mut model = Checker::new(peer(plan.me), plan.limits);
    model.read(stream);
    run(&plan, stream, &model);
    if plan.messages {
        measure(&plan, stream);
    }
}

fn config(plan: &Plan) -> Config {
    Config::default()
        .message_limit(plan.limits.bytes)
        .and_then(|config| config.fragment_limit(plan.limits.frames as u32))
        .and_then(|config| config.high_water_mark(131))
        .expect("limits in their range")
        .answer_pings(plan.answer_pings)
        .answer_close(plan.answer_close)
}

fn run(plan: &Plan, stream: &[u8], model: &Checker) {
    let mut end = End::new(plan.messages, negotiated(plan.me, 3), config(plan));
    let mut told = Told::default();
    let mut written = Checker::new(plan.me, crate::checker::NO_LIMITS);
    let mut out = Vec::new();
    if plan.closes_first {
        assert_eq!(end.close(Some(CLOSE), "", &mut out), Ok(()));
        written.judge(&out);
        out.clear();
    }

    let mut buffer = stream.to_vec();
    let mut before = 0;
    for mut input in cut_mut(&mut buffer, &plan.sizes) {
        before += input.len();
        loop {
            let got_event = end.receive(&mut input, &mut out, &mut told);
            assert_eq!(input, &stream[before - input.len()..before], "input beyond what was taken");
            assert!(out.len() <= 131 * 3, "a Pong above the mark");
            if plan.drains {
                written.judge(&out);
                out.clear();
            }
            if !got_event {
                break;
            }
        }
    }

    check_told(&end, &told, model);
    finish(plan, &mut end, model, &mut written, out);
}

fn check_told(end: &End, told: &Told, model: &Checker) {
    assert_eq!(told.items, model.items);
    if let End::Chunks(_) = end {
        let open = told.open.as_ref().map_or(&[][..], |(_, data)| data);
        assert_eq!(open, model.partial(), "{:?}", model.fault);
    }
}

fn finish(plan: &Plan, end: &mut End, model: &Checker, written: &mut Checker, mut out: Vec<u8>) {
    let answered = model.closed && plan.answer_close;
    let is_closed = plan.closes_first || answered || model.fault.is_some();
    if plan.sends_last {
        // A Pong that was held goes before it, never into it.
        let sent = end.send_text("\u{8a}\0last", &mut out);
        assert_eq!(sent, if is_closed { Err(UsageError::Closed) } else { Ok(()) });
        written.judge(&out);
        out.clear();
        if !is_closed {
            assert_eq!(written.items.pop(), Some(Item::Text("\u{8a}\0last".to_owned())));
        }
    }
    let mut next = end.poll(NOW, &mut out);
    written.judge(&out);
    out.clear();
    // What a mark held back comes once there is room.
    assert_eq!(end.poll(NOW, &mut out), next);
    written.judge(&out);
    out.clear();
    check_replies(plan, model, written);

    if let Some(fault) = model.fault {
        assert_eq!(fault_code(next), Some(fault.code), "{fault:?}, {next:?}");
    } else if model.closed {
        if !is_closed {
            assert!(matches!(next, Next::Wait(Some(_))), "{next:?}");
            assert_eq!(end.close(Some(1000), "", &mut out), Ok(()));
            assert_eq!(written.judge(&out), [Item::Close(Some((1000, String::new())))]);
            next = end.poll(NOW, &mut out);
        }
        if plan.me == Side::Client {
            // §7.1.1: the server is to drop the transport first.
            assert!(matches!(next, Next::Wait(Some(_))), "{next:?}");
            end.receive_eof();
            next = end.poll(NOW, &mut out);
        }
        assert_eq!(next, Next::End(Ok(())));
    } else {
        assert!(matches!(
            (next, is_closed),
            (Next::Wait(None), false) | (Next::Wait(Some(_)), true)
        ));
        end.receive_eof();
        next = end.poll(NOW, &mut out);
        assert_eq!(next, Next::End(Err(Failure::Eof)));
    }
    if plan.me == Side::Client {
        written.assert_fresh_keys();
    }
    assert_over(end, next);
}

fn check_replies(plan: &Plan, model: &Checker, written: &Checker) {
    assert!(written.is_between_frames());
    let mut pings: Vec<Item> = Vec::new();
    for item in &model.items {
        if let Item::Ping(payload) = item {
            pings.push(Item::Pong(payload.clone()));
        }
    }
    let (mut replies, mut closes) = (Vec::new(), Vec::new());
    for item in &written.items {
        match item {
            Item::Close(close) => closes.push(close.clone()),
            item => replies.push(item.clone()),
        }
    }
    let bare = |code: u16| Some((code, String::new()));
    let expected = match (&model.fault, model.items.last()) {
        // One of ours is enough, whatever comes after it.
        _ if plan.closes_first => vec![bare(CLOSE)],
        (Some(fault), _) => vec![bare(fault.code)],
        (None, Some(Item::Close(close))) if plan.answer_close => {
            vec![close.as_ref().and_then(|(code, _)| bare(*code))]
        }
        _ => Vec::new(),
    };
    assert_eq!(closes, expected);
    if !plan.answer_pings {
        assert_eq!(replies, []);
    } else if plan.drains {
        assert_eq!(replies, pings);
    } else {
        // §5.5.3: some may be left out, but not the newest; unless it was still held when there was nothing more to say,
        // with the peer's Close, or a fault, after our own Close or where that is the caller's.
        let is_over = model.closed || model.fault.is_some();
        let owes_close = !plan.closes_first && (plan.answer_close || model.fault.is_some());
        assert!(replies.last() == pings.last() || (is_over && !owes_close), "{replies:?}");
        let mut rest = pings.iter();
        assert!(replies.iter().all(|reply| rest.any(|ping| ping == reply)), "{replies:?}");
    }
}

/// A message in progress takes at most twice the bytes that have come of it, and never more than the limit; nothing else
/// takes any.
fn measure(plan: &Plan, stream: &[u8]) {
    let mut buffer = stream.to_vec();
    let mut out = Vec::with_capacity(131 * 4);
    let mut ws = WebSocket::open(negotiated(plan.me, 3), config(plan));
    let base = memory::live();
    // Of the message in progress at most this many bytes have come.
    let mut received: u64 = 0;
    for mut input in cut_mut(&mut buffer, &plan.sizes) {
        loop {
            let had = input.len();
            memory::reset_peak();
            let event = ws.receive(&mut input, &mut out);
            received += (had - input.len()) as u64;
            let (taken, formula) = (memory::peak() - base, (2 * received).min(plan.limits.bytes));
            assert!(taken <= formula as isize, "{taken} bytes for {received}, {formula} allowed");
            out.clear();
            match event {
                Some(Event::Text(_) | Event::Binary(_) | Event::Close(_)) => received = 0,
                Some(Event::Ping(_) | Event::Pong(_)) => {}
                None => break,
            }
        }
    }
}

/// The code that we close with.
const CLOSE: u16 = 4000;
