"""What the ends that are written in Python share: the command line, the script, and the report."""

import hashlib
import struct
import sys
from collections import namedtuple
from pathlib import Path

Message = namedtuple("Message", "is_text waits fragments")


class Task:
    """What an end is to do: `{server|client} {drive|echo} SCRIPT DEFLATE [URL]`."""

    def __init__(self):
        role, action, script, deflate, *url = sys.argv[1:]
        self.is_server = role == "server"
        # Sends the script and waits for the echoes, or else echoes what comes.
        self.drives = action == "drive"
        self.script = parse(Path(script).read_bytes())
        # The parameters of permessage-deflate, such as {"server_max_window_bits": 10}; None: no compression.
        self.deflate = None
        if deflate != "plain":
            pairs = (param.partition("=") for param in deflate.split())
            self.deflate = {name: int(value) if value else True for name, _, value in pairs}
        self.url = "".join(url)
        self.port = int(self.url.rpartition(":")[2].strip("/") or 0)
        self.received = 0
        self.digest = hashlib.sha256()

    def note(self, message):
        """Takes down a message that came."""
        payload = as_bytes(message)
        self.digest.update(b"T" if isinstance(message, str) else b"B")
        self.digest.update(struct.pack(">I", len(payload)))
        self.digest.update(payload)
        self.received += 1

    def cut(self, message):
        """Cuts the payload of a message that came last as the script says, if it is as long."""
        payload, parts = as_bytes(message), []
        if self.received <= len(self.script):
            for fragment in self.script[self.received - 1].fragments:
                parts.append(payload[: len(fragment)])
                payload = payload[len(fragment) :]
        return parts if parts and not payload else [as_bytes(message)]

    def report(self):
        """The last line: how many messages came, and their digest."""
        print(self.received, self.digest.hexdigest(), flush=True)


def tell_port(port):
    """Tells where a server listens, and that it does."""
    print("listening", port, flush=True)


def as_bytes(message):
    return message.encode() if isinstance(message, str) else bytes(message)


def parse(data):
    messages, at = [], 8  # behind the seed
    while at < len(data):
        flags, count = struct.unpack_from(">BH", data, at)
        lens = struct.unpack_from(f">{count}I", data, at + 3)
        at += 3 + 4 * count
        fragments = []
        for length in lens:
            fragments.append(data[at : at + length])
            at += length
        messages.append(Message(bool(flags & 1), bool(flags & 2), fragments))
    return messages
