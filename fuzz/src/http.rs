//! A plain, slow reader of opening handshakes, written from the RFCs apart from the crate: RFC 9112 §2 to §5, RFC 9110
//! §5.6 and §7.8, RFC 6455 §4 and §9.1, and the policies that the crate documents.

use core::net::Ipv6Addr;

/// What there is to say of bytes that a peer has sent so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged<T> {
    Incomplete,
    Refused(&'static str),
    Message(T),
}

/// A head: its first line, its fields, its size in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub line: String,
    pub fields: Vec<(String, Vec<u8>)>,
    pub size: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub head: Head,
    pub method: String,
    pub target: String,
    /// `None`: not for an upgrade.
    pub upgrade: Option<Upgrade>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    pub key: String,
    pub subprotocols: Vec<String>,
    pub extensions: Vec<Extension>,
}

/// A name, and parameters.
pub type Extension = (String, Vec<(String, Option<String>)>);

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub head: usize,
    pub fields: usize,
    pub body: usize,
}

/// Gives up with a reason where a rule is broken.
macro_rules! must {
    ($holds:expr, $rule:literal) => {
        if !$holds {
            return Judged::Refused($rule);
        }
    };
}

pub fn judge_request(bytes: &[u8], limits: Limits) -> Judged<Request> {
    let mut start = 0;
    // RFC 9112 §2.2: empty lines before the request line; two are taken.
    while start < 4 && bytes[start..].starts_with(b"\r\n") && limits.head >= start + 2 {
        start += 2;
    }
    let mut head = match read_head(bytes, start, limits, is_request_line) {
        Judged::Message(head) => head,
        Judged::Incomplete => return Judged::Incomplete,
        Judged::Refused(why) => return Judged::Refused(why),
    };
    head.line.truncate(head.line.trim_end().len());
    let words: Vec<&str> = head.line.split(' ').collect();
    let (method, target, is_1_0) =
        (words[0].to_owned(), words[1].to_owned(), words[2] == "HTTP/1.0");

    let hosts = all(&head, "host");
    must!(hosts.len() == 1 || (hosts.is_empty() && is_1_0), "RFC 9112 §3.2 one Host");
    must!(hosts.iter().all(|host| is_authority(host)), "RFC 9112 §3.2 a valid Host");
    must!(all(&head, "transfer-encoding").is_empty(), "RFC 9112 §6.1 no Transfer-Encoding");
    let lengths = all(&head, "content-length");
    must!(lengths.len() <= 1, "RFC 9112 §6.3 one Content-Length");
    must!(lengths.iter().all(|length| decimal(length).is_some()), "RFC 9110 §8.6 Content-Length");

    let is_upgrade = method == "GET"
        && !is_1_0
        && has_token(&head, "upgrade", "websocket")
        && has_token(&head, "connection", "upgrade");
    if !is_upgrade {
        return Judged::Message(Request { head, method, target, upgrade: None });
    }
    must!(all(&head, "sec-websocket-version") == [b"13"], "RFC 6455 §4.2.1 version 13");
    must!(lengths.iter().all(|length| decimal(length) == Some(0)), "no content");
    let keys = all(&head, "sec-websocket-key");
    must!(keys.len() == 1 && is_key(&keys[0]), "RFC 6455 §4.2.1 a key");
    let Some(subprotocols) = subprotocols(&all(&head, "sec-websocket-protocol")) else {
        return Judged::Refused("RFC 6455 §4.1 subprotocols");
    };
    let Some(extensions) = extensions(&all(&head, "sec-websocket-extensions")) else {
        return Judged::Refused("RFC 6455 §9.1 extensions");
    };
    let upgrade = Some(Upgrade { key: text(&keys[0]), subprotocols, extensions });
    Judged::Message(Request { head, method, target, upgrade })
}

/// What a client expects.
pub struct Expected<'a> {
    pub accept: &'a str,
    pub offered: &'a [String],
    pub limits: Limits,
    /// Whether the transport has ended behind the bytes.
    pub eof: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub reason: Vec<u8>,
    pub fields: Vec<(String, Vec<u8>)>,
    /// For a 101: the subprotocol.
    pub switched: Option<Option<String>>,
    pub body: Vec<u8>,
    pub is_truncated: bool,
    /// How many bytes were taken.
    pub size: usize,
}

