//! Lists in the values of fields (RFC 9110 §5.6.1): tokens, and extensions with their parameters (RFC 6455 §9.1).

use super::head::{is_token_byte, token_len, trim};

/// Returns the elements of a list; empty ones are skipped.
///
/// RFC 9110 §5.6.1.2: "A recipient MUST parse and ignore a reasonable number of empty list elements"; the limit on the
/// head bounds them.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim).filter(|element| !element.is_empty())
}

/// Returns `text` if it is a token (RFC 9110 §5.6.2).
pub(super) fn token(text: &[u8]) -> Option<&str> {
    let is_token = !text.is_empty() && token_len(text) == text.len();
    is_token.then_some(text).and_then(as_str)
}

/// An extension as a client offers it: a name and parameters (RFC 6455 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'b> {
    name: &'b str,
    /// What stands behind the name, checked: `*( OWS ";" OWS extension-param )`.
    params: &'b [u8],
}

impl<'b> Extension<'b> {
    /// Returns the name.
    #[must_use]
    pub const fn name(&self) -> &'b str {
        self.name
    }

    /// Returns the parameters in order, each a name and its value if it has one.
    ///
    /// Quotes round a value are taken off; a backslash within them, which nothing needs, is left as it is.
    pub fn params(&self) -> impl Iterator<Item = (&'b str, Option<&'b str>)> + use<'b> {
        let mut rest = Scanner(self.params);
        core::iter::from_fn(move || {
            let (name, value) = rest.param().ok()??;
            Some((as_str(name)?, value.and_then(as_str)))
        })
    }
}

/// The extensions in one value of `Sec-WebSocket-Extensions`: each in order, or the breach of the grammar.
pub(super) fn extensions(value: &[u8]) -> impl Iterator<Item = Result<Extension<'_>, Malformed>> {
    let mut rest = Scanner(value);
    core::iter::from_fn(move || {
        let next = rest.extension();
        if next.is_err() {
            rest = Scanner(&[]);
        }
        let extension = next.transpose()?;
        Some(extension.and_then(|(name, params)| {
            as_str(name).map(|name| Extension { name, params }).ok_or(Malformed)
        }))
    })
}

/// Returns how many extensions are in one value.
pub(super) fn count_extensions(value: &[u8]) -> Result<usize, Malformed> {
    let mut rest = Scanner(value);
    let mut count: usize = 0;
    while rest.extension()?.is_some() {
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// The value does not keep to the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The name of an extension, and what stands behind it.
type RawExtension<'b> = (&'b [u8], &'b [u8]);

/// The name of a parameter, and its value if it has one.
type RawParam<'b> = (&'b [u8], Option<&'b [u8]>);

/// What is left of a value. Every method takes what it looks for from the front, and nothing is looked at twice.
#[derive(Clone, Copy)]
struct Scanner<'b>(&'b [u8]);

impl<'b> Scanner<'b> {
    /// Takes an extension.
    fn extension(&mut self) -> Result<Option<RawExtension<'b>>, Malformed> {
        self.blanks();
        while self.eat(b',') {
            self.blanks();
        }
        if self.0.is_empty() {
            return Ok(None);
        }
        let name = self.token()?;
        let params = self.0;
        while self.param()?.is_some() {}
        let params = params.len().checked_sub(self.0.len()).and_then(|len| params.get(..len));
        // `param` has skipped the blanks.
        if self.0.is_empty() || self.eat(b',') {
            Ok(params.map(|params| (name, params)))
        } else {
            Err(Malformed)
        }
    }

    fn param(&mut self) -> Result<Option<RawParam<'b>>, Malformed> {
        self.blanks();
        if !self.eat(b';') {
            return Ok(None);
        }
        self.blanks();
        let name = self.token()?;
        self.blanks();
        if !self.eat(b'=') {
            return Ok(Some((name, None)));
        }
        self.blanks();
        let value = if self.eat(b'"') { self.quoted()? } else { self.token()? };
        Ok(Some((name, Some(value))))
    }

    fn token(&mut self) -> Result<&'b [u8], Malformed> {
        let (text, rest) = self.0.split_at_checked(token_len(self.0)).ok_or(Malformed)?;
        self.0 = rest;
        if text.is_empty() { Err(Malformed) } else { Ok(text) }
    }

    /// Takes the rest of a quoted string, whose opening quote was taken, and returns what stands within.
    fn quoted(&mut self) -> Result<&'b [u8], Malformed> {
        let mut escaped = false;
        for (at, &byte) in self.0.iter().enumerate() {
            match byte {
                b'\\' if !escaped => escaped = true,
                b'"' if !escaped => {
                    let (text, rest) = self.0.split_at_checked(at).ok_or(Malformed)?;
                    self.0 = rest.get(1..).unwrap_or_default();
                    // A token has at least one byte.
                    return if text.is_empty() { Err(Malformed) } else { Ok(text) };
                }
                // §9.1: "When using the quoted-string syntax variant, the value after quoted-string unescaping MUST
                // conform to the 'token' ABNF."
                byte if is_token_byte(byte) => escaped = false,
                _ => return Err(Malformed),
            }
        }
        Err(Malformed)
    }

    fn eat(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((&first, rest)) if first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn blanks(&mut self) {
        while self.eat(b' ') || self.eat(b'\t') {}
    }
}

