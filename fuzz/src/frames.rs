//! Frames to feed to the machine, encoded plainly and apart from the crate (RFC 6455 §5.2), and cut into pieces.

use crate::checker::Side;

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;

/// Encodes a legal frame.
pub fn encode(from: Side, fin: bool, opcode: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![if fin { 0x80 | opcode } else { opcode }];
    let mask_bit = if from == Side::Client { 0x80 } else { 0 };
    match payload.len() {
        len @ 0..=125 => frame.push(mask_bit | len as u8),
        len @ 126..=65535 => {
            frame.push(mask_bit | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(mask_bit | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    if from == Side::Client {
        frame.extend_from_slice(&key);
        frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    } else {
        frame.extend_from_slice(payload);
    }
    frame
}

/// Cuts bytes into pieces of these sizes, over and over; into one piece where there are none. Zeros give
/// empty pieces, and an even number of sizes one more at the end.
pub fn cut<'b>(mut bytes: &'b [u8], sizes: &[u8]) -> Vec<&'b [u8]> {
    let cuts = cuts(bytes.len(), sizes);
    let cut = |size| {
        let (piece, rest) = bytes.split_at(size);
        bytes = rest;
        piece
    };
    cuts.map(cut).collect()
}

/// The same for bytes that a machine may change.
pub fn cut_mut<'b>(mut bytes: &'b mut [u8], sizes: &[u8]) -> impl Iterator<Item = &'b mut [u8]> {
    cuts(bytes.len(), sizes).map(move |size| {
        let (piece, rest) = core::mem::take(&mut bytes).split_at_mut(size);
        bytes = rest;
        piece
    })
}

fn cuts(mut left: usize, sizes: &[u8]) -> impl Iterator<Item = usize> {
    let are_empty = sizes.iter().all(|size| *size == 0);
    let mut cycle = sizes.iter().cycle();
    let (mut is_first, mut is_over) = (true, false);
    core::iter::from_fn(move || {
        if left > 0 && !are_empty {
            let size = cycle.next().map_or(left, |size| left.min(usize::from(*size)));
            left -= size;
            is_first = false;
            return Some(size);
        }
        let is_owed = !is_over && (left > 0 || is_first || sizes.len() % 2 == 0);
        is_over = true;
        is_owed.then_some(left)
    })
}
