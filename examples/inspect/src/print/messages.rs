//! The payloads of messages, one a line: text as it reads, binary in hexadecimal.

use super::hex;
use crate::safe;
use crate::timeline::{Entry, Payload, What};

pub fn print(entry: &Entry, out: &mut String) {
    if let What::Message(message) = &entry.what {
        match &message.payload {
            Payload::Text(text) => *out += &safe::escape(text),
            Payload::Binary(data) => *out += &hex(data),
        }
        out.push('\n');
    }
}
