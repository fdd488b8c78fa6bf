//! Any compressed messages, in either role, under any limits: what is told, what is answered and how it ends is what the
//! plain checker makes of the same bytes with an inflater of its own, and zlib after it; in whole messages and in chunks,
//! whole, byte by byte and in any other pieces; and memory stays within what the crate documents.
//!
//! There is one place where a receiver may differ from the checker: a block whose codes have no word for its end, or
//! none for the lengths of their words, has no good end, but it may take more of it to tell, and then something else may
//! be wrong before. A distance may be as far as 32 KiB, whatever was agreed: the crate documents that it takes it.

use arbitrary::Arbitrary;
use websocket_proto::{Config, DeflateConfig, DeflateParams, Event, Negotiated, Next, WebSocket};

use crate::checker::{Checker, Item, Limits, NO_LIMITS, Side};
use crate::ends::{End, NOW, Told, assert_over, fault_code, negotiated, peer, side};
use crate::frames::cut_mut;
use crate::memory;
use crate::streams::{Step, encode_all};

#[derive(Arbitrary, Debug)]
pub struct Input<'a> {
    client: bool,
    takes_over: bool,
    /// What is agreed to for the peer's messages. It changes nothing.
    window_bits: u8,
    limit: u8,
    sizes: [u8; 3],
    steps: Vec<Step<'a>>,
}

struct Plan {
    me: Side,
    takes_over: bool,
    params: DeflateParams,
    limit: u64,
}

pub fn oracle(input: &Input<'_>) {
    let plan = Plan {
        me: side(input.client),
        takes_over: input.takes_over,
        params: params(side(input.client), input.takes_over, 8 + input.window_bits % 8),
        limit: LIMITS[usize::from(input.limit) % LIMITS.len()],
    };
    let stream = encode_all(&input.steps, peer(plan.me));
    let limits = Limits { bytes: plan.limit, ..NO_LIMITS };
    let mut model = Checker::new(peer(plan.me), limits).compressed(plan.takes_over, 15);
    model.read(&stream);

    let whole = run(&plan, &stream, &[]);
    check(&plan, &whole, &model);
    let in_chunks = chunks(&plan, &stream, &[]);
    check_chunks(&in_chunks, &whole, &model);
    for sizes in [&[1], &input.sizes[..]] {
        assert_eq!(run(&plan, &stream, sizes), whole, "in pieces of {sizes:?}");
        assert_eq!(chunks(&plan, &stream, sizes), in_chunks, "chunks, in pieces of {sizes:?}");
    }
    for sizes in [&[], &input.sizes[..]] {
        measure(&plan, &stream, sizes);
        mix(&plan, &stream, sizes);
    }
}

/// What is agreed to for the messages of the peer.
fn params(me: Side, takes_over: bool, window_bits: u8) -> DeflateParams {
    let config = DeflateConfig::default()
        .server_no_context_takeover(!takes_over)
        .client_no_context_takeover(!takes_over);
    let config = match me {
        Side::Server => config.client_max_window_bits(window_bits),
        Side::Client => config.server_max_window_bits(window_bits),
    };
    config.expect("8 to 15").params()
}

fn open(plan: &Plan) -> (Negotiated<'static>, Config) {
    let negotiated = negotiated(plan.me, 3).with_deflate(plan.params, DeflateConfig::default());
    (negotiated, Config::default().message_limit(plan.limit).expect("not zero"))
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    told: Told,
    out: Vec<u8>,
    next: Next,
}

fn run(plan: &Plan, stream: &[u8], sizes: &[u8]) -> Outcome {
    let (negotiated, config) = open(plan);
    let mut end = End::new(true, negotiated, config);
    let (mut told, mut out) = (Told::default(), Vec::new());
    let mut buffer = stream.to_vec();
    let mut before = 0;
    for mut input in cut_mut(&mut buffer, sizes) {
        before += input.len();
        while end.receive(&mut input, &mut out, &mut told) {
            assert_eq!(input, &stream[before - input.len()..before], "input beyond what was taken");
        }
    }
    let next = end.poll(NOW, &mut out);
    assert_eq!(end.poll(NOW, &mut out), next);
    if matches!(next, Next::End(_)) {
        assert_over(&mut end, next);
    }
    Outcome { told, out, next }
}

/// The same, handed out in chunks.
fn chunks(plan: &Plan, stream: &[u8], sizes: &[u8]) -> Outcome {
    let (negotiated, config) = open(plan);
    let mut ws = WebSocket::open(negotiated, config);
    let (mut told, mut out, mut scratch) = (Told::default(), Vec::new(), Vec::new());
    for mut input in cut_mut(&mut stream.to_vec(), sizes) {
        while let Some(event) = ws.receive_chunk(&mut input, &mut scratch, &mut out) {
            told.add(event);
        }
        assert!(input.is_empty(), "`None` means that all of the input was taken");
    }
    let next = ws.poll(NOW, &mut out);
    Outcome { told, out, next }
}

