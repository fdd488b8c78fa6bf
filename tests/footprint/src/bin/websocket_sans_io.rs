//! websocket-sans-io as a server that echoes frames and answers Pings and Closes: no handshake, and nothing checked.
#![no_std]
#![no_main]

use cortex_m_rt::entry;
use footprint::{Session, Storage, measure, session, transmit};
use websocket_sans_io::{
    FrameInfo, Opcode, WebsocketFrameDecoder, WebsocketFrameEncoder, WebsocketFrameEvent,
};

type Machine = (WebsocketFrameDecoder, WebsocketFrameEncoder);

#[entry]
fn main() -> ! {
    static mut STORAGE: Storage<Machine, [u8; LONGEST_CONTROL]> = Storage::new(
        (WebsocketFrameDecoder::new(), WebsocketFrameEncoder::new()),
        [0; LONGEST_CONTROL],
    );
    measure(STORAGE, |storage| {
        let (decoder, encoder) = &mut storage.machine;
        let control = &mut storage.buffers;
        let (mut len, mut is_closed) = (0, false);
        let session = Session { head: &[], ..session!("to_server") };
        session.play(&mut storage.input[..128], |input| {
            let mut rest = input;
            loop {
                let step = decoder.add_data(rest).ok()?;
                let (done, behind) = rest.split_at_mut_checked(step.consumed_bytes)?;
                rest = behind;
                match step.event {
                    Some(WebsocketFrameEvent::Start { frame_info, .. }) => {
                        len = 0;
                        if !frame_info.opcode.is_control() {
                            transmit(&encoder.start_frame(&FrameInfo { mask: None, ..frame_info }));
                        }
                    }
                    Some(WebsocketFrameEvent::PayloadChunk { original_opcode }) => {
                        if original_opcode.is_control() {
                            control.get_mut(len..)?.get_mut(..done.len())?.copy_from_slice(done);
                            len += done.len();
                        } else {
                            transmit(done);
                        }
                    }
                    Some(WebsocketFrameEvent::End { frame_info, .. }) => {
                        let opcode = match frame_info.opcode {
                            Opcode::Ping => Opcode::Pong,
                            Opcode::ConnectionClose => {
                                is_closed = true;
                                Opcode::ConnectionClose
                            }
                            _ => continue,
                        };
                        transmit(&encoder.start_frame(&FrameInfo {
                            opcode,
                            mask: None,
                            ..frame_info
                        }));
                        transmit(control.get(..len)?);
                    }
                    None if done.is_empty() => return Some(()),
                    None => {}
                }
            }
        })?;
        is_closed.then_some(())
    })
}

const LONGEST_CONTROL: usize = 125;
