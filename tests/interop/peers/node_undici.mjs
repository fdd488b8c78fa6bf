// undici: the client that is in Node itself. It sends whole messages, and inflates without ever compressing.

import { WebSocket } from "undici";
import { fail, task } from "./task.mjs";

const ws = new WebSocket(task.url);
let goOn;
ws.binaryType = "arraybuffer";
ws.onopen = () => goOn = task.drives && task.drive(send, () => ws.close(1000));
ws.onerror = event => fail(event.error ?? event);
ws.onclose = () => task.report();
ws.onmessage = ({ data }) => {
  const isText = typeof data === "string", payload = Buffer.from(data);
  task.note(isText, payload);
  if (task.drives) goOn();
  else send(isText, [payload]);
};

function send(isText, fragments) {
  const payload = Buffer.concat(fragments);
  ws.send(isText ? payload.toString() : payload);
}