/// What the chunks make is what was handed out whole, and as much of an unfinished message as is good.
fn check_chunks(chunks: &Outcome, whole: &Outcome, model: &Checker) {
    assert_eq!((&chunks.told.items, &chunks.out), (&whole.told.items, &whole.out));
    assert_eq!(chunks.next, whole.next);
    if model.is_late {
        return;
    }
    let open = chunks.told.open.as_ref().map_or(&[][..], |(_, data)| data);
    let good = model.partial();
    // Of a text that ends within a code point the last byte is at fault, and here it is found by the end alone.
    assert!(open.starts_with(&good) && open.len() <= good.len() + 1, "{open:?} of {good:?}");
}

/// Takes some of it in chunks and some of it whole, as the caller should not. All of it is taken, within bounds.
fn mix(plan: &Plan, stream: &[u8], sizes: &[u8]) {
    let (negotiated, config) = open(plan);
    let mut ws = WebSocket::open(negotiated, config);
    let mut out = Vec::with_capacity(131 * (2 + stream.len() / 2));
    let mut scratch = Vec::with_capacity(16 * 1024);
    let mut buffer = stream.to_vec();
    let base = memory::live();
    memory::reset_peak();
    let mut turn = 0;
    for mut input in cut_mut(&mut buffer, sizes) {
        loop {
            turn += 1;
            let had = input.len();
            let (is_some, is_chunk) = if turn % 3 == 0 {
                (ws.receive(&mut input, &mut out).is_some(), false)
            } else {
                (ws.receive_chunk(&mut input, &mut scratch, &mut out).is_some(), true)
            };
            assert!(is_some || input.is_empty(), "`None` means that all of the input was taken");
            // Behind a chunk there may be another, although all of the input was taken.
            assert!(input.len() < had || is_chunk || !is_some, "an event without progress");
            if !is_some {
                break;
            }
        }
        let allowed = plan.limit as isize + CODEC + 4096 + stream.len() as isize;
        let taken = memory::peak() - base;
        assert!(taken <= allowed, "{taken} bytes, {allowed} allowed");
    }
}

fn check(plan: &Plan, whole: &Outcome, model: &Checker) {
    let items = &whole.told.items;
    assert!(items.starts_with(&model.items), "{items:?} instead of {:?}", model.items);
    let more = &items[model.items.len()..];
    if model.is_late {
        let is_message = |item: &Item| matches!(item, Item::Text(_) | Item::Binary(_));
        assert!(!more.iter().any(is_message), "{:?}: {more:?}", model.fault);
        return;
    }
    assert_eq!(more, [], "{:?}", model.fault);
    let mut replies: Vec<Item> = Vec::new();
    for item in items {
        if let Item::Ping(payload) = item {
            replies.push(Item::Pong(payload.clone()));
        }
    }
    if let Some(fault) = model.fault {
        assert_eq!(fault_code(whole.next), Some(fault.code), "{fault:?}, {:?}", whole.next);
        replies.push(Item::Close(Some((fault.code, String::new()))));
    } else if let Some(Item::Close(close)) = items.last() {
        // §7.1.1: a client waits for the server to drop the transport.
        let is_over = whole.next == Next::End(Ok(()));
        assert_eq!(is_over, plan.me == Side::Server, "{:?}", whole.next);
        replies.push(Item::Close(close.as_ref().map(|(code, _)| (*code, String::new()))));
    } else {
        assert_eq!(whole.next, Next::Wait(None));
    }
    let mut written = Checker::new(plan.me, NO_LIMITS);
    assert_eq!(written.judge(&whole.out), replies);
}

/// A message takes no more than the limit, the codec and a piece of text apart; nothing takes any between two messages
/// where no context is taken over, or when all is over.
fn measure(plan: &Plan, stream: &[u8], sizes: &[u8]) {
    let mut buffer = stream.to_vec();
    let mut out = Vec::with_capacity(131 * (2 + stream.len() / 2));
    let (negotiated, config) = open(plan);
    let mut ws = WebSocket::open(negotiated, config);
    let base = memory::live();
    memory::reset_peak();
    for mut input in cut_mut(&mut buffer, sizes) {
        loop {
            let event = ws.receive(&mut input, &mut out);
            let taken = memory::peak() - base;
            let allowed = plan.limit as isize + CODEC + 4096;
            assert!(taken <= allowed, "{taken} bytes, {allowed} allowed");
            let is_message = matches!(event, Some(Event::Text(_) | Event::Binary(_)));
            let is_over = matches!(event, Some(Event::Close(_)));
            if event.is_none() {
                break;
            }
            drop(event);
            if is_over || (is_message && !plan.takes_over) {
                assert_eq!(memory::live(), base, "held between two messages");
            }
        }
    }
    if matches!(ws.poll(NOW, &mut out), Next::End(_)) {
        assert_eq!(memory::live(), base, "held by nobody");
    }
}

const LIMITS: [u64; 8] = [65_536, 1, 5, 125, 126, 1000, 5000, 100_000];

/// What the codec of a direction takes at most, by the documentation of the crate, with either backend.
const CODEC: isize = 59 * 1024;
