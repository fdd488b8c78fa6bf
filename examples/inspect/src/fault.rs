//! A breach of the protocol, in words, with the section that it breaks.

use websocket_proto::{HandshakeError, ProtocolError};

/// The first fault of a side.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub text: String,
    /// With the number of the RFC.
    pub section: String,
}

impl Fault {
    /// A data frame behind the sender's own Close frame. A machine has stopped reading there, so this is for the reader
    /// of a capture to see.
    pub fn behind_close() -> Self {
        Self::new("a data frame comes behind the Close frame", "RFC 6455 §5.5.1")
    }

    fn new(text: &str, section: &str) -> Self {
        Self { text: text.to_owned(), section: section.to_owned() }
    }
}

impl From<ProtocolError> for Fault {
    fn from(error: ProtocolError) -> Self {
        // The crate tells the section behind the words, with the number of the RFC where that is not 6455.
        let text = error.to_string();
        let (words, section) = text.rsplit_once(" (").unwrap_or((&text, "§5)"));
        let section = section.trim_end_matches(')');
        let rfc = if section.starts_with('§') { "RFC 6455 " } else { "" };
        Self::new(words, &format!("{rfc}{section}"))
    }
}

impl From<HandshakeError> for Fault {
    fn from(error: HandshakeError) -> Self {
        Self::new(&error.to_string(), section(error))
    }
}

/// Returns the section that a handshake breaks.
fn section(error: HandshakeError) -> &'static str {
    use HandshakeError as E;
    match error {
        E::InvalidStartLine => "RFC 9112 §3, §4",
        E::UnsupportedHttpVersion => "RFC 9110 §2.5",
        E::InvalidTarget | E::InvalidHost => "RFC 9112 §3.2",
        E::InvalidLineEnd => "RFC 9112 §2.2",
        E::InvalidFieldName => "RFC 9112 §5.1",
        E::InvalidFieldValue => "RFC 9110 §5.5",
        E::FoldedLine => "RFC 9112 §5.2",
        E::InvalidContentLength => "RFC 9112 §6.3",
        E::MethodNotAllowed | E::InvalidKey | E::InvalidVersion => "RFC 6455 §4.2.1",
        E::NoUpgrade | E::NoConnectionUpgrade => "RFC 6455 §4.1, §4.2.1",
        E::UnsupportedVersion => "RFC 6455 §4.4",
        E::InvalidExtensions | E::ExtensionRepeated => "RFC 6455 §9.1",
        E::InvalidExtensionParams => "RFC 7692 §7",
        E::ExtensionParamsNotOffered => "RFC 7692 §7.1",
        _ => "RFC 6455 §4.1",
    }
}
