//! All of a capture: packets in, entries out.

use std::collections::{BTreeMap, HashMap};

use core::net::SocketAddr;
use websocket_proto::Role;

use crate::beginning::Other;
use crate::capture::Item;
use crate::flow::{Flow, Sink};
use crate::link::{self, Segment};
use crate::session::Session;
use crate::timeline::{Ends, Entry, Log, Time, What};

/// The connections of a capture.
#[derive(Default)]
pub struct Replay {
    flows: HashMap<[SocketAddr; 2], Flow>,
    connections: u32,
    time: Time,
    /// What is not shown, by what it is, and how often.
    others: BTreeMap<&'static str, u64>,
    link_types: BTreeMap<i32, u64>,
    cut_packets: u64,
}

impl Replay {
    /// Takes the next item of a capture, and tells what it brings.
    pub fn receive(&mut self, item: Item, entries: &mut Vec<Entry>) {
        match item {
            Item::Packet { time, link, data, is_cut } => {
                self.time = time;
                self.cut_packets += u64::from(is_cut);
                match link::segment(link, &data) {
                    Ok(segment) => self.segment(time, &segment, entries),
                    Err(link::Other::Protocol) => {}
                    Err(link::Other::Fragment) => self.count("fragments of IP packets"),
                    Err(link::Other::LinkType(link)) => {
                        *self.link_types.entry(link.0).or_default() += 1;
                    }
                }
            }
            Item::Damage { at, len } => {
                self.note(format!("the capture is damaged: skipped {len} bytes at {at}"), entries);
            }
            Item::Unreadable { at } => {
                self.note(format!("the capture cannot be read beyond byte {at}"), entries);
            }
        }
    }

    /// Ends the connections that are still open, and says what was not shown.
    pub fn finish(mut self, entries: &mut Vec<Entry>) {
        let mut flows: Vec<Flow> = self.flows.drain().map(|(_, flow)| flow).collect();
        flows.sort_by_key(Flow::number);
        for mut flow in flows {
            self.end(&mut flow, entries);
        }
        if self.cut_packets > 0 {
            let text = format!("not captured whole: {} packets", self.cut_packets);
            self.note(text, entries);
        }
        for (link, packets) in core::mem::take(&mut self.link_types) {
            let text = format!("the link type {link} is not known here: {packets} packets");
            self.note(text, entries);
        }
        for (what, count) in core::mem::take(&mut self.others) {
            self.note(format!("not shown: {count} {what}"), entries);
        }
        if self.connections == 0 {
            self.note("no WebSocket connection was found".into(), entries);
        }
    }

    fn segment(&mut self, time: Time, segment: &Segment<'_>, entries: &mut Vec<Entry>) {
        let mut key = [segment.source, segment.destination];
        key.sort();
        let mut flow = self.flows.remove(&key).unwrap_or_else(|| Flow::new(segment));
        if flow.is_followed_by(segment) {
            self.end(&mut flow, entries);
            flow = Flow::new(segment);
        }
        let mut sink = Sink { entries, connections: &mut self.connections };
        flow.receive(time, segment, &mut sink);
        // What comes late is still known to be of it.
        if flow.is_over() {
            self.end(&mut flow, entries);
        }
        self.flows.insert(key, flow);
    }

    fn end(&mut self, flow: &mut Flow, entries: &mut Vec<Entry>) {
        let mut sink = Sink { entries, connections: &mut self.connections };
        match flow.finish(self.time, &mut sink) {
            None => {}
            Some(Other::Tls) => self.count("connections over TLS, which cannot be read"),
            Some(Other::Http) => self.count("connections of HTTP without an upgrade"),
            Some(Other::Unknown) => self.count("connections of other protocols"),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.others.entry(what).or_default() += 1;
    }

    fn note(&self, text: String, entries: &mut Vec<Entry>) {
        let time = Some(self.time).filter(|time| !time.is_zero());
        entries.push(Entry { time, connection: None, from: None, what: What::Note(text) });
    }
}

/// Replays what was recorded of the two sides of one connection, without times.
pub fn dump(client: Option<Vec<u8>>, server: Option<Vec<u8>>, entries: &mut Vec<Entry>) {
    let begins = |side: &Option<Vec<u8>>, word: &[u8]| {
        side.as_ref().is_some_and(|bytes| bytes.starts_with(word))
    };
    let mut session = if begins(&client, b"GET ") {
        Session::requested()
    } else if begins(&server, b"HTTP/") {
        Session::answered()
    } else {
        Session::joined(|_| true)
    };
    let mut log = Log { entries, connection: 1, time: None };
    let [to, from] = [Role::Client, Role::Server].map(|role| format!("{role:?}").to_lowercase());
    log.push(None, What::Open(Ends { client: to, server: from }));
    for (from, bytes) in [(Role::Client, client), (Role::Server, server)] {
        if let Some(bytes) = bytes {
            session.receive(from, bytes, &mut log);
        }
    }
    session.end();
    session.finish(false, [[0; 2]; 2], &mut log);
}
