"""wsproto, over a blocking socket. A Ping within a compressed message makes it forget that it is one."""

import socket

from task import Task, tell_port
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Message, Ping, Request, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason

task = Task()
extensions = [PerMessageDeflate(**task.deflate)] if task.deflate is not None else []


def main():
    if task.is_server:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            tell_port(listener.getsockname()[1])
            End(listener.accept()[0], ConnectionType.SERVER).run()
    else:
        address = ("127.0.0.1", task.port)
        end = End(socket.create_connection(address), ConnectionType.CLIENT)
        end.send(Request(host="%s:%d" % address, target="/", extensions=extensions))
        end.run()


class End:
    def __init__(self, sock, role):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock, self.ws = sock, WSConnection(role)
        self.parts, self.sent = [], 0

    def send(self, event):
        self.sock.sendall(self.ws.send(event))

    def run(self):
        while data := self.sock.recv(65536):
            self.ws.receive_data(data)
            for event in self.ws.events():
                if isinstance(event, CloseConnection) and task.is_server:
                    return self.close(event)
                self.handle(event)

    def handle(self, event):
        match event:
            case Request():
                self.send(AcceptConnection(extensions=extensions))
                self.drive()
            case AcceptConnection():
                self.drive()
            case Ping():
                # It refuses to send a Pong behind its Close.
                if self.ws.state is ConnectionState.OPEN:
                    self.send(event.response())
            case Message():
                self.parts.append(event.data)
                if event.message_finished:
                    message = type(event.data)().join(self.parts)
                    self.parts = []
                    task.note(message)
                    if task.drives:
                        self.drive()
                    else:
                        self.send_message(isinstance(message, str), task.cut(message))
            case CloseConnection():
                self.close(event)

    def close(self, event):
        """Answers a Close, unless it was the answer to ours."""
        if self.ws.state is ConnectionState.REMOTE_CLOSING:
            self.send(event.response())

    def drive(self):
        """Sends what may be sent by now of the script, and closes when all of it is back."""
        if not task.drives:
            return
        while self.sent < len(task.script):
            if self.sent and task.script[self.sent - 1].waits and task.received < self.sent:
                return
            message = task.script[self.sent]
            self.send_message(message.is_text, message.fragments)
            self.sent += 1
        if task.received == self.sent:
            self.send(CloseConnection(code=CloseReason.NORMAL_CLOSURE))

    def send_message(self, is_text, fragments):
        if is_text:  # its text is to be cut between code points
            whole = b"".join(fragments).decode()
            cuts = [len(b"".join(fragments[:count]).decode(errors="ignore")) for count in range(len(fragments) + 1)]
            fragments = [whole[start:end] for start, end in zip(cuts, cuts[1:])]
        kind = TextMessage if is_text else BytesMessage
        for index, part in enumerate(fragments):
            self.send(kind(data=part, message_finished=index + 1 == len(fragments)))


main()
task.report()
