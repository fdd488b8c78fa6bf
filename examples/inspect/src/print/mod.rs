//! The timeline, printed: for people, for machines, or the messages alone.

pub mod json;
pub mod messages;
pub mod people;

use websocket_proto::Role;

use crate::timeline::{Entry, What};

/// How entries become lines.
pub enum Format {
    People(people::Lines),
    Json,
    Messages,
}

/// What is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub connection: Option<u32>,
    pub from: Option<Role>,
    pub messages_only: bool,
}

impl Format {
    /// Appends the lines for an entry; styles are in them, for the terminal's side to take out.
    pub fn print(&mut self, entry: &Entry, out: &mut String) {
        match self {
            Self::People(lines) => lines.print(entry, out),
            Self::Json => json::print(entry, out),
            Self::Messages => messages::print(entry, out),
        }
    }
}

impl Filter {
    /// Tells whether an entry is shown. What is about the capture, or about both sides, always is.
    pub fn takes(&self, entry: &Entry) -> bool {
        let is_shown =
            self.connection.is_none_or(|number| entry.connection.is_none_or(|it| it == number));
        let is_from = self.from.is_none_or(|from| entry.from.is_none_or(|it| it == from));
        let is_message = matches!(entry.what, What::Message(_));
        is_shown && is_from && (is_message || !self.messages_only)
    }
}

/// Returns bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    let digit = |bits| char::from_digit(u32::from(bits), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
}
