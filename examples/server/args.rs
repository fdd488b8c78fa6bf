//! The command line.

use core::net::SocketAddr;
use core::str::FromStr;
use std::net::ToSocketAddrs;

pub(crate) struct Options {
    pub(crate) addresses: Vec<SocketAddr>,
    /// The greatest size of a received message in bytes.
    pub(crate) max_message: u64,
    /// The most bytes of one read or write of a socket.
    pub(crate) trickle: usize,
    /// The most bytes that the machine is fed at once.
    pub(crate) slice: usize,
    pub(crate) verbose: bool,
}

impl Options {
    /// Parses the arguments; `None` stands for a request for help.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut address = None;
        let mut options = Self {
            addresses: Vec::new(),
            max_message: 16 * 1024 * 1024,
            trickle: usize::MAX,
            slice: usize::MAX,
            verbose: false,
        };
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-h" | "--help" => return Ok(None),
                "-v" | "--verbose" => options.verbose = true,
                "--max-message" => options.max_message = bytes(&arg, args.next())?,
                "--trickle" => options.trickle = bytes(&arg, args.next())?,
                "--slice" => options.slice = bytes(&arg, args.next())?,
                _ if arg.starts_with('-') => return Err(format!("unknown option {arg}")),
                _ if address.is_some() => return Err(format!("one address is enough: {arg}")),
                _ => address = Some(arg),
            }
        }
        let address = address.as_deref().unwrap_or("127.0.0.1:9001");
        options.addresses = address
            .to_socket_addrs()
            .map_err(|_| format!("not an address with a port, like 127.0.0.1:9001: {address}"))?
            .collect();
        Ok(Some(options))
    }
}

/// Parses a number of bytes that is not zero.
fn bytes<T: FromStr + PartialOrd + From<u8>>(
    option: &str,
    value: Option<String>,
) -> Result<T, String> {
    value
        .and_then(|value| value.parse().ok())
        .filter(|bytes| *bytes > T::from(0))
        .ok_or(format!("{option} needs a number of bytes above zero"))
}

pub(crate) const HELP: &str = "\
An echo and chat server for WebSockets, with a page to try it in a browser.

Usage: server [ADDR] [OPTIONS]

  ADDR                 where to listen; default: 127.0.0.1:9001
  --max-message BYTES  the greatest size of a received message; default: 16777216
  --verbose            tells of each connection that opens and closes
  --trickle BYTES      cuts each read and write of a socket to this size
  --slice BYTES        cuts what was read into slices of this size
  --help               prints this

  /          the page, or an echo to a WebSocket, as at /echo
  /chat      tells each text to all who are there
  /selftest  helps the page to test the server
";
