//! Checks 34, 35, 36 and 40: what Paperwire itself brings: its disk, database, build and secrets.

use std::os::unix::fs::PermissionsExt;

use paperwire_core::time::DurationNs;

use super::fix::Fix;
use super::tree::Unread;
use super::{Check, Outcome, Seen};
use crate::descriptors;

pub(super) const CHECKS: [Check; 4] = [
    Check {
        number: 34,
        name: "disk of logs and tapes",
        why: "a full or slow disk ends a recording; it never slows the engine",
        judge: disk,
    },
    Check {
        number: 35,
        name: "database",
        why: "a history that cannot be written piles up on the disk instead",
        judge: database,
    },
    Check {
        number: 36,
        name: "build",
        why: "a debug build is ten to fifty times slower, and its numbers mean nothing",
        judge: build,
    },
    Check {
        number: 40,
        name: "security",
        why: "the page commands strategies, the logs say what they do, and connections cost descriptors",
        judge: security,
    },
];

/// A captured session of three symbols had 87 frames a second of 200 bytes: 0.5 GB a symbol and day.
const BYTES_PER_SYMBOL_DAY: u64 = 500_000_000;

const SYNC_MAX: DurationNs = DurationNs::from_millis(10);

fn disk(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let disk = &seen.facts.disk;
    let free = disk.free_bytes.as_ref().map_err(|reason| Unread::Other(reason.clone()))?;
    let needed = disk.symbols.max(1) * BYTES_PER_SYMBOL_DAY;
    let mut read = format!("{}: {} GB free", disk.folder, free / 1_000_000_000);
    if *free < needed {
        let fix = Fix::advice("free some space, or set logs.dir to another disk");
        let read = format!("{read}; a day may need {:.1} GB", gigabytes(needed));
        return Ok(Outcome::warn(read, fix));
    }
    match &disk.sync_worst {
        None => Ok(Outcome::good(format!("{read}; writes not measured in the quick form"))),
        Some(Err(reason)) => Ok(Outcome::unknown(format!("{read}; writes: {reason}"))),
        Some(Ok(worst)) => {
            read = format!("{read}; the slowest of {} synced writes took {worst}", disk.sync_count);
            if *worst < SYNC_MAX {
                return Ok(Outcome::good(read));
            }
            let fix = Fix::advice("set logs.dir to a local SSD that nobody else writes to");
            Ok(Outcome::warn(read, fix))
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

fn database(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    match &seen.facts.database {
        None => Ok(Outcome::info("none configured: logs and tapes need none")),
        Some(Ok(found)) => Ok(Outcome::good(found.clone())),
        Some(Err(reason)) => {
            let fix = Fix::advice("start the database, or switch it off in the configuration");
            Ok(Outcome::warn(reason.clone(), fix))
        }
    }
}

fn build(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let build = &seen.facts.build;
    let read = format!(
        "{} {}, opt-level {}, debug assertions {}, CPU features {}, counting system allocator",
        env!("CARGO_PKG_VERSION"),
        build.commit,
        build.opt_level,
        if build.has_debug_assertions { "on" } else { "off" },
        build.cpu_level,
    );
    if build.opt_level == "3" && !build.has_debug_assertions {
        return Ok(Outcome::good(read));
    }
    Ok(Outcome::fail(read, Fix::shell("cargo build --release")))
}

fn security(seen: &Seen<'_>) -> Result<Outcome, Unread> {
    let demands = &seen.facts.demands;
    let mut problems = Vec::new();
    let mut fixes = Vec::new();
    for address in &demands.public_addresses {
        problems.push(format!("{address} is not on loopback"));
        fixes.push("bind to 127.0.0.1 and use an SSH tunnel".to_owned());
    }
    for key in &demands.secret_keys {
        problems.push(format!("the configuration holds a secret: {key}"));
        fixes.push(format!("give {key} by the environment"));
    }
    let folder = &seen.facts.disk.folder;
    let mode = std::fs::metadata(seen.tree.path(folder)).ok();
    let mode = mode.map(|found| found.permissions().mode() & 0o777);
    if mode.is_some_and(|mode| mode & 0o022 != 0) {
        problems.push(format!("others may write to {folder}"));
        fixes.push(format!("chmod go-w {folder}"));
    }
    let limits = seen.facts.descriptors.as_ref().map_err(|why| Unread::Other(why.clone()))?;
    let (strategies, most) = (demands.strategies, demands.page_connections_max);
    let (descriptors, is_low) = descriptors::shown(limits, strategies, most);
    if is_low {
        problems.push(descriptors.clone());
        fixes.push("ulimit -n 4096, or LimitNOFILE=4096 in the unit".to_owned());
    }
    if problems.is_empty() {
        let mode = mode.map_or_else(
            || format!("{folder} is not there yet"),
            |mode| format!("{folder} has mode {mode:03o}"),
        );
        let read = format!("no public address, no secret in the file; {mode}; {descriptors}");
        return Ok(Outcome::good(read));
    }
    Ok(Outcome::warn(problems.join("; "), Fix::advice(fixes.join("; "))))
}
