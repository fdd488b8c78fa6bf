//! A reader of captures: `cargo run --manifest-path examples/inspect/Cargo.toml -- examples/inspect/sample.pcap`.
//!
//! This is files and a terminal; the replay is in the library beside it.

mod options;

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anstream::AutoStream;
use indicatif::{ProgressBar, ProgressStyle};
use inspect::capture::Capture;
use inspect::print::{Filter, Format};
use inspect::replay::{Replay, dump};
use inspect::safe::escape;
use inspect::timeline::{Entry, What};
use options::{HELP, Options, Source};

fn main() -> ExitCode {
    let options = match Options::parse(env::args_os()) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> io::Result<()> {
    let out = AutoStream::new(io::stdout(), options.color).lock();
    let mut screen =
        Screen { out, format: options.format, filter: options.filter, lines: String::new() };
    match options.source {
        Source::Capture(path) => show_capture(&path, &mut screen),
        Source::Dump { client, server } => {
            let mut entries = Vec::new();
            let [client, server] = [client, server].map(|path| path.map(|path| read(&path)));
            dump(client.transpose()?, server.transpose()?, &mut entries);
            screen.show(&mut entries, &ProgressBar::hidden())?;
            screen.flush(&ProgressBar::hidden())
        }
    }
}

fn show_capture(path: &Path, screen: &mut Screen) -> io::Result<()> {
    let file = File::open(path).map_err(|error| named(path, &error))?;
    let len = file.metadata()?.len();
    let mut capture = Capture::open(file).ok_or_else(|| {
        let text = format!(
            "{} is neither pcap nor pcapng; for raw bytes there are --client and --server",
            path.display()
        );
        io::Error::new(ErrorKind::InvalidData, text)
    })?;
    let progress = if len < LARGE { ProgressBar::hidden() } else { progress_bar(len) };
    let (mut replay, mut entries) = (Replay::default(), Vec::new());
    while let Some(item) = capture.next() {
        replay.receive(item, &mut entries);
        screen.show(&mut entries, &progress)?;
        progress.set_position(capture.consumed() as u64);
    }
    progress.finish_and_clear();
    replay.finish(&mut entries);
    screen.show(&mut entries, &progress)?;
    screen.flush(&progress)
}

/// Where lines go.
struct Screen {
    out: AutoStream<io::StdoutLock<'static>>,
    format: Format,
    filter: Filter,
    lines: String,
}

impl Screen {
    fn show(&mut self, entries: &mut Vec<Entry>, progress: &ProgressBar) -> io::Result<()> {
        for entry in entries.drain(..) {
            match &entry.what {
                // Payloads come alone, and what is wrong with the capture is told all the same.
                What::Note(text) if self.filter.messages_only && entry.connection.is_none() => {
                    progress.suspend(|| eprintln!("{}", escape(text)));
                }
                _ if self.filter.takes(&entry) => self.format.print(&entry, &mut self.lines),
                _ => {}
            }
        }
        if self.lines.len() < ENOUGH { Ok(()) } else { self.flush(progress) }
    }

    fn flush(&mut self, progress: &ProgressBar) -> io::Result<()> {
        let result = progress.suspend(|| self.out.write_all(self.lines.as_bytes()));
        self.lines.clear();
        result
    }
}

/// A bar on the terminal behind standard error; if that is none, nothing.
fn progress_bar(len: u64) -> ProgressBar {
    let bar = ProgressBar::new(len);
    let style = "{wide_bar} {bytes} of {total_bytes}, {eta} to go";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// So many bytes of lines are written at once.
const ENOUGH: usize = 32 << 10;
/// A file of so many bytes takes long enough for a progress bar.
const LARGE: u64 = 16 << 20;
