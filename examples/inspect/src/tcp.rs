//! One direction of a TCP connection, put in order (RFC 9293 §3.4): what came late, twice or in part, and what is missing.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::timeline::Time;

/// What the segments of one direction come to.
#[derive(Debug, PartialEq)]
pub enum Piece {
    /// The next bytes, with the time at which they were captured. What one segment brought is not joined with another's.
    Data(Time, Vec<u8>),
    /// So many bytes were sent and not captured.
    Gap(u64),
    /// The sender has ended its direction.
    End,
}

#[derive(Debug, Default)]
pub struct Stream {
    /// The place of the next byte. Places are sequence numbers that do not wrap. `None` before the first segment.
    next: Option<u64>,
    /// What lies behind it, by place.
    held: BTreeMap<u64, (Time, Vec<u8>)>,
    held_bytes: usize,
    /// Where the sender's FIN stands.
    end: Option<u64>,
    has_ended: bool,
    /// What the receiver has acknowledged.
    acknowledged: u64,
    pub retransmitted: u64,
    pub reordered: u64,
}

impl Stream {
    /// Takes note of where the stream starts.
    pub fn synchronize(&mut self, sequence: u32) {
        if self.next.is_none() {
            self.next = Some(ORIGIN + u64::from(sequence.wrapping_add(1)));
        }
    }

    /// Takes a segment; what is in order by now goes to `pieces`.
    pub fn receive(
        &mut self,
        time: Time,
        sequence: u32,
        data: &[u8],
        fin: bool,
        pieces: &mut Vec<Piece>,
    ) {
        let next = *self.next.get_or_insert(ORIGIN + u64::from(sequence));
        let start = place(next, sequence);
        let end = start + data.len() as u64;
        if fin && self.end.is_none() {
            self.end = Some(end);
        }
        if !data.is_empty() {
            let is_known = self.held.get(&start).is_some_and(|(_, held)| held.len() >= data.len());
            if start < next || is_known {
                self.retransmitted += 1;
            } else if self.held.keys().next_back().is_some_and(|&last| start < last) {
                self.reordered += 1;
            }
            if end > next && !is_known {
                self.held_bytes += data.len();
                if let Some((_, shorter)) = self.held.insert(start, (time, data.to_vec())) {
                    self.held_bytes -= shorter.len();
                }
            }
        }
        self.drain(pieces);
    }

    /// Takes note of what the receiver says to have.
    pub fn acknowledge(&mut self, sequence: u32) {
        if let Some(next) = self.next {
            self.acknowledged = self.acknowledged.max(place(next, sequence));
        }
    }

    /// Gives up on bytes that will not come: the receiver has them, and a while has passed, or too much waits for them.
    pub fn skip_lost(&mut self, now: Time, pieces: &mut Vec<Piece>) {
        while let Some((&start, &(since, _))) = self.held.first_key_value() {
            let is_lost = self.acknowledged >= start && now.saturating_sub(since) >= PATIENCE;
            if !is_lost && self.held_bytes <= MOST_HELD {
                break;
            }
            self.skip_to(start, pieces);
        }
    }

    /// Gives out all that there is: no more will come.
    pub fn finish(&mut self, pieces: &mut Vec<Piece>) {
        while let Some((&start, _)) = self.held.first_key_value() {
            self.skip_to(start, pieces);
        }
        // What was acknowledged was there; a FIN counts for one.
        let end = self.end.unwrap_or(self.acknowledged.saturating_sub(1));
        if !self.has_ended && self.next.is_some_and(|next| end > next && end - next < FAR) {
            self.skip_to(end, pieces);
        }
    }

    fn skip_to(&mut self, place: u64, pieces: &mut Vec<Piece>) {
        let next = self.next.unwrap_or(place);
        if place > next {
            pieces.push(Piece::Gap(place - next));
            self.next = Some(place);
        }
        self.drain(pieces);
    }

    /// Gives out what is in order.
    fn drain(&mut self, pieces: &mut Vec<Piece>) {
        let Some(next) = &mut self.next else { return };
        while let Some(entry) = self.held.first_entry().filter(|entry| entry.key() <= next) {
            let (start, (time, mut data)) = entry.remove_entry();
            self.held_bytes -= data.len();
            let known = usize::try_from(*next - start).unwrap_or(usize::MAX);
            if known < data.len() {
                if known > 0 {
                    data.drain(..known);
                }
                *next += data.len() as u64;
                pieces.push(Piece::Data(time, data));
            }
        }
        if !self.has_ended && self.end.is_some_and(|end| *next >= end) {
            self.has_ended = true;
            pieces.push(Piece::End);
        }
    }

    pub fn has_ended(&self) -> bool {
        self.has_ended
    }
}

/// The place of a sequence number, which is the nearest to `next`.
fn place(next: u64, sequence: u32) -> u64 {
    let distance = sequence.wrapping_sub(next as u32) as i32;
    next.saturating_add_signed(distance.into())
}

/// Places begin here, so that there are some below the first.
const ORIGIN: u64 = 1 << 32;
/// An acknowledgement of more than that beyond what is known is none of this stream's.
const FAR: u64 = 1 << 30;
/// How long a segment may be late.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many bytes may wait for one that is late.
const MOST_HELD: usize = 4 << 20;
