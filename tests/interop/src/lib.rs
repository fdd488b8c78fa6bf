//! What the ends that are written in Rust share: the command line, the script, and the report.

use std::error::Error;
use std::io::Write;
use std::{env, fs};

use sha2::{Digest, Sha256};

pub type Result<T> = core::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What an end is to do: `{server|client} {drive|echo} SCRIPT DEFLATE [URL]`.
pub struct Task {
    pub is_server: bool,
    /// Sends the script and waits for the echoes, or else echoes what comes.
    pub drives: bool,
    pub script: Script,
    /// The parameters of permessage-deflate, such as `server_max_window_bits=10`; `None`: no compression.
    pub deflate: Option<Vec<(String, u8)>>,
    /// Of the server; a client's.
    pub url: String,
    received: u32,
    digest: Sha256,
}

/// The messages to send, and how.
pub struct Script {
    pub seed: u64,
    pub messages: Vec<Message>,
}

pub struct Message {
    pub is_text: bool,
    /// All echoes are to be here before the next message is sent.
    pub waits: bool,
    pub fragments: Vec<Vec<u8>>,
}

impl Task {
    /// Reads the command line and the script.
    pub fn from_args() -> Result<Self> {
        let args: Vec<_> = env::args().skip(1).collect();
        let [role, action, script, deflate, rest @ ..] = args.as_slice() else {
            return Err("usage: {server|client} {drive|echo} SCRIPT DEFLATE [URL]".into());
        };
        Ok(Self {
            is_server: role == "server",
            drives: action == "drive",
            script: Script::parse(&fs::read(script)?)?,
            deflate: match deflate.as_str() {
                "plain" => None,
                params => Some(params.split(' ').filter_map(parse_param).collect()),
            },
            url: rest.first().cloned().unwrap_or_default(),
            received: 0,
            digest: Sha256::new(),
        })
    }

    /// A parameter of permessage-deflate; one without a value is 1.
    pub fn param(&self, name: &str) -> Option<u8> {
        let params = self.deflate.as_ref()?;
        params.iter().find(|(it, _)| it == name).map(|&(_, value)| value)
    }

    /// The host and port of the server.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("ws://").trim_end_matches('/')
    }

    /// Takes down a message that came.
    pub fn note(&mut self, is_text: bool, payload: &[u8]) {
        self.received += 1;
        self.digest.update([if is_text { b'T' } else { b'B' }]);
        self.digest.update((payload.len() as u32).to_be_bytes());
        self.digest.update(payload);
    }

    /// Cuts the payload of a message that came last as the script says, if it is as long.
    pub fn cut<'a>(&self, payload: &'a [u8]) -> Vec<&'a [u8]> {
        let message = self.script.messages.get(self.received as usize - 1);
        let lens = message.into_iter().flat_map(|it| it.fragments.iter().map(Vec::len));
        let (mut rest, mut parts) = (payload, Vec::new());
        for len in lens {
            let Some((part, behind)) = rest.split_at_checked(len) else { return vec![payload] };
            parts.push(part);
            rest = behind;
        }
        if rest.is_empty() && !parts.is_empty() { parts } else { vec![payload] }
    }

    pub fn received(&self) -> u32 {
        self.received
    }

    /// How many messages have to be here once this one has been sent.
    pub fn due(&self, index: usize) -> u32 {
        if self.script.messages[index].waits { index as u32 + 1 } else { 0 }
    }

    /// The last line: how many messages came, and their digest.
    pub fn report(self) -> Result<()> {
        let digest: String =
            self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(writeln!(std::io::stdout(), "{} {digest}", self.received)?)
    }
}

/// Tells where a server listens, and that it does.
pub fn tell_port(port: u16) -> Result<()> {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening {port}")?;
    Ok(stdout.flush()?)
}

impl Message {
    pub fn payload(&self) -> Vec<u8> {
        self.fragments.concat()
    }
}

impl Script {
    fn parse(mut rest: &[u8]) -> Result<Self> {
        let seed = u64::from_be_bytes(take(&mut rest)?);
        let mut messages = Vec::new();
        while !rest.is_empty() {
            let [flags] = take(&mut rest)?;
            let count = u16::from_be_bytes(take(&mut rest)?);
            let lens = (0..count).map(|_| take(&mut rest).map(u32::from_be_bytes));
            let lens = lens.collect::<Result<Vec<_>>>()?;
            let mut fragments = Vec::new();
            for len in lens {
                let (part, behind) =
                    rest.split_at_checked(len as usize).ok_or("the script is cut off")?;
                fragments.push(part.to_vec());
                rest = behind;
            }
            messages.push(Message { is_text: flags & 1 != 0, waits: flags & 2 != 0, fragments });
        }
        Ok(Self { seed, messages })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk().ok_or("the script is cut off")?;
    *rest = behind;
    Ok(*taken)
}

fn parse_param(param: &str) -> Option<(String, u8)> {
    let (name, value) = param.split_once('=').unwrap_or((param, "1"));
    Some((name.to_owned(), value.parse().ok()?))
}
