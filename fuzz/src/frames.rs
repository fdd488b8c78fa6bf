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
    let mut pieces = Vec::new();
    if sizes.iter().any(|size| *size > 0) {
        let mut sizes = sizes.iter().cycle();
        while !bytes.is_empty() {
            let size = sizes.next().map_or(1, |size| usize::from(*size));
            let (piece, rest) = bytes.split_at(size.min(bytes.len()));
            pieces.push(piece);
            bytes = rest;
        }
    }
    if !bytes.is_empty() || pieces.is_empty() || sizes.len() % 2 == 0 {
        pieces.push(bytes);
    }
    pieces
}
