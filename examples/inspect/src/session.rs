//! A connection that is a WebSocket, from its opening handshake to its end.

use core::mem;

use websocket_proto::{DeflateParams, Role};

use crate::frames::Frames;
use crate::opening::{self, Answer, Asked, Head, Question};
use crate::timeline::{End, Log, Time, Totals, What};

pub struct Session {
    stage: Stage,
    has_ended: bool,
    /// What is to be said before anything else.
    notice: Option<&'static str>,
}

enum Stage {
    /// The request is coming in.
    Request {
        client: Head,
        server: Held,
    },
    /// The response is coming in; what the client sends meanwhile is read behind it.
    Response {
        asked: Asked,
        client: Held,
        server: Head,
    },
    Open(Box<Directions>),
    /// The upgrade was refused.
    Refused,
    /// The request for an upgrade breaks off.
    CutShort,
    /// HTTP without a request for an upgrade.
    Other,
}

struct Directions {
    client: Frames,
    server: Frames,
}

/// What one side sent while the other's head is waited for, and when.
#[derive(Default)]
struct Held {
    pieces: Vec<(Option<Time>, Vec<u8>)>,
    len: usize,
}

impl Held {
    fn push(&mut self, time: Option<Time>, bytes: Vec<u8>) {
        self.len += bytes.len();
        self.pieces.push((time, bytes));
    }
}

impl Session {
    /// Begins with the request.
    pub fn requested() -> Self {
        Self::at(Stage::Request { client: Head::default(), server: Held::default() })
    }

    /// Begins with the response to a request that was not captured.
    pub fn answered() -> Self {
        let (asked, client, server) = (Asked::unknown(), Held::default(), Head::default());
        let notice = Some("the request was not captured");
        Self { notice, ..Self::at(Stage::Response { asked, client, server }) }
    }

    /// Begins in the middle. `at_frame` tells of each side whether its next byte begins a frame.
    pub fn joined(at_frame: impl Fn(Role) -> bool) -> Self {
        let [client, server] =
            [Role::Client, Role::Server].map(|role| Frames::joined(role, at_frame(role)));
        let notice = Some("joined in the middle: what was agreed on is not known");
        Self { notice, ..Self::at(Stage::Open(Box::new(Directions { client, server }))) }
    }

    fn at(stage: Stage) -> Self {
        Self { stage, has_ended: false, notice: None }
    }

    pub fn receive(&mut self, from: Role, mut bytes: Vec<u8>, log: &mut Log<'_>) {
        if let Some(text) = self.notice.take() {
            log.push(None, What::Note(text.into()));
        }
        match &mut self.stage {
            Stage::Request { client, server } => match from {
                Role::Client => {
                    client.extend(&bytes);
                    if client.is_complete() || client.len() > LONGEST_HEAD {
                        self.read_request(log);
                    }
                }
                Role::Server => {
                    server.push(log.time, bytes);
                    if server.len > MOST_HELD {
                        self.read_request(log);
                    }
                }
            },
            Stage::Response { client, server, .. } => match from {
                Role::Client => {
                    client.push(log.time, bytes);
                    if server.is_empty() && client.len > MOST_HELD {
                        self.assume_accepted(log);
                    }
                }
                Role::Server => {
                    server.extend(&bytes);
                    self.read_response(log);
                }
            },
            Stage::Open(directions) => directions.of(from).receive(&mut bytes, log),
            Stage::Refused | Stage::CutShort | Stage::Other => {}
        }
    }

    /// Takes note that bytes are missing.
    pub fn skip(&mut self, from: Role, bytes: u64, log: &mut Log<'_>) {
        log.push(from, What::Gap(bytes));
        match &mut self.stage {
            Stage::Open(directions) => directions.of(from).skip(bytes),
            Stage::Request { .. } | Stage::Response { .. } => {
                let text = "a part of the opening handshake is missing; frames are looked for";
                log.push(None, What::Note(text.into()));
                self.stage = Self::joined(|_| false).stage;
            }
            Stage::Refused | Stage::CutShort | Stage::Other => {}
        }
    }

    /// Takes note that a side has ended its direction.
    pub fn end(&mut self) {
        self.has_ended = true;
    }

    /// Tells whether it was a request, and not for an upgrade.
    pub fn is_other(&self) -> bool {
        matches!(self.stage, Stage::Other)
    }

    /// Tells whether an upgrade was asked for, or frames were found.
    pub fn is_websocket(&self) -> bool {
        match self.stage {
            Stage::Request { .. } | Stage::Other => false,
            Stage::Response { .. } | Stage::Open(_) | Stage::Refused | Stage::CutShort => true,
        }
    }

