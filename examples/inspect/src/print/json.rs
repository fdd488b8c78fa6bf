//! Entries as JSON, an object a line.

use serde_json::{Value, json};
use websocket_proto::{FrameHeader, Role};

use super::hex;
use crate::safe;
use crate::timeline::{Entry, Payload, Totals, What};

pub fn print(entry: &Entry, out: &mut String) {
    let Value::Object(mut object) = json!({
        "time": entry.time.map(|time| time.as_secs_f64()),
        "connection": entry.connection,
        "from": entry.from.map(name),
    }) else {
        return;
    };
    object.retain(|_, value| !value.is_null());
    if let Value::Object(what) = what(&entry.what) {
        object.extend(what.into_iter().filter(|(_, value)| !value.is_null()));
    }
    for char in Value::Object(object).to_string().chars() {
        // All of it stands within a string, where this means the same.
        if safe::is_hidden(char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                *out += &format!("\\u{unit:04x}");
            }
        } else {
            out.push(char);
        }
    }
    out.push('\n');
}

fn what(what: &What) -> Value {
    match what {
        What::Open(ends) => json!({ "kind": "open", "client": ends.client, "server": ends.server }),
        What::Request(request) => json!({
            "kind": "request",
            "line": request.line,
            "host": request.host,
            "origin": request.origin,
            "subprotocols": request.subprotocols,
            "extensions": request.extensions,
        }),
        What::Response(response) => json!({
            "kind": "response",
            "line": response.line,
            "subprotocol": response.subprotocol,
            "extensions": response.extensions,
        }),
        What::Frame(header) => json!({
            "kind": "frame",
            "opcode": format!("{:?}", header.opcode).to_lowercase(),
            "len": header.payload_len,
            "fin": header.fin,
            "rsv": reserved_bits(header.rsv),
            "mask": header.mask.map(|key| hex(&key)),
        }),
        What::Message(message) => {
            let (kind, text, data) = match &message.payload {
                Payload::Text(text) => ("text", Some(text), None),
                Payload::Binary(data) => ("binary", None, Some(hex(data))),
            };
            json!({
                "kind": kind,
                "text": text,
                "hex": data,
                "frames": message.frames,
                "compressed": message.compressed,
            })
        }
        What::Ping(payload) => json!({ "kind": "ping", "hex": hex(payload) }),
        What::Pong(payload) => json!({ "kind": "pong", "hex": hex(payload) }),
        What::Close(code, reason) => json!({ "kind": "close", "code": code, "reason": reason }),
        What::Fault(fault) => {
            json!({ "kind": "fault", "text": fault.text, "section": fault.section })
        }
        What::Gap(bytes) => json!({ "kind": "gap", "bytes": bytes }),
        What::Note(text) => json!({ "kind": "note", "text": text }),
        What::End(end) => json!({
            "kind": "end",
            "text": end.verdict,
            "client": totals(&end.client),
            "server": totals(&end.server),
        }),
    }
}

fn totals(totals: &Totals) -> Value {
    json!({
        "frames": totals.frames,
        "messages": totals.messages,
        "bytes": totals.bytes,
        "retransmitted": totals.retransmitted,
        "reordered": totals.reordered,
    })
}

fn name(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

/// Returns the numbers of the reserved bits that are set.
fn reserved_bits(bits: u8) -> Vec<u8> {
    let all = [(FrameHeader::RSV1, 1), (FrameHeader::RSV2, 2), (FrameHeader::RSV3, 3)];
    all.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, number)| number).collect()
}
