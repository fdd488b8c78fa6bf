//! What all connections use, in turn.

use core::fmt;
use std::io::{self, Write};

use mio::net::TcpStream;
use websocket_proto::{Config, Prepared};

use crate::args::Options;
use crate::backlog::Backlog;

pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) config: Config,
    /// What was read last.
    pub(crate) input: Box<[u8]>,
    /// What is to be written, for a connection without a backlog.
    pub(crate) output: Backlog,
    /// What was said in the chat and is to be told to all.
    pub(crate) said: Vec<Prepared>,
}

impl Shared {
    pub(crate) fn new(options: Options, config: Config) -> Self {
        Self {
            config,
            input: vec![0; READ_AT_MOST.min(options.trickle)].into_boxed_slice(),
            output: Backlog::default(),
            said: Vec::new(),
            options,
        }
    }

    pub(crate) fn log(&self, socket: &TcpStream, what: fmt::Arguments<'_>) {
        if self.options.verbose {
            match socket.peer_addr() {
                Ok(address) => tell(format_args!("{address} {what}")),
                Err(_) => tell(format_args!("(gone) {what}")),
            }
        }
    }
}

/// Prints a line, if somebody is there to read it: the server is not to end for want of a terminal.
pub(crate) fn tell(what: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{what}");
}

const READ_AT_MOST: usize = 64 * 1024;
