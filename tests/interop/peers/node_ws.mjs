// npm ws.

import WebSocket, { WebSocketServer } from "ws";
import { fail, task, tellPort } from "./task.mjs";

const { deflate } = task;
const options = {
  maxPayload: 0,
  perMessageDeflate: deflate && {
    threshold: 0,
    serverNoContextTakeover: deflate.server_no_context_takeover,
    clientNoContextTakeover: deflate.client_no_context_takeover,
    serverMaxWindowBits: deflate.server_max_window_bits,
    clientMaxWindowBits: deflate.client_max_window_bits,
  },
};

if (task.isServer) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...options });
  server.on("listening", () => tellPort(server.address().port));
  server.on("connection", ws => {
    server.close();
    talk(ws);
  });
} else {
  const ws = new WebSocket(task.url, options);
  ws.on("open", () => talk(ws));
  ws.on("error", fail);
}

function talk(ws) {
  const goOn = task.drives && task.drive(send, () => ws.close());
  ws.on("error", fail);
  ws.on("close", () => task.report());
  ws.on("message", (payload, isBinary) => {
    task.note(!isBinary, payload);
    if (task.drives) goOn();
    else send(!isBinary, task.cut(payload));
  });

  function send(isText, fragments) {
    fragments.forEach((part, i) => ws.send(part, { binary: !isText, fin: i === fragments.length - 1 }));
  }
}