pub fn judge_response(bytes: &[u8], expected: &Expected<'_>) -> Judged<Response> {
    let mut start = 0;
    let (head, status, reason) = loop {
        let head = match read_head(bytes, start, expected.limits, is_status_line) {
            Judged::Message(head) => head,
            Judged::Incomplete => return Judged::Incomplete,
            Judged::Refused(why) => return Judged::Refused(why),
        };
        let line = &bytes[start..];
        let line = &line[..line.iter().position(|byte| *byte == b'\r').unwrap_or(0)];
        // A lone CR cannot be: reason phrases hold no control characters.
        let status: u16 = text(&line[9..12]).parse().unwrap_or(0);
        if status / 100 == 1 && status != 101 {
            start = head.size;
            continue;
        }
        break (head, status, line.get(13..).unwrap_or_default().to_vec());
    };
    let mut response = Response {
        status,
        reason,
        fields: head.fields.clone(),
        switched: None,
        body: Vec::new(),
        is_truncated: false,
        size: head.size,
    };
    if status == 101 {
        must!(!head.line.starts_with("HTTP/1.0"), "RFC 9110 §7.8 no upgrade in HTTP/1.0");
        must!(has_token(&head, "upgrade", "websocket"), "RFC 6455 §4.1 Upgrade");
        must!(has_token(&head, "connection", "upgrade"), "RFC 6455 §4.1 Connection");
        let accepts = all(&head, "sec-websocket-accept");
        must!(accepts == [expected.accept.as_bytes()], "RFC 6455 §4.1 Sec-WebSocket-Accept");
        must!(
            all(&head, "sec-websocket-extensions").is_empty(),
            "RFC 6455 §4.1 no extension offered"
        );
        let selected = all(&head, "sec-websocket-protocol");
        must!(selected.len() <= 1, "RFC 6455 §11.3.4 one Sec-WebSocket-Protocol");
        let selected = selected.first().map(|it| text(it));
        must!(selected.iter().all(|it| expected.offered.contains(it)), "RFC 6455 §4.1 not offered");
        response.switched = Some(selected);
        return Judged::Message(response);
    }
    read_body(bytes, &head, expected, response)
}

/// RFC 9112 §6.3: how long the body of a response is.
fn read_body(
    bytes: &[u8],
    head: &Head,
    expected: &Expected<'_>,
    mut response: Response,
) -> Judged<Response> {
    let codings = all(head, "transfer-encoding");
    let lengths = all(head, "content-length");
    let length = match (&lengths[..], response.status) {
        (_, 204 | 304) => Some(0),
        _ if !codings.is_empty() => None,
        ([], _) => None,
        ([length], _) => match decimal(length) {
            Some(length) => Some(length),
            None => return Judged::Refused("RFC 9112 §6.3 Content-Length"),
        },
        _ => return Judged::Refused("RFC 9112 §6.3 Content-Length twice"),
    };
    let is_chunked = length.is_none()
        && codings.last().is_some_and(|coding| {
            elements(coding).last().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"))
        });
    let mut rest = bytes[head.size..].iter().copied();
    let over = if is_chunked {
        read_chunks(&mut rest, &mut response.body, expected.limits.body)
    } else {
        let length = length.unwrap_or(u64::MAX);
        loop {
            if response.body.len() as u64 == length {
                break Over::Complete;
            }
            if rest.len() > 0 && response.body.len() == expected.limits.body {
                break Over::Truncated;
            }
            match rest.next() {
                Some(byte) => response.body.push(byte),
                None => break Over::No,
            }
        }
    };
    response.size = bytes.len() - rest.len();
    response.is_truncated = match over {
        Over::Complete => false,
        Over::Truncated => true,
        Over::No if !expected.eof => return Judged::Incomplete,
        // The end of the transport is the end only of a body that says nothing else.
        Over::No => is_chunked || length.is_some(),
    };
    Judged::Message(response)
}

enum Over {
    No,
    Complete,
    Truncated,
}