    /// Ends the session, and says what it came to.
    ///
    /// `streams` tells of each side how many segments came again, and how many came too early.
    pub fn finish(&mut self, was_reset: bool, streams: [[u64; 2]; 2], log: &mut Log<'_>) {
        if let Stage::Request { .. } = self.stage {
            self.read_request(log);
        }
        if let Stage::Response { server, .. } = &self.stage {
            if server.is_empty() {
                self.assume_accepted(log);
            }
        }
        let (mut client, mut server) = (Totals::default(), Totals::default());
        let verdict = match &mut self.stage {
            Stage::Open(directions) => {
                directions.client.finish(log);
                directions.server.finish(log);
                (client, server) = (directions.client.totals, directions.server.totals);
                directions.verdict(self.has_ended, was_reset)
            }
            Stage::Other => return,
            Stage::Refused => "no WebSocket connection: the upgrade was refused".to_owned(),
            Stage::Request { .. } | Stage::Response { .. } | Stage::CutShort => {
                "no WebSocket connection: the opening handshake is not complete".to_owned()
            }
        };
        for (totals, [retransmitted, reordered]) in
            [&mut client, &mut server].into_iter().zip(streams)
        {
            totals.retransmitted = retransmitted;
            totals.reordered = reordered;
        }
        log.push(None, What::End(End { verdict, client, server }));
    }

    fn read_request(&mut self, log: &mut Log<'_>) {
        let Stage::Request { client, server } = &mut self.stage else { return };
        let (head, answers) = (mem::take(client), mem::take(server));
        let (asked, behind) = match opening::request(&head, log) {
            Question::Upgrade(asked) => (asked, head.into_rest()),
            Question::Incomplete => {
                self.stage = Stage::CutShort;
                return;
            }
            Question::Other => {
                self.stage = Stage::Other;
                return;
            }
        };
        let mut client = Held::default();
        client.push(log.time, behind);
        self.stage = Stage::Response { asked, client, server: Head::default() };
        self.replay(Role::Server, answers, log);
    }

    fn read_response(&mut self, log: &mut Log<'_>) {
        let Stage::Response { asked, server, .. } = &mut self.stage else { return };
        while server.is_complete() {
            match opening::response(asked, server, log) {
                Answer::Open(params) => {
                    let behind = mem::take(server).into_rest();
                    self.open(params, behind, log);
                    return;
                }
                Answer::Refused => {
                    self.stage = Stage::Refused;
                    return;
                }
                Answer::Interim => *server = Head::new(mem::take(server).into_rest()),
            }
        }
        if server.len() > LONGEST_HEAD {
            self.stage = Stage::CutShort;
        }
    }

    /// Reads what was held.
    fn replay(&mut self, from: Role, held: Held, log: &mut Log<'_>) {
        let now = log.time;
        for (time, bytes) in held.pieces {
            log.time = time;
            self.receive(from, bytes, log);
        }
        log.time = now;
    }

    /// Reads what the client sent, though nothing of the server was captured, or not yet.
    fn assume_accepted(&mut self, log: &mut Log<'_>) {
        let Stage::Response { asked, .. } = &self.stage else { return };
        let params = asked.most();
        let text = "there is no response in the capture; it is taken for an acceptance";
        log.push(None, What::Note(text.into()));
        self.open(params, Vec::new(), log);
        if let Stage::Open(directions) = &mut self.stage {
            directions.server = Frames::joined(Role::Server, false);
        }
    }

    /// Reads what came behind the heads from both sides.
    fn open(&mut self, params: Option<DeflateParams>, behind: Vec<u8>, log: &mut Log<'_>) {
        let [client, server] = [Role::Client, Role::Server].map(|role| Frames::new(role, params));
        let open = Stage::Open(Box::new(Directions { client, server }));
        if let Stage::Response { client, .. } = mem::replace(&mut self.stage, open) {
            self.replay(Role::Client, client, log);
        }
        self.receive(Role::Server, behind, log);
    }
}

impl Directions {
    fn of(&mut self, sender: Role) -> &mut Frames {
        match sender {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    fn verdict(&self, has_ended: bool, was_reset: bool) -> String {
        let closes = (self.client.close(), self.server.close());
        let text = match (self.client.is_faulty(), self.server.is_faulty(), closes) {
            (true, true, _) => "failed: both sides broke the protocol",
            (true, false, _) => "failed: the client broke the protocol",
            (false, true, _) => "failed: the server broke the protocol",
            (false, false, (Some(_), Some(_))) => "closed cleanly",
            (false, false, (Some(_), None)) => "the client's Close frame was not answered",
            (false, false, (None, Some(_))) => "the server's Close frame was not answered",
            (false, false, (None, None)) if was_reset => "reset, without a Close frame (1006)",
            (false, false, (None, None)) if has_ended => "ended without a Close frame (1006)",
            (false, false, (None, None)) => "still open where the capture ends",
        };
        text.to_owned()
    }
}

/// As much is held of one side while the other's head is waited for.
const MOST_HELD: usize = 1 << 20;
/// No head is read that is longer.
const LONGEST_HEAD: usize = 64 << 10;
