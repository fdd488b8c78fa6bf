//! A server as a process of its own, and what Linux tells of it.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::Result;

/// Ended when it is dropped.
pub struct Server(Child);

impl Server {
    /// Starts a server, and waits until it takes connections.
    pub fn start(program: &Path, subcommand: Option<&str>, address: SocketAddr) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(subcommand).arg(address.to_string()).stdout(Stdio::null());
        let server = Self(command.spawn()?);
        for _ in 0..100 {
            if TcpStream::connect(address).is_ok() {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{} does not take connections", program.display()).into())
    }

    pub fn resident_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let figure = line.and_then(|line| line.split_whitespace().next());
        Ok(figure.ok_or("no resident memory is told")?.parse()?)
    }

    /// CPU time of the process so far, in user and in system mode.
    pub fn cpu_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // The name, in parentheses, may have spaces; behind it the 12th and 13th fields are meant.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let mut ticks = 0;
        for field in fields.split_whitespace().skip(11).take(2) {
            ticks += field.parse::<u64>()?;
        }
        Ok(Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds the `server` example beside this program, and returns where it is.
pub fn build_example() -> Result<PathBuf> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let this = std::env::current_exe()?;
    let target = this.ancestors().nth(2).ok_or("this program lies nowhere")?;
    let status = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--quiet", "--release", "--example", "server", "--manifest-path", manifest])
        .arg("--target-dir")
        .arg(target)
        .status()?;
    match status.success() {
        true => Ok(target.join("release/examples/server")),
        false => Err("the server example does not build".into()),
    }
}
