// What the ends that run on Node share: the command line, the script, and the report.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

// What an end is to do: `{server|client} {drive|echo} SCRIPT DEFLATE [URL]`.
const [role, action, path, deflate, url = ""] = process.argv.slice(2);

export const task = {
  isServer: role === "server",
  // Sends the script and waits for the echoes, or else echoes what comes.
  drives: action === "drive",
  script: parse(readFileSync(path)),
  // The parameters of permessage-deflate, such as { server_max_window_bits: 10 }; null: no compression.
  deflate: deflate === "plain" ? null : Object.fromEntries(deflate.split(" ").filter(Boolean).map(param => {
    const [name, value] = param.split("=");
    return [name, value === undefined ? true : Number(value)];
  })),
  url,
  received: 0,
  digest: createHash("sha256"),

  // Takes down a message that came, as a Buffer.
  note(isText, payload) {
    const head = Buffer.alloc(5);
    head.write(isText ? "T" : "B");
    head.writeUInt32BE(payload.length, 1);
    this.digest.update(head).update(payload);
    this.received += 1;
  },

  // Cuts the payload of the message that came last as the script says, if it is as long.
  cut(payload) {
    const parts = [];
    let at = 0;
    for (const { length } of this.script[this.received - 1]?.fragments ?? []) {
      parts.push(payload.subarray(at, at + length));
      at += length;
    }
    return parts.length && at === payload.length ? parts : [payload];
  },

  // Sends the script with `send(isText, fragments)`; returns what is to be called whenever a message came, which
  // calls `close` in the end.
  drive(send, close) {
    let sent = 0;
    const goOn = () => {
      while (sent < this.script.length) {
        const { isText, waits, fragments } = this.script[sent];
        if (this.received < this.due) return;
        send(isText, fragments);
        sent += 1;
        if (waits) this.due = sent;
      }
      if (this.received === sent) close();
    };
    this.due = 0;
    goOn();
    return goOn;
  },

  // The last line: how many messages came, and their digest.
  report() {
    console.log(this.received, this.digest.digest("hex"));
  },
};

// Tells where a server listens, and that it does.
export function tellPort(port) {
  console.log("listening", port);
}

export function fail(error) {
  console.error(error);
  process.exit(1);
}

function parse(data) {
  const messages = [];
  for (let at = 8; at < data.length;) { // behind the seed
    const flags = data.readUInt8(at), count = data.readUInt16BE(at + 1);
    const lens = Array.from({ length: count }, (_, i) => data.readUInt32BE(at + 3 + 4 * i));
    at += 3 + 4 * count;
    const fragments = lens.map(length => data.subarray(at, at += length));
    messages.push({ isText: Boolean(flags & 1), waits: Boolean(flags & 2), fragments });
  }
  return messages;
}
