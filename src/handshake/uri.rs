//! `ws` and `wss` URIs (RFC 6455 §3), and the parts of a URI that a head holds (RFC 3986 §3, RFC 9112 §3.2).

use core::ops::Range;

use crate::error::UsageError;

use super::head::parse_decimal;

/// A host, and a port where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// All of it, without a colon at its end.
    pub(super) text: &'a str,
    /// With the brackets of an IPv6 address; not empty.
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Parses `host [ ":" port ]` (RFC 3986 §3.2), without userinfo.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (host_len, port) = parse_authority(text.as_bytes())?;
        let host = text.get(..host_len)?;
        Some(Self { text: if port.is_some() { text } else { host }, host, port })
    }
}

/// Says whether a value of `Host` is a host and an optional port.
pub(super) fn is_authority(value: &[u8]) -> bool {
    parse_authority(value).is_some()
}

/// Returns the length of the host, and the port where there is one.
fn parse_authority(text: &[u8]) -> Option<(usize, Option<u16>)> {
    let host_len = if let [b'[', rest @ ..] = text {
        let len = rest.iter().position(|&byte| byte == b']')?;
        rest.get(..len).is_some_and(is_ipv6).then_some(len.checked_add(2)?)?
    } else {
        Some(uri_len(text, |_| false)).filter(|&len| len > 0)?
    };
    let port = match text.get(host_len..)? {
        // RFC 3986 §3.2.3: "port = *DIGIT"; an empty one stands for the default.
        [] | [b':'] => None,
        [b':', digits @ ..] => Some(parse_decimal(digits)?.try_into().ok()?),
        _ => return None,
    };
    Some((host_len, port))
}

/// A `ws` or `wss` URI, in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WsUri<'a> {
    pub(super) is_secure: bool,
    pub(super) authority: Authority<'a>,
    /// The path and the query: empty, or with `/` or `?` in front.
    pub(super) target: &'a str,
}

impl<'a> WsUri<'a> {
    /// Parses a URI.
    pub(super) fn parse(uri: &'a str) -> Result<Self, UsageError> {
        let (scheme, rest) = split_scheme(uri).ok_or(UsageError::InvalidUri)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).ok_or(UsageError::InvalidUri)?;
        Self::from_parts(is_secure(scheme)?, authority, target)
    }

    /// Checks the parts of a URI.
    pub(super) fn from_parts(
        is_secure: bool,
        authority: &'a str,
        target: &'a str,
    ) -> Result<Self, UsageError> {
        let authority = Authority::parse(authority)
            .filter(|authority| authority.port != Some(0))
            .ok_or(UsageError::InvalidUri)?;
        // §3: "Fragment identifiers are meaningless in the context of WebSocket URIs and MUST NOT be used on these
        // URIs." "#" is not in the set.
        let is_more = |byte| matches!(byte, b':' | b'@' | b'/' | b'?');
        let is_target = uri_len(target.as_bytes(), is_more) == target.len();
        let has_start = target.is_empty() || target.starts_with(['/', '?']);
        if !has_start || !is_target {
            return Err(UsageError::InvalidUri);
        }
        Ok(Self { is_secure, authority, target })
    }
}

/// Says which of the two schemes it is.
pub(super) fn is_secure(scheme: &str) -> Result<bool, UsageError> {
    let is_secure = scheme.eq_ignore_ascii_case("wss");
    if is_secure || scheme.eq_ignore_ascii_case("ws") {
        Ok(is_secure)
    } else {
        Err(UsageError::InvalidUri)
    }
}

/// Finds the path in a request target that a server can serve: in origin form or absolute form (RFC 9112 §3.2.1, §3.2.2).
///
/// Its characters were checked.
pub(super) fn find_path(target: &[u8]) -> Option<Range<usize>> {
    let start = if target.starts_with(b"/") {
        0
    } else {
        let (scheme, rest) = split_scheme(core::str::from_utf8(target).ok()?)?;
        let mut letters = scheme.bytes();
        if !letters.next()?.is_ascii_alphabetic()
            || !letters
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        {
            return None;
        }
        let authority_len = rest.find(['/', '?']).unwrap_or(rest.len());
        Authority::parse(rest.get(..authority_len)?)?;
        target.len().checked_sub(rest.len())?.checked_add(authority_len)?
    };
    let len = target.get(start..)?.iter().position(|&byte| byte == b'?');
    Some(start..len.map_or(target.len(), |len| start.saturating_add(len)))
}

/// Splits a URI at the `://` behind its scheme, in which there is no colon (RFC 3986 §3.1).
fn split_scheme(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    Some((scheme, rest.strip_prefix("//")?))
}

/// Says whether `text` is an IPv6 address (RFC 3986 §3.2.2). That of `core` brings code that could panic.
fn is_ipv6(text: &[u8]) -> bool {
    let (mut rest, mut has_gap) = match text {
        [b':', b':', rest @ ..] => (rest, true),
        _ => (text, false),
    };
    let mut groups = 0_u8;
    while !(rest.is_empty() && has_gap) {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let end = rest.get(digits..).unwrap_or_default();
        if let [b'.', ..] = end {
            if !is_ipv4(rest) {
                return false;
            }
            groups = groups.saturating_add(2);
            break;
        }
        groups = groups.saturating_add(1);
        rest = match end {
            _ if !matches!(digits, 1..=4) => return false,
            [] => break,
            [b':', b':', rest @ ..] if !has_gap => {
                has_gap = true;
                rest
            }
            [b':', rest @ ..] if !rest.is_empty() => rest,
            _ => return false,
        };
    }
    if has_gap { groups < 8 } else { groups == 8 }
}

fn is_ipv4(text: &[u8]) -> bool {
    let is_octet = |digits: &[u8]| {
        matches!(
            digits,
            [b'0'..=b'9']
                | [b'1'..=b'9', b'0'..=b'9']
                | [b'1', b'0'..=b'9', b'0'..=b'9']
                | [b'2', b'0'..=b'4', b'0'..=b'9']
                | [b'2', b'5', b'0'..=b'5']
        )
    };
    let mut octets = text.split(|&byte| byte == b'.');
    octets.clone().count() == 4 && octets.all(is_octet)
}

/// Returns how many bytes at the front are unreserved characters, sub-delims, percent-encodings (RFC 3986 §2) and `more`.
fn uri_len(text: &[u8], more: impl Fn(u8) -> bool) -> usize {
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match (byte, tail) {
            (byte, tail) if byte.is_ascii_alphanumeric() || more(byte) => tail,
            (b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'=', tail) => tail,
            (b'%', [high, low, tail @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                tail
            }
            _ => break,
        };
    }
    text.len().saturating_sub(rest.len())
}

#[cfg(test)]
mod tests {
    use core::net::Ipv6Addr;

    use super::is_ipv6;

    #[test]
    fn ipv6_addresses_are_those_of_core() {
        // Every sequence of up to six of these pieces.
        let pieces = [
            "",
            ":",
            "::",
            "a:",
            "a:b:c:",
            "ABCD",
            "12345",
            "0.19.249.255",
            "1.2.3.256",
            "1.02.3.4",
        ];
        let mut texts = std::collections::BTreeSet::from([String::new()]);
        for _ in 0..6 {
            let longer = |text| pieces.iter().map(move |piece| format!("{text}{piece}"));
            texts = texts.iter().flat_map(longer).collect();
        }
        for text in texts {
            assert_eq!(is_ipv6(text.as_bytes()), text.parse::<Ipv6Addr>().is_ok(), "{text}");
        }
    }
}