/// RFC 9112 §7.1. Ends behind the last chunk, or behind the first byte that is wrong.
fn read_chunks(
    bytes: &mut impl ExactSizeIterator<Item = u8>,
    body: &mut Vec<u8>,
    limit: usize,
) -> Over {
    macro_rules! next {
        () => {
            match bytes.next() {
                Some(byte) => byte,
                None => return Over::No,
            }
        };
    }
    loop {
        let mut digits = String::new();
        let mut byte = next!();
        while byte.is_ascii_hexdigit() && digits.len() < 16 {
            digits.push(char::from(byte));
            byte = next!();
        }
        let Ok(size) = u64::from_str_radix(&digits, 16) else {
            return Over::Truncated;
        };
        if [b';', b' ', b'\t'].contains(&byte) {
            let mut extension = 0;
            loop {
                byte = next!();
                if byte == b'\r' {
                    break;
                }
                extension += 1;
                if byte == b'\n' || extension > 255 {
                    return Over::Truncated;
                }
            }
        }
        if byte != b'\r' || next!() != b'\n' {
            return Over::Truncated;
        }
        if size == 0 {
            return Over::Complete;
        }
        for _ in 0..size {
            if bytes.len() > 0 && body.len() == limit {
                return Over::Truncated;
            }
            body.push(next!());
        }
        if next!() != b'\r' || next!() != b'\n' {
            return Over::Truncated;
        }
    }
}

/// Cuts a head that begins at `start` into lines: each ends with CR LF, and the last is empty.
fn read_head(
    bytes: &[u8],
    start: usize,
    limits: Limits,
    is_first: impl Fn(&[u8]) -> bool,
) -> Judged<Head> {
    let mut head = Head { line: String::new(), fields: Vec::new(), size: start };
    let mut is_first_line = true;
    loop {
        let rest = &bytes[head.size..];
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            must!(bytes.len() < limits.head, "the limit on the head");
            return Judged::Incomplete;
        };
        head.size += end + 1;
        must!(head.size <= limits.head, "the limit on the head");
        must!(end > 0 && rest[end - 1] == b'\r', "RFC 9112 §2.2 CR LF");
        let line = &rest[..end - 1];
        if is_first_line {
            must!(is_first(line), "RFC 9112 §3, §4 the first line");
            head.line = String::from_utf8_lossy(line).into_owned();
            is_first_line = false;
            continue;
        }
        if line.is_empty() {
            return Judged::Message(head);
        }
        must!(head.fields.len() < limits.fields, "the limit on fields");
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Judged::Refused("RFC 9112 §5 a colon");
        };
        must!(is_token(&line[..colon]), "RFC 9112 §5.1 a name");
        must!(is_field_text(&line[colon + 1..]), "RFC 9110 §5.5 a value");
        head.fields.push((text(&line[..colon]), strip(&line[colon + 1..]).to_vec()));
    }
}

fn is_request_line(line: &[u8]) -> bool {
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    words.len() == 3 && is_token(words[0]) && is_target(words[1]) && is_version_1(words[2])
}

fn is_status_line(line: &[u8]) -> bool {
    line.len() >= 12
        && is_version_1(&line[..8])
        && line[8] == b' '
        && (b'1'..=b'9').contains(&line[9])
        && line[10..12].iter().all(u8::is_ascii_digit)
        && (line.len() == 12 || line[12] == b' ')
        && is_field_text(&line[12..])
}

fn is_version_1(word: &[u8]) -> bool {
    word.len() == 8 && word.starts_with(b"HTTP/1.") && word[7].is_ascii_digit()
}

/// Origin form or absolute form; browsers' characters included, but no fragment (RFC 9112 §3.2).
fn is_target(target: &[u8]) -> bool {
    if !target.iter().all(|byte| (0x21..=0x7e).contains(byte) && *byte != b'#') {
        return false;
    }
    let target = text(target);
    if target.starts_with('/') {
        return true;
    }
    let Some((scheme, rest)) = target.split_once("://") else {
        return false;
    };
    let scheme_is_good = scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme.chars().all(|it| it.is_ascii_alphanumeric() || "+-.".contains(it));
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    scheme_is_good && is_authority(authority.as_bytes())
}

