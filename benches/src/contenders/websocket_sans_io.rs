//! websocket-sans-io: frames in chunks, unmasked in place, as its example reads them. It checks nothing, and leaves
//! Pings to its user: the loop answers them.

use bytes::Bytes;
use websocket_sans_io::{
    FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent,
};

use crate::consumer::Consumer;
use crate::contender::{Can, Contender, Entry, Role};
use crate::wire::Wire;

pub const ENTRY: Entry = Entry {
    name: "websocket-sans-io",
    open: |role, wire| Box::new(SansIo::new(role, wire)),
    idle: Some(|_| Box::new((WebsocketFrameDecoder::new(), WebsocketFrameEncoder::new()))),
};

struct SansIo {
    role: Role,
    decoder: WebsocketFrameDecoder,
    encoder: WebsocketFrameEncoder,
    wire: Wire,
    input: Box<[u8]>,
    ping: Vec<u8>,
    out: Vec<u8>,
}

impl SansIo {
    fn new(role: Role, wire: Wire) -> Self {
        Self {
            role,
            decoder: WebsocketFrameDecoder::new(),
            encoder: WebsocketFrameEncoder::new(),
            input: wire.buffer(),
            wire,
            ping: Vec::new(),
            out: Vec::new(),
        }
    }

    fn write(&mut self) {
        if !self.out.is_empty() {
            self.wire.write(&self.out);
            self.out.clear();
        }
    }
}

impl Contender for SansIo {
    fn receive(&mut self, consumer: &mut Consumer) -> Can {
        loop {
            let n = self.wire.read(&mut self.input);
            if n == 0 {
                return Can::Done;
            }
            let mut rest = &mut self.input[..n];
            loop {
                let Ok(step) = self.decoder.add_data(rest);
                let (done, behind) = rest.split_at_mut(step.consumed_bytes);
                rest = behind;
                match step.event {
                    Some(WebsocketFrameEvent::PayloadChunk { original_opcode }) => {
                        match original_opcode {
                            Opcode::Ping => self.ping.extend_from_slice(done),
                            _ => consumer.chunk(done, false),
                        }
                    }
                    Some(WebsocketFrameEvent::End { frame_info, original_opcode }) => {
                        if original_opcode == Opcode::Ping {
                            put(
                                &mut self.encoder,
                                self.role,
                                Opcode::Pong,
                                &self.ping,
                                &mut self.out,
                            );
                            self.ping.clear();
                        } else if frame_info.fin {
                            consumer.chunk(&[], true);
                        }
                    }
                    Some(WebsocketFrameEvent::Start { .. }) => {}
                    None if done.is_empty() => break,
                    None => {}
                }
            }
            self.write();
        }
    }

    fn send(&mut self, messages: &[Bytes]) -> Can {
        if self.role == Role::Client {
            return Can::Not; // it makes no masking keys
        }
        for data in messages {
            put(&mut self.encoder, self.role, Opcode::Binary, data, &mut self.out);
        }
        self.write();
        Can::Done
    }
}

fn put(
    encoder: &mut WebsocketFrameEncoder,
    role: Role,
    opcode: Opcode,
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    assert_eq!(role, Role::Server);
    let payload_length = payload.len() as u64;
    let info = FrameInfo { opcode, payload_length, mask: None, fin: true, reserved: 0 };
    out.extend_from_slice(&encoder.start_frame(&info));
    out.extend_from_slice(payload);
}