/// Tokens are ASCII, so this does not fail where it is used.
fn as_str(text: &[u8]) -> Option<&str> {
    core::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::{Extension, Malformed, elements, extensions};

    #[test]
    fn empty_elements_are_skipped() {
        let found: Vec<_> = elements(b", a,,\tb , ,c d,").collect();
        assert_eq!(found, [&b"a"[..], b"b", b"c d"]);
        assert_eq!(elements(b" ,\t,").count(), 0);
    }

    #[test]
    fn extensions_are_taken_apart() {
        let value = b"a; x; y=1 ;z = \"2\" ,, b;q=\"\\3\",c";
        let found: Vec<Extension<'_>> = extensions(value).map(Result::unwrap).collect();
        let names: Vec<_> = found.iter().map(Extension::name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let params: Vec<_> = found[0].params().collect();
        assert_eq!(params, [("x", None), ("y", Some("1")), ("z", Some("2"))]);
        assert_eq!(found[1].params().collect::<Vec<_>>(), [("q", Some("\\3"))]);
        assert_eq!(found[2].params().count(), 0);
    }

    /// RFC 9110 §5.6.3: any number of blanks and tabs, between any two parts.
    #[test]
    fn blanks_may_stand_between_all_parts() {
        for blanks in ["", " ", "\t", "  ", "\t\t", " \t", "\t ", "\t \t"] {
            let value = ["", "a", ";", "x", "=", "1", ";", "y", ",", "b", ""].join(blanks);
            let found: Vec<Extension<'_>> =
                extensions(value.as_bytes()).map(Result::unwrap).collect();
            let names: Vec<_> = found.iter().map(Extension::name).collect();
            assert_eq!(names, ["a", "b"], "{value:?}");
            let params: Vec<_> = found[0].params().collect();
            assert_eq!(params, [("x", Some("1")), ("y", None)], "{value:?}");
        }
    }

    #[test]
    fn malformed_extensions_end_the_list() {
        for value in [
            &b";;,=\""[..],
            b"a b",
            b"a;",
            b"a;=1",
            b"a;b=",
            b"a;b=\"",
            b"a;b=\"\"",
            b"a;b=\"c d\"",
            b"a;b=\"c\\\"",
            b"a;b=\"c\"d",
            b"a=1",
            b"a/b",
            b"\"a\"",
            b"a;b=1;;c",
            b"a;b=\"\\",
            // What is escaped has to be of a token as well, and neither a quote nor a backslash is.
            b"a;b=\"c\\\\d\"",
            b"a;b=\"c\\\"d\"",
            b"a;b=\"\x80\"",
            b"a;b=c=d",
        ] {
            let mut found = extensions(value);
            assert_eq!(found.next(), Some(Err(Malformed)), "{value:?}");
            assert_eq!(found.next(), None);
        }
    }
}
