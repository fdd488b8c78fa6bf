"""What scripts need of a machine, and how they get it: Rust for other targets, and programs.

As a command, `toolchain.py TARGET CRATES [PROGRAM PACKAGE]...` prints how to call cargo, one word a line, if it finds all
of it. Exit status: 77 when not, and it says what is missing.
"""

import fcntl
import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / os.environ.get("CARGO_TARGET_DIR", "target")

# Debian's compiler and its sources: the one that browsers are built with where there is one, as it is newer.
DEBIAN = [("rustc-web", "rust-web-src"), ("rustc", "rust-src")]


class Toolchain:
    """What to call cargo with, to build for a target."""

    def __init__(self, origin, environment, options):
        self.environment = environment
        self.options = options
        self.name = f"{' '.join(output('rustc', '--version', **environment).split()[:2])} of {origin}"


def find(target, crates, origins=("rustup", "debian")):
    """A toolchain that has these crates of the standard library for the target, or can build them, or None."""
    if "rustup" in origins and has_target(target):
        return Toolchain("rustup", {}, [])
    if "debian" in origins and (rustc := debian_rustc()):
        # It is a stable compiler, and to build a standard library is none of its features.
        environment = {"RUSTC": rustc, "RUSTC_BOOTSTRAP": "1"}
        if lld := find_lld():
            environment[variable(target, "LINKER")] = lld
        return Toolchain("Debian", environment, [f"-Zbuild-std={crates}"])
    return None


def variable(target, name):
    """The variable of the environment by which cargo is told something of a target."""
    return f"CARGO_TARGET_{target.upper().replace('-', '_')}_{name}"


def has_target(target):
    """Whether there is a core library for the target, which rustup may have to get."""
    libraries = Path(output("rustc", "--print", "target-libdir", "--target", target).strip())
    if not libraries.exists() and shutil.which("rustup"):
        subprocess.run(["rustup", "target", "add", target], stderr=subprocess.DEVNULL, timeout=300)
    return libraries.exists()


@functools.cache
def debian_rustc():
    """The path of Debian's compiler, if it comes with the sources of its standard library."""
    rustc, sources = "/usr/bin/rustc", Path("lib/rustlib/src/rust/library/core/Cargo.toml")
    for packages in [(), *DEBIAN]:
        if (not packages or apt_install(*packages)) and Path(rustc).exists():
            sysroot = Path(output(rustc, "--print", "sysroot").strip())
            if (sysroot / sources).exists():
                return rustc
    return None


def find_lld():
    """A linker for targets without an operating system, of which Debian's compiler has none of its own."""
    sysroot = Path(output("rustc", "--print", "sysroot").strip())
    ours = next(sysroot.glob("lib/rustlib/*/bin/rust-lld"), None)
    return str(ours) if ours else shutil.which("lld") or (apt_install("lld") and shutil.which("lld"))


@functools.cache
def host():
    return re.search(r"^host: (.*)$", output("rustc", "-vV"), re.MULTILINE)[1]


def has_program(name, package):
    """Whether a program is there, or could be installed."""
    return bool(shutil.which(name) or (apt_install(package) and shutil.which(name)))


def apt_install(*packages):
    """Whether packages could be installed. Of several scripts one does at a time, for apt-get does not wait for another."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
    nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "timeout": 600}
    TARGET.mkdir(parents=True, exist_ok=True)
    with open(TARGET / "apt-get.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            steps = ["update"], ["install", *packages]
            return all(subprocess.run(apt + step, **nothing).returncode == 0 for step in steps)
        except (FileNotFoundError, subprocess.TimeoutExpired):
            return False


def output(*command, input=None, **environment):
    run = {"stdout": subprocess.PIPE, "check": True, "text": True, "env": {**os.environ, **environment}}
    return subprocess.run(command, input=input, **run).stdout


def main(target, crates, *programs):
    for name, package in zip(programs[::2], programs[1::2]):
        if not has_program(name, package):
            skip(f"there is no {name}, and apt-get could not install it")
    if not (found := find(target, crates)):
        skip(f"neither rustup nor Debian's packages have Rust for {target} here")
    assignments = [f"{name}={value}" for name, value in found.environment.items()]
    print(*["env", *assignments, "cargo", "build", *found.options], sep="\n")


def skip(reason):
    print(f"SKIPPED: {reason}", file=sys.stderr)
    sys.exit(77)


if __name__ == "__main__":
    main(*sys.argv[1:])
