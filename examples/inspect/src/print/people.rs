//! Entries as lines in columns: the time since the first of them, the connection, who sends, what it is.

use anstyle::{AnsiColor, Style};
use websocket_proto::{FrameHeader, Role};

use super::hex;
use crate::safe::escape;
use crate::timeline::{Entry, Message, Payload, Request, Response, Time, Totals, What};

#[derive(Default)]
pub struct Lines {
    /// The time of the first entry.
    start: Option<Time>,
}

impl Lines {
    pub fn print(&mut self, entry: &Entry, out: &mut String) {
        if let Some(time) = entry.time {
            let start = *self.start.get_or_insert(time);
            let sign = if time < start { "-" } else { "" };
            let seconds = format!("{sign}{:.6}", time.abs_diff(start).as_secs_f64());
            *out += &format!("{DIM}{seconds:>11}{DIM:#}  ");
        }
        let connection = entry.connection.map(|number| number.to_string()).unwrap_or_default();
        let (arrow, color) = match entry.from {
            Some(Role::Client) => ("→", CLIENT),
            Some(Role::Server) => ("←", SERVER),
            None => (" ", PLAIN),
        };
        let (kind, style, text) = describe(&entry.what);
        let start = format!("{connection:>3} {color}{arrow}{color:#} {style}{kind:<8}{style:#}  ");
        let indent = if entry.time.is_some() { 29 } else { 16 };
        let text = text.replace('\n', &format!("\n{:indent$}", ""));
        *out += &format!("{start}{text}\n");
    }
}

/// Returns what an entry is called, how that is printed, and what there is to say of it.
fn describe(what: &What) -> (&'static str, Style, String) {
    match what {
        What::Open(ends) => (
            "open",
            BOLD,
            format!("{BOLD}{} → {}{BOLD:#}", escape(&ends.client), escape(&ends.server)),
        ),
        What::Request(it) => ("request", PLAIN, request(it)),
        What::Response(it) => ("response", PLAIN, response(it)),
        What::Frame(header) => ("frame", DIM, frame(header)),
        What::Message(it) => {
            let kind = if matches!(it.payload, Payload::Text(_)) { "text" } else { "binary" };
            (kind, MESSAGE, message(it))
        }
        What::Ping(payload) => ("ping", PLAIN, quote(&payload.escape_ascii().to_string())),
        What::Pong(payload) => ("pong", PLAIN, quote(&payload.escape_ascii().to_string())),
        What::Close(Some(code), reason) if reason.is_empty() => ("close", PLAIN, code.to_string()),
        What::Close(Some(code), reason) => {
            ("close", PLAIN, format!("{code} {}", quote(&escape(reason))))
        }
        What::Close(None, _) => ("close", PLAIN, "without a code".into()),
        What::Fault(fault) => {
            ("FAULT", FAULT, format!("{FAULT}{}{FAULT:#} ({})", escape(&fault.text), fault.section))
        }
        What::Gap(bytes) => {
            ("gap", NOTE, format!("{NOTE}{} bytes were not captured{NOTE:#}", grouped(*bytes)))
        }
        What::Note(text) => ("note", NOTE, escape(text)),
        What::End(end) => {
            let sides = [("→", end.client), ("←", end.server)];
            let sides: Vec<String> = sides.iter().map(|(arrow, it)| totals(arrow, it)).collect();
            ("end", BOLD, format!("{BOLD}{}{BOLD:#}\n{}", end.verdict, sides.join("\n")))
        }
    }
}

fn request(request: &Request) -> String {
    let line = request.line.trim_end_matches(" HTTP/1.1");
    let fields = [
        ("host", &request.host),
        ("origin", &request.origin),
        ("subprotocols", &request.subprotocols),
        ("extensions", &request.extensions),
    ];
    format!("{}{}", escape(line), listed(&fields))
}

fn response(response: &Response) -> String {
    let line = response.line.trim_start_matches("HTTP/1.1 ");
    let fields = [("subprotocol", &response.subprotocol), ("extensions", &response.extensions)];
    format!("{}{}", escape(line), listed(&fields))
}

/// Returns fields, each on a line of its own.
fn listed(fields: &[(&str, &Option<String>)]) -> String {
    let named = fields.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    named.map(|(name, value)| format!("\n{DIM}{name}{DIM:#} {}", escape(value))).collect()
}

fn frame(header: &FrameHeader) -> String {
    let opcode = format!("{:?}", header.opcode);
    let fin = if header.fin { "FIN" } else { "" };
    let bits =
        [(FrameHeader::RSV1, "RSV1"), (FrameHeader::RSV2, "RSV2"), (FrameHeader::RSV3, "RSV3")];
    let reserved: Vec<&str> =
        bits.iter().filter(|(bit, _)| header.rsv & bit != 0).map(|(_, name)| *name).collect();
    let mask = header.mask.map(|key| format!("mask {}", hex(&key))).unwrap_or_default();
    let len = grouped(header.payload_len);
    let text = format!("{opcode:<12} {len:>9} bytes  {fin:<3}  {:<4}  {mask}", reserved.join("+"));
    format!("{DIM}{}{DIM:#}", text.trim_end())
}

fn message(message: &Message) -> String {
    let (text, len) = match &message.payload {
        Payload::Text(text) => {
            let cut = text.char_indices().nth(MOST_CHARS).map(|(at, _)| at);
            let more = if cut.is_some() { "…" } else { "" };
            let shown = escape(text.get(..cut.unwrap_or(text.len())).unwrap_or_default());
            (format!("{MESSAGE}{}{MESSAGE:#}{more}", quote(&shown)), cut.map(|_| text.len()))
        }
        Payload::Binary(data) => {
            let shown = data.get(..MOST_BYTES).unwrap_or(data);
            let more = if shown.len() < data.len() { "…" } else { "" };
            (format!("{MESSAGE}{}{MESSAGE:#}{more}", hex(shown)), Some(data.len()))
        }
    };
    let mut remarks = Vec::new();
    remarks.extend(len.map(|len| format!("{} bytes", grouped(len as u64))));
    remarks.extend((message.frames > 1).then(|| format!("{} frames", message.frames)));
    remarks.extend(message.compressed.then(|| "inflated".to_owned()));
    if remarks.is_empty() { text } else { format!("{text}  {DIM}{}{DIM:#}", remarks.join(", ")) }
}

fn totals(arrow: &str, totals: &Totals) -> String {
    let mut text = format!(
        "{arrow} {} in {}, {}",
        counted(totals.messages, "message"),
        counted(totals.frames, "frame"),
        counted(totals.bytes, "byte"),
    );
    if totals.retransmitted > 0 {
        text += &format!(", {} retransmitted", grouped(totals.retransmitted));
    }
    if totals.reordered > 0 {
        text += &format!(", {} out of order", grouped(totals.reordered));
    }
    text
}

fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}

/// Groups the digits of a number by three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

fn quote(text: &str) -> String {
    format!("\"{text}\"")
}

/// As much of a message is shown; the other formats have all of it.
const MOST_CHARS: usize = 48;
const MOST_BYTES: usize = 16;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const CLIENT: Style = AnsiColor::Cyan.on_default();
const SERVER: Style = AnsiColor::Magenta.on_default();
const MESSAGE: Style = AnsiColor::Green.on_default();
const NOTE: Style = AnsiColor::Yellow.on_default();
const FAULT: Style = AnsiColor::Red.on_default().bold();
