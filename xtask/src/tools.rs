//! What the checks need beyond the Rust toolchain, and how a machine that lacks it gets it.
//!
//! One row per tool. System packages are installed when the command runs as root on a machine with
//! `apt-get`; everything else is only named, as building a cargo tool takes minutes. What cannot be
//! had makes its check `SKIPPED`, never green.

use std::path::Path;
use std::process::{Command, Stdio};

/// A program that a check starts.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    /// Succeeds where the tool is there.
    pub(crate) check: &'static [&'static str],
    pub(crate) source: Source,
    pub(crate) why: &'static str,
}

/// Where a tool comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A Debian or Ubuntu package.
    System(&'static str),
    /// A crate with a cargo subcommand.
    Cargo(&'static str),
}

pub(crate) const NEXTEST: Tool = Tool {
    name: "cargo-nextest",
    check: &["cargo", "nextest", "--version"],
    source: Source::Cargo("cargo-nextest"),
    why: "a process per test, and their times",
};

pub(crate) const DENY: Tool = Tool {
    name: "cargo-deny",
    check: &["cargo", "deny", "--version"],
    source: Source::Cargo("cargo-deny"),
    why: "licences and sources of all dependencies",
};

pub(crate) const CARGO_FUZZ: Tool = Tool {
    name: "cargo-fuzz",
    check: &["cargo", "fuzz", "--version"],
    source: Source::Cargo("cargo-fuzz"),
    why: "the fuzz targets, built with coverage",
};

pub(crate) const CXX: Tool = Tool {
    name: "c++",
    check: &["c++", "--version"],
    source: Source::System("g++"),
    why: "the fuzzing engine is C++",
};

pub(crate) const VALGRIND: Tool = Tool {
    name: "valgrind",
    check: &["valgrind", "--version"],
    source: Source::System("valgrind"),
    why: "instructions of the hot functions",
};

pub(crate) const CHROMEDRIVER: Tool = Tool {
    name: "chromedriver",
    check: &["chromedriver", "--version"],
    source: Source::System("chromium-driver"),
    why: "the page is tested in a real browser",
};

pub(crate) const PROMTOOL: Tool = Tool {
    name: "promtool",
    check: &["promtool", "--version"],
    source: Source::System("prometheus"),
    why: "the metrics are what Prometheus reads",
};

/// Debian keeps the server's programs off the path, so that they are looked for where it puts them.
pub(crate) const POSTGRES: Tool = Tool {
    name: "postgres",
    check: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/initdb"],
    source: Source::System("postgresql"),
    why: "the history store on a real server",
};

/// True when the tool is there, or was just installed; otherwise why not.
pub(crate) fn ensure(tool: &Tool, root: &Path) -> Result<(), String> {
    if succeeds(tool.check, root) {
        return Ok(());
    }
    match tool.source {
        Source::Cargo(package) => Err(format!(
            "{} is not installed ({}); `cargo install {package} --locked` brings it",
            tool.name, tool.why
        )),
        Source::System(package) => {
            println!("{} is missing ({}): installing package {package}", tool.name, tool.why);
            let install = ["apt-get", "install", "-y", "--no-install-recommends", package];
            // A new machine has no package lists yet.
            let is_there = (succeeds(&install, root)
                || (succeeds(&["apt-get", "update"], root) && succeeds(&install, root)))
                && succeeds(tool.check, root);
            match is_there {
                true => Ok(()),
                false => Err(format!(
                    "{} is missing ({}) and could not be installed; install the system package \
                     {package} yourself",
                    tool.name, tool.why
                )),
            }
        }
    }
}

fn succeeds(command: &[&str], root: &Path) -> bool {
    let Some((program, args)) = command.split_first() else {
        return false;
    };
    Command::new(program)
        .args(args)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Where captured sessions are, if anywhere: `PAPERWIRE_CAPTURES`, else beside the repository.
pub(crate) fn captures(root: &Path) -> Result<(), String> {
    let dir = std::env::var_os("PAPERWIRE_CAPTURES")
        .map_or_else(|| root.join("../shared/kraken/ws"), Into::into);
    let has_capture = std::fs::read_dir(&dir).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.path().extension().is_some_and(|name| name == "tsv"))
    });
    match has_capture {
        true => Ok(()),
        false => Err("no captured session: tests that read one pass without it; set \
                      PAPERWIRE_CAPTURES"
            .to_owned()),
    }
}

/// Whether a TimescaleDB can be tested: installed for a server of this machine, or at the address that
/// `PAPERWIRE_TIMESCALE_URL` names.
pub(crate) fn timescale(root: &Path) -> Result<(), String> {
    let find = &["sh", "-c", "ls /usr/lib/postgresql/*/lib/timescaledb.so"];
    match std::env::var_os("PAPERWIRE_TIMESCALE_URL").is_some() || succeeds(find, root) {
        true => Ok(()),
        false => {
            Err("TimescaleDB is not installed (Debian has no package): hypertables, roll-ups, \
                      compression and retention are not seen; set PAPERWIRE_TIMESCALE_URL"
                .to_owned())
        }
    }
}

/// `cargo run` describes this package in the environment; build scripts that watch those variables would be
/// run again each time.
pub(crate) fn forget_this_package(child: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_this_package) {
            child.env_remove(&name);
        }
    }
}

fn is_of_this_package(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}