/// RFC 3986 §3.2, without userinfo, and not empty.
fn is_authority(bytes: &[u8]) -> bool {
    let Ok(authority) = core::str::from_utf8(bytes) else {
        return false;
    };
    let (host, port) = match authority.rfind([':', ']']) {
        Some(at) if authority[at..].starts_with(':') => (&authority[..at], &authority[at + 1..]),
        _ => (authority, ""),
    };
    let port_is_good = port.chars().all(|it| it.is_ascii_digit())
        && (port.is_empty() || port.parse::<u16>().is_ok());
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').unwrap_or("");
        return port_is_good && address.parse::<Ipv6Addr>().is_ok();
    }
    let mut characters = host.chars();
    while let Some(it) = characters.next() {
        let is_escape = it == '%'
            && characters.next().is_some_and(|it| it.is_ascii_hexdigit())
            && characters.next().is_some_and(|it| it.is_ascii_hexdigit());
        if !is_escape && !it.is_ascii_alphanumeric() && !"-._~!$&'()*+,;=".contains(it) {
            return false;
        }
    }
    port_is_good && !host.is_empty()
}

fn subprotocols(lines: &[Vec<u8>]) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for line in lines {
        for element in elements(line) {
            if !is_token(element) || found.contains(&text(element)) {
                return None;
            }
            found.push(text(element));
        }
    }
    let is_good = lines.is_empty() || (1..=32).contains(&found.len());
    is_good.then_some(found)
}

/// Returns the extensions in the lines of a field, by the grammar of RFC 6455 §9.1.
pub fn extensions(lines: &[Vec<u8>]) -> Option<Vec<Extension>> {
    let mut found = Vec::new();
    for line in lines {
        // What is quoted is a token, so it has neither comma nor semicolon.
        for element in elements(line) {
            let mut parts = element.split(|byte| *byte == b';').map(strip);
            let name = parts.next().filter(|name| is_token(name))?;
            let mut params = Vec::new();
            for part in parts {
                params.push(extension_param(part)?);
            }
            found.push((text(name), params));
        }
    }
    (lines.is_empty() || !found.is_empty()).then_some(found)
}

fn extension_param(part: &[u8]) -> Option<(String, Option<String>)> {
    let Some(equals) = part.iter().position(|byte| *byte == b'=') else {
        return is_token(part).then(|| (text(part), None));
    };
    let (name, value) = (strip(&part[..equals]), strip(&part[equals + 1..]));
    let value = match value {
        [b'"', quoted @ .., b'"'] => {
            let mut plain = Vec::new();
            let mut bytes = quoted.iter();
            while let Some(byte) = bytes.next() {
                plain.push(if *byte == b'\\' { *bytes.next()? } else { *byte });
            }
            // An inner quote that is not escaped is no part of a token.
            plain
        }
        value => value.to_vec(),
    };
    (is_token(name) && is_token(&value)).then(|| (text(name), Some(text(&value))))
}

fn all(head: &Head, name: &str) -> Vec<Vec<u8>> {
    let fields = head.fields.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name));
    fields.map(|(_, value)| value.clone()).collect()
}

fn has_token(head: &Head, name: &str, token: &str) -> bool {
    all(head, name)
        .iter()
        .any(|value| elements(value).iter().any(|it| it.eq_ignore_ascii_case(token.as_bytes())))
}

/// RFC 9110 §5.6.1.2: empty elements are skipped.
fn elements(value: &[u8]) -> Vec<&[u8]> {
    value.split(|byte| *byte == b',').map(strip).filter(|it| !it.is_empty()).collect()
}

/// 16 bytes in base64: 22 digits, the last of which holds two bits, and two signs of padding.
fn is_key(key: &[u8]) -> bool {
    key.len() == 24
        && key[..22].iter().all(|byte| byte.is_ascii_alphanumeric() || [b'+', b'/'].contains(byte))
        && [b'A', b'Q', b'g', b'w'].contains(&key[21])
        && key.ends_with(b"==")
}

fn decimal(value: &[u8]) -> Option<u64> {
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    if is_number { text(value).parse().ok() } else { None }
}

pub fn is_token(text: &[u8]) -> bool {
    let is_good = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_good)
}

pub fn is_field_text(text: &[u8]) -> bool {
    text.iter().all(|byte| *byte == b'\t' || (*byte >= 0x20 && *byte != 0x7f))
}

fn strip(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let start = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
