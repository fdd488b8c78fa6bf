//! Heads to send: whole, or not at all. What the caller puts into them is checked first, so that it cannot add a line.

use crate::error::{HandshakeError, UsageError};
use crate::output::{Output, require_room};

use super::field::FieldName;
use super::head::{is_field_text, trim};
use super::list::token;

/// Fields of the caller's: names and values.
pub(super) type CallerFields<'a> = &'a [(&'a str, &'a str)];

/// Appends the text that `text` hands out in pieces, the same at every call, or nothing where there is no room.
pub(super) fn write_whole(
    out: &mut (impl Output + ?Sized),
    text: impl Fn(&mut dyn FnMut(&[u8])),
) -> Result<(), UsageError> {
    let mut needed: usize = 0;
    text(&mut |piece| needed = needed.saturating_add(piece.len()));
    require_room(out, needed)?;
    text(&mut |piece| out.put(piece));
    Ok(())
}

/// Checks fields of the caller's.
pub(super) fn check_fields(fields: CallerFields<'_>) -> Result<(), UsageError> {
    for (name, value) in fields {
        let (name, value) = (name.as_bytes(), value.as_bytes());
        if token(name).is_none() || is_reserved(name) {
            return Err(UsageError::InvalidFieldName);
        }
        if !is_field_text(value) || trim(value).len() != value.len() {
            return Err(UsageError::InvalidFieldValue);
        }
    }
    Ok(())
}

/// Hands out checked fields of the caller's.
pub(super) fn put_fields(fields: CallerFields<'_>, put: &mut dyn FnMut(&[u8])) {
    for (name, value) in fields {
        put_field(name, value.as_bytes(), put);
    }
}

pub(super) fn put_field(name: &str, value: &[u8], put: &mut dyn FnMut(&[u8])) {
    for piece in [name.as_bytes(), b": ", value, b"\r\n"] {
        put(piece);
    }
}

/// Writes a response that does not switch protocols; the transport is to be closed behind it.
///
/// `has_body` is false where the request's method, HEAD, has a body left out whose length is told.
pub(super) fn write_refusal(
    status: u16,
    fields: CallerFields<'_>,
    body: &[u8],
    has_body: bool,
    out: &mut (impl Output + ?Sized),
) -> Result<(), UsageError> {
    // RFC 9110 §15.3.5, §15.4.5: responses 204 and 304 are "terminated by the end of the header section"; §15.3.6: "a
    // server MUST NOT generate content in a 205 response".
    let allows_body = !matches!(status, 204 | 205 | 304);
    if !matches!(status, 200..=599) || !(allows_body || body.is_empty()) {
        return Err(UsageError::InvalidStatus);
    }
    check_fields(fields)?;
    let mut digits = [0; 20];
    let status_digits = decimal(status.into(), &mut digits);
    let mut digits = [0; 20];
    let length_digits = decimal(body.len(), &mut digits);
    // RFC 9110 §15.5.6: "The origin server MUST generate an Allow header field in a 405 response".
    let needs_allow =
        status == 405 && !fields.iter().any(|(name, _)| name.eq_ignore_ascii_case("allow"));
    write_whole(out, |put| {
        put(b"HTTP/1.1 ");
        put(status_digits);
        put(b" ");
        put(reason(status).as_bytes());
        // RFC 9110 §15.5.22: "The server MUST send an Upgrade header field in a 426 response"; §7.8: "A sender of
        // Upgrade MUST also send an "Upgrade" connection option". §4.4 of RFC 6455 has it name the version.
        put(if status == 426 {
            b"\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        } else {
            b"\r\nConnection: close\r\n"
        });
        if needs_allow {
            put_field("Allow", b"GET", put);
        }
        put_fields(fields, put);
        // RFC 9110 §8.6: "A server MUST NOT send a Content-Length header field in any response with a status code of
        // 1xx (Informational) or 204 (No Content)", and in a 304 it would have to be that of the 200.
        if !matches!(status, 204 | 304) {
            put_field("Content-Length", length_digits, put);
        }
        put(b"\r\n");
        if has_body {
            put(body);
        }
    })
}

impl HandshakeError {
    /// Appends the response that a server answers with: the status, `Connection: close`, and, where the request is known
    /// to be a GET, the error in words.
    ///
    /// Then write the output and let go of the transport.
    ///
    /// # Errors
    ///
    /// [`UsageError::OutputFull`]: there is no room; nothing was appended. [`UsageError::InvalidStatus`]: a server
    /// does not meet this error, so there is nothing to answer.
    pub fn respond(&self, out: &mut (impl Output + ?Sized)) -> Result<(), UsageError> {
        let status = self.status().ok_or(UsageError::InvalidStatus)?;
        let (fields, body): (CallerFields<'_>, _) = if self.is_found_in_get() {
            (&[("Content-Type", "text/plain")], self.as_str().as_bytes())
        } else {
            // The request may have been HEAD, to which no content may be sent (RFC 9110 §9.3.2).
            (&[], &[][..])
        };
        write_refusal(status, fields, body, true, out)
    }
}

/// Says whether the handshake itself answers for the field.
fn is_reserved(name: &[u8]) -> bool {
    const PREFIX: &[u8] = b"sec-websocket-";
    let prefix = name.get(..PREFIX.len());
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
        || FieldName::parse(name).is_some()
}

/// Writes a number without `core::fmt`, which would add kilobytes to a firmware.
pub(super) fn decimal(mut number: usize, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        let last = u8::try_from(number % 10).unwrap_or(0);
        *digit = b'0'.saturating_add(last);
        start = at;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

/// Returns the reason phrases of RFC 9110 §15 that a WebSocket server has use for; the others may be empty.
const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        414 => "URI Too Long",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 9, 10, 404, usize::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
        }
    }
}
