//! Text of a stranger's, made safe for a terminal.

/// Escapes what could control a terminal or hide in a line: control characters, changes of direction, what is invisible.
/// A backslash is doubled, so that nothing can look escaped that is not.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            ' '..='~' if char != '\\' => safe.push(char),
            _ => safe.extend(escape_char(char)),
        }
    }
    safe
}

/// Tells whether a character is one that is escaped.
pub fn is_hidden(char: char) -> bool {
    !matches!(char, ' '..='~') && escape_char(char).nth(1).is_some()
}

fn escape_char(char: char) -> impl Iterator<Item = char> {
    // At the start of a text the library escapes combining characters too; they belong to the letter before them.
    let text = ['x', char].iter().collect::<String>();
    text.escape_debug().skip(1).collect::<Vec<_>>().into_iter()
}
