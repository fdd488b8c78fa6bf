"""Chromium, as a client. It sends whole messages only. What drives it is the browser test's."""

import base64
import hashlib
import json
import sys
import tempfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from threading import Thread

TALK = """
async (url, drives, script) => {
  const data = Uint8Array.from(atob(script), letter => letter.charCodeAt(0)), view = new DataView(data.buffer);
  const messages = [];
  for (let at = 8; at < data.length;) { // behind the seed
    const flags = view.getUint8(at), count = view.getUint16(at + 1);
    let size = 0;
    for (let i = 0; i < count; i++) size += view.getUint32(at + 3 + 4 * i);
    at += 3 + 4 * count;
    messages.push({ isText: flags & 1, waits: flags & 2, payload: data.slice(at, at += size) });
  }

  const ws = new WebSocket(url), taken = [];
  let sent = 0, received = 0;
  ws.binaryType = "arraybuffer";
  const closed = new Promise(resolve => ws.onclose = resolve);
  ws.onopen = goOn;
  ws.onmessage = ({ data }) => {
    const isText = typeof data === "string", payload = isText ? new TextEncoder().encode(data) : new Uint8Array(data);
    const head = new DataView(new ArrayBuffer(5));
    head.setUint8(0, (isText ? "T" : "B").charCodeAt(0));
    head.setUint32(1, payload.length);
    taken.push(head, payload);
    received += 1;
    if (drives) goOn();
    else ws.send(data);
  };
  function goOn() {
    if (!drives) return;
    while (sent < messages.length) {
      if (sent && messages[sent - 1].waits && received < sent) return;
      const { isText, payload } = messages[sent++];
      ws.send(isText ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(payload) : payload);
    }
    if (received === sent) ws.close(1000);
  }

  const { code, wasClean } = await closed;
  if (code !== 1000 || !wasClean) throw new Error(`closed with ${code}, clean: ${wasClean}`);
  const reader = new FileReader();
  const read = new Promise(resolve => reader.onload = resolve);
  reader.readAsDataURL(new Blob(taken));
  await read;
  return [received, reader.result.split(",")[1] ?? ""];
}
"""


def main():
    _, action, script, _, url = sys.argv[1:]
    browser_test = load(Path(__file__).resolve().parents[2] / "browser" / "run")
    arguments = [url, action == "drive", base64.b64encode(Path(script).read_bytes()).decode()]
    expression = f"({TALK})({', '.join(map(json.dumps, arguments))})"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch, blank_page() as blank:
        with browser_test.chromium(browser_test.find_chromium(), Path(scratch)) as browser:
            page = browser.open(blank)
            answer = page.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
    if "exceptionDetails" in answer:
        sys.exit(answer["exceptionDetails"]["exception"]["description"])
    count, taken = answer["result"]["value"]
    print(count, hashlib.sha256(base64.b64decode(taken)).hexdigest())


@contextmanager
def blank_page():
    """The address of an empty page: from about:blank, nothing on this machine may be reached."""
    with HTTPServer(("127.0.0.1", 0), Blank) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Blank(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_):
        pass


def load(path):
    spec = spec_from_loader(path.name, SourceFileLoader(path.name, str(path)))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


main()
