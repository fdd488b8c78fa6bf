//! The opening handshake (RFC 6455 §4), replayed: the machine of a server reads the request, that of a client the
//! response.

use websocket_proto::{
    ClientHandshake, ClientRequest, DeflateConfig, DeflateParams, Extension, HandshakeConfig,
    HandshakeError, Role, ServerHandshake, UsageError, accept_key,
};

use crate::timeline::{Log, Request, Response, What};

/// The head of a message as it comes in, and what came behind it.
#[derive(Default)]
pub struct Head {
    bytes: Vec<u8>,
    /// Where it ends, if that has come.
    end: Option<usize>,
}

impl Head {
    pub fn new(bytes: Vec<u8>) -> Self {
        let end = find(&bytes, END).map(|at| at + END.len());
        Self { bytes, end }
    }

    pub fn extend(&mut self, bytes: &[u8]) {
        let unsearched = self.bytes.len().saturating_sub(END.len() - 1);
        self.bytes.extend_from_slice(bytes);
        if self.end.is_none() {
            let end = find(&self.bytes[unsearched..], END);
            self.end = end.map(|at| unsearched + at + END.len());
        }
    }

    pub fn is_complete(&self) -> bool {
        self.end.is_some()
    }

    /// Returns how many bytes have come, behind it as well.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns what came behind it.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.bytes.split_off(self.end.unwrap_or(self.bytes.len()))
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.end.unwrap_or(self.bytes.len())]
    }
}

/// A request that a response is waited for.
pub struct Asked {
    /// Whether the machine could read the request; otherwise nothing can be held against the response.
    is_known: bool,
    /// What the response has to say in `Sec-WebSocket-Accept`; `None`: there is no valid key.
    accept: Option<[u8; 28]>,
    subprotocols: Vec<String>,
    /// Each offer of permessage-deflate; a server picks one.
    offers: Vec<DeflateConfig>,
}

impl Asked {
    /// Stands for a request that is not there, or not to be read.
    pub fn unknown() -> Self {
        Self { is_known: false, accept: None, subprotocols: Vec::new(), offers: Vec::new() }
    }

    /// Returns what holds where the response is not known: with these a message can be inflated whatever was agreed.
    pub fn most(&self) -> Option<DeflateParams> {
        (!self.offers.is_empty()).then(DeflateParams::default)
    }
}

/// What the request came to.
pub enum Question {
    /// A response is to come.
    Upgrade(Asked),
    /// It asks for an upgrade, and breaks off.
    Incomplete,
    Other,
}

/// What the response came to.
pub enum Answer {
    /// Frames follow.
    Open(Option<DeflateParams>),
    Refused,
    /// Another response follows.
    Interim,
}

/// Reads a request, and tells of it if it is for an upgrade.
pub fn request(head: &Head, log: &mut Log<'_>) -> Question {
    let head = head.as_slice();
    let mut bytes = head.to_vec();
    let (mut input, mut storage) = (bytes.as_mut_slice(), Vec::new());
    let result = ServerHandshake::new(HandshakeConfig::default()).receive(&mut input, &mut storage);
    let mut asked = Asked::unknown();
    let fault = match result {
        Ok(Some(request)) => {
            asked = Asked {
                is_known: request.is_upgrade(),
                accept: request
                    .field("sec-websocket-key")
                    .and_then(|key| key.try_into().ok())
                    .map(accept_key),
                subprotocols: request.subprotocols().map(str::to_owned).collect(),
                offers: request.extensions().filter_map(|offer| config(offer).ok()).collect(),
            };
            request.check_upgrade().err()
        }
        Ok(None) => None,
        Err(error) => Some(error),
    };
    let text = |name| field(head, name);
    if !asked.is_known && text("sec-websocket-key").is_none() && text("upgrade").is_none() {
        return Question::Other;
    }
    log.push(
        Role::Client,
        What::Request(Request {
            line: first_line(head),
            host: text("host"),
            origin: text("origin"),
            subprotocols: text("sec-websocket-protocol"),
            extensions: text("sec-websocket-extensions"),
        }),
    );
    if let Some(error) = fault {
        log.push(Role::Client, What::Fault(error.into()));
    } else if !asked.is_known {
        return Question::Incomplete;
    }
    Question::Upgrade(asked)
}

