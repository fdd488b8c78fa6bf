//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use inspect::print::{Filter, Format, people};
use lexopt::{Arg, Parser, ValueExt};
use websocket_proto::Role;

pub const HELP: &str = "\
Shows the WebSocket connections in a capture of network traffic.

usage: inspect [OPTIONS] CAPTURE
       inspect [OPTIONS] [--client FILE] [--server FILE]

CAPTURE is a file of tcpdump, Wireshark and their like: pcap or pcapng.

  --client FILE        reads what a client sent, as raw bytes, instead of a capture
  --server FILE        reads what a server sent, as raw bytes, instead of a capture
  --json               prints an object of JSON a line, with times since 1970
  --messages           prints nothing but the payloads of messages, a line each
  --connection NUMBER  shows one connection, by its number
  --from client|server shows one side
  --color WHEN         auto (on a terminal, unless NO_COLOR is set), always, or never
  -h, --help           prints this
";

pub struct Options {
    pub source: Source,
    pub format: Format,
    pub filter: Filter,
    pub color: anstream::ColorChoice,
}

pub enum Source {
    Capture(PathBuf),
    Dump { client: Option<PathBuf>, server: Option<PathBuf> },
}

impl Options {
    /// Parses the arguments; `None` stands for a request for help.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Self>, lexopt::Error> {
        let (mut capture, mut client, mut server) = (None, None, None);
        let (mut is_json, mut color) = (false, anstream::ColorChoice::Auto);
        let mut filter = Filter::default();
        let mut parser = Parser::from_iter(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                Arg::Long("client") => client = Some(parser.value()?.into()),
                Arg::Long("server") => server = Some(parser.value()?.into()),
                Arg::Long("json") => is_json = true,
                Arg::Long("messages") => filter.messages_only = true,
                Arg::Long("connection") => filter.connection = Some(parser.value()?.parse()?),
                Arg::Long("from") => filter.from = Some(parser.value()?.parse_with(role)?),
                Arg::Long("color") => color = parser.value()?.parse_with(choice)?,
                Arg::Value(path) if capture.is_none() => capture = Some(path.into()),
                _ => return Err(arg.unexpected()),
            }
        }
        let source = match (capture, client, server) {
            (Some(capture), None, None) => Source::Capture(capture),
            (None, None, None) => return Err("a capture is needed; see --help".into()),
            (None, client, server) => Source::Dump { client, server },
            (Some(_), ..) => return Err("it is either a capture, or what each side sent".into()),
        };
        let format = match (is_json, filter.messages_only) {
            (true, _) => Format::Json,
            (false, true) => Format::Messages,
            (false, false) => Format::People(people::Lines::default()),
        };
        Ok(Some(Self { source, format, filter, color }))
    }
}

fn role(text: &str) -> Result<Role, &'static str> {
    match text {
        "client" => Ok(Role::Client),
        "server" => Ok(Role::Server),
        _ => Err("client or server"),
    }
}

fn choice(text: &str) -> Result<anstream::ColorChoice, &'static str> {
    match text {
        "auto" => Ok(anstream::ColorChoice::Auto),
        "always" => Ok(anstream::ColorChoice::Always),
        "never" => Ok(anstream::ColorChoice::Never),
        _ => Err("auto, always or never"),
    }
}
