//! Echo servers over loopback: `cargo run --release --manifest-path benches/Cargo.toml --bin loopback`.
//!
//! They run one after the other: the `server` example, one with tungstenite on the same event loop,
//! one with tokio-tungstenite on one thread. Each is a process of its own; the load comes from this one.

mod load;
mod process;
mod tokio_tungstenite;
mod tungstenite;

use std::env;
use std::error::Error;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use load::Load;
use process::Server;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const HELP: &str = "\
Loads three echo servers over loopback: messages of 125 bytes, one and then 16 under way a connection.

Usage: cargo run --release --manifest-path benches/Cargo.toml --bin loopback [-- --quick]

It takes about a minute and a half, with --quick a quarter of that, and builds the example first. It needs 5,100 open
files, and as many for a server.
";

const PAYLOAD: usize = 125;
const CONNECTIONS: [usize; 2] = [1000, 5000];
const DEPTHS: [usize; 2] = [1, 16];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        [] => compare(Duration::from_secs(5)),
        ["--quick"] => compare(Duration::from_secs(1)),
        ["--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        ["serve-tungstenite", address] => serve(address, tungstenite::serve),
        ["serve-tokio-tungstenite", address] => serve(address, tokio_tungstenite::serve),
        _ => {
            eprintln!("unknown arguments; --help shows what there is");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn serve(address: &str, server: fn(SocketAddr) -> Result<()>) -> Result<()> {
    server(address.parse()?)
}

fn compare(time: Duration) -> Result<()> {
    let example = process::build_example()?;
    let this = env::current_exe()?;
    println!(
        "{:20}{:>12}{:>7}{:>14}{:>10}{:>10}{:>14}{:>14}{:>14}",
        "server",
        "connections",
        "depth",
        "messages/s",
        "p50 ms",
        "p99 ms",
        "its CPU, us",
        "idle, KiB",
        "loaded, KiB",
    );
    for connections in CONNECTIONS {
        for (name, program, subcommand) in [
            ("websocket-proto", &example, None),
            ("tungstenite", &this, Some("serve-tungstenite")),
            ("tokio-tungstenite", &this, Some("serve-tokio-tungstenite")),
        ] {
            let address = free_address()?;
            let server = Server::start(program, subcommand, address)?;
            let mut load = Load::connect(address, connections, PAYLOAD)?;
            let idle = server.resident_kib()?;
            for depth in DEPTHS {
                let before = server.cpu_time()?;
                let report = load.run(depth, time)?;
                let cpu = (server.cpu_time()? - before).as_secs_f64() * 1e6;
                println!(
                    "{name:20}{connections:>12}{depth:>7}{:>14.0}{:>10.2}{:>10.2}{:>14.2}{idle:>14}{:>14}",
                    report.a_second,
                    report.median.as_secs_f64() * 1e3,
                    report.percentile_99.as_secs_f64() * 1e3,
                    cpu / report.messages as f64,
                    server.resident_kib()?,
                );
            }
        }
    }
    println!(
        "depth: messages under way a connection, sent at once; the time is that until the last is back"
    );
    println!(
        "its CPU: the server's, user and system, a message; memory: resident, all of the process"
    );
    Ok(())
}

/// A port that was free a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