/// Reads the response to a request.
pub fn response(asked: &Asked, head: &Head, log: &mut Log<'_>) -> Answer {
    let head = head.as_slice();
    // A server picks one of several offers: the one that its answer fits.
    let mut offers = asked.offers.iter().copied().map(Some);
    let mut verdict = judge(asked, offers.next().flatten(), head);
    while let (Err(_), Some(offer)) = (&verdict, offers.next()) {
        verdict = judge(asked, offer, head);
    }
    if let Ok(Answer::Interim) = verdict {
        return Answer::Interim;
    }
    log.push(
        Role::Server,
        What::Response(Response {
            line: first_line(head),
            subprotocol: field(head, "sec-websocket-protocol"),
            extensions: field(head, "sec-websocket-extensions"),
        }),
    );
    verdict.unwrap_or_else(|error| {
        if asked.is_known {
            log.push(Role::Server, What::Fault(error.into()));
        }
        // What it says goes, right or wrong.
        let extensions = field(head, "sec-websocket-extensions").unwrap_or_default();
        let is_compressed = extensions.contains("permessage-deflate");
        match first_line(head).split(' ').nth(1) {
            Some("101") => Answer::Open(is_compressed.then(DeflateParams::default)),
            _ => Answer::Refused,
        }
    })
}

/// Has the machine of a client read the response, as if it had sent the request.
fn judge(
    asked: &Asked,
    offer: Option<DeflateConfig>,
    head: &[u8],
) -> Result<Answer, HandshakeError> {
    let subprotocols: Vec<&str> =
        asked.subprotocols.iter().take(MOST_SUBPROTOCOLS).map(String::as_str).collect();
    let mut sent = Vec::new();
    let handshake = ClientRequest::new("ws://replay/").and_then(|request| {
        let request = request.subprotocols(&subprotocols).deflate(offer);
        ClientHandshake::new(request, [0; 32], &mut sent)
    });
    let Ok(mut handshake) = handshake else { return Err(HandshakeError::InvalidSubprotocols) };

    // The machine has drawn a key of its own. A response that fits the captured key is made to fit that one.
    let mut bytes = head.to_vec();
    let own = field(&sent, "sec-websocket-key").and_then(|key| key.into_bytes().try_into().ok());
    let place = asked.accept.and_then(|accept| find(head, &accept));
    if let (Some(own), Some(at)) = (own, place) {
        bytes[at..at + 28].copy_from_slice(&accept_key(&own));
    }

    let (mut input, mut storage) = (bytes.as_mut_slice(), Vec::new());
    if let Some(mut response) = handshake.receive(&mut input, &mut storage)? {
        let Ok(negotiated) = response.accept() else { return Ok(Answer::Refused) };
        return Ok(Answer::Open(negotiated.deflate()));
    }
    // A refusal whose body has not come is one all the same; an interim response is none.
    handshake.receive_eof();
    let refusal = handshake.receive(&mut &mut [][..], &mut storage)?;
    Ok(if refusal.is_some() { Answer::Refused } else { Answer::Interim })
}

/// Makes what would have been offered like this.
fn config(offer: Extension<'_>) -> Result<DeflateConfig, UsageError> {
    if offer.name() != "permessage-deflate" {
        return Err(UsageError::InvalidConfig);
    }
    let mut config = DeflateConfig::default();
    for (name, value) in offer.params() {
        let bits = || value.and_then(|bits| bits.parse().ok()).ok_or(UsageError::InvalidConfig);
        config = match name {
            "server_no_context_takeover" => config.server_no_context_takeover(true),
            "client_no_context_takeover" => config.client_no_context_takeover(true),
            "server_max_window_bits" => config.server_max_window_bits(bits()?)?,
            "client_max_window_bits" if value.is_some() => config.client_max_window_bits(bits()?)?,
            "client_max_window_bits" => config,
            _ => return Err(UsageError::InvalidConfig),
        };
    }
    Ok(config)
}

/// Returns the values of a field, as they are, for people to read.
fn field(head: &[u8], name: &str) -> Option<String> {
    let lines = head.split(|&byte| byte == b'\n').skip(1);
    let values: Vec<String> = lines
        .take_while(|line| !line.trim_ascii().is_empty())
        .filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            line[..colon].eq_ignore_ascii_case(name.as_bytes()).then_some(&line[colon + 1..])
        })
        .map(|value| String::from_utf8_lossy(value.trim_ascii()).into_owned())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn first_line(head: &[u8]) -> String {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line.trim_ascii()).into_owned()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

const END: &[u8] = b"\r\n\r\n";
/// As many as a machine offers.
const MOST_SUBPROTOCOLS: usize = 16;
