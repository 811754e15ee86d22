//! The scenarios: what the world does, and what must hold all the same.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use super::Trouble;
use super::play::{Ended, Round, pause};

/// A scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) rounds: u32,
    pub(crate) play: fn(&mut Round) -> Result<(), Trouble>,
}

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "feed",
        about: "a hostile feed over TLS: the run ends well, and its tape replays to the same bytes",
        rounds: 104,
        play: feed,
    },
    Scenario {
        name: "tape",
        about: "a damaged tape: no panic, and a tape that is not whole says so",
        rounds: 200,
        play: tape,
    },
    Scenario {
        name: "kill",
        about: "killed at a random moment: each whole line of the logs is JSON, and the next run starts",
        rounds: 100,
        play: kill,
    },
    Scenario {
        name: "full",
        about: "a full disk: what is missing is counted, and lost lines of logs and rows of history are exit code 4",
        rounds: 4,
        play: full,
    },
    Scenario {
        name: "read-only",
        about: "a folder that cannot be written: exit code 4 before anything is traded",
        rounds: 2,
        play: read_only,
    },
    Scenario {
        name: "deleted",
        about: "logs deleted while it runs: it ends by itself, and without a panic",
        rounds: 4,
        play: deleted,
    },
    Scenario {
        name: "flood",
        about: "500 idle and slow connections of the page: the feed connects again, an order is taken",
        rounds: 4,
        play: flood,
    },
    Scenario {
        name: "stop",
        about: "stopped and continued: books are fetched again, the tape replays to the same bytes",
        rounds: 4,
        play: stop,
    },
    Scenario {
        name: "two",
        about: "two runs in one folder: the second is refused or keeps to files of its own",
        rounds: 4,
        play: two,
    },
    Scenario {
        name: "pipe",
        about: "the reader of a pipe leaves: the command ends quietly",
        rounds: 8,
        play: pipe,
    },
];

const FAULTS: [&str; 13] = [
    "bad_checksum",
    "changed_digit",
    "malformed",
    "lost",
    "crossed",
    "duplicate_trades",
    "late_trades",
    "drop",
    "stall",
    "silent",
    "refuse",
    "rate_limit",
    "maintenance",
];

/// Each fault in eight variants: early or late, once or often, of one pair or of any, short or long.
fn feed(round: &mut Round) -> Result<(), Trouble> {
    let kind = FAULTS[round.number as usize % FAULTS.len()];
    let variant = round.number as usize / FAULTS.len();
    let is_timed = FAULTS[7..].contains(&kind);
    let at = match (is_timed, variant % 2) {
        (true, early) => format!("at_s = {}.0", 1 + 2 * early),
        (false, early) => format!("at_message = {}", 3 + 60 * early),
    };
    let of = if variant / 2 % 2 == 1 && !is_timed { "symbol = \"BTC/USD\"\n" } else { "" };
    let count = 1 + 4 * (variant / 4 % 2);
    let lasts = 500 + round.below(1500);
    let script = format!(
        "[[fault]]\nkind = \"{kind}\"\n{at}\n{of}count = {count}\nevery_s = 1.0\nduration_ms = {lasts}\n"
    );
    round.write("faults.toml", script)?;
    let faults = ["--set", "exchange.faults=faults.toml", "--set", "exchange.rate=8"];
    let rest = ["--no-dashboard", "--record", "t.tape", "--set", "feed.reconnect_min_ms=100"];
    let ended = round.session(6, &[&faults[..], &rest].concat())?.end()?;
    ended.expect(&[0])?;
    if ended.number("book_updates")? == 0 || ended.number("hot_allocs_total")? > 0 {
        return Err(Trouble::Failed("no book, or a warm thread allocated".to_owned()));
    }
    Ok(round.verify("t.tape")?)
}

fn tape(round: &mut Round) -> Result<(), Trouble> {
    round.session(3, &["--no-dashboard", "--record", "t.tape"])?.end()?.expect(&[0])?;
    let path = round.folder.join("t.tape");
    let mut bytes = fs::read(&path).map_err(|error| error.to_string())?;
    let len = bytes.len() as u64;
    let at = usize::try_from(round.below(len)).unwrap_or(0);
    match round.number % 5 {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << round.below(8),
        2 => {
            let end = (at + 512).min(bytes.len());
            bytes[at..end].fill(0);
        }
        3 => {
            let part = bytes[at..].to_vec();
            bytes.extend_from_slice(&part);
        }
        _ => {
            bytes.splice(at..at, [0xff; 37]);
        }
    }
    round.write("t.tape", bytes)?;
    // 0: what is left replays, and says that it is not whole; 1: its head is not one; 4: it is no tape.
    let ended = round.start(&["replay", "t.tape", "--json"])?.end()?;
    Ok(ended.expect(&[0, 1, 3, 4])?)
}

fn kill(round: &mut Round) -> Result<(), Trouble> {
    let mut running = round.session(60, &["--no-dashboard", "--record", "t.tape"])?;
    running.until_said("Ctrl-C ends the run")?;
    let delay_ms = 50 + round.below(3_000);
    pause(delay_ms);
    running.signal("-KILL")?;
    running.end()?;
    lines_are_json(&round.folder.join("logs"))?;
    let replayed = round.start(&["replay", "t.tape", "--json"])?.end()?;
    // Killed before the first block of the tape was written, it holds nothing, and says so.
    let is_empty =
        delay_ms < 1_500 && replayed.err.contains("the tape ends before the list of instruments");
    if !is_empty {
        replayed.expect(&[0])?;
    }
    Ok(round.session(2, &["--no-dashboard"])?.end()?.expect(&[0])?)
}

/// Every line but the last of a file, which a kill may cut.
fn lines_are_json(folder: &Path) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten().map(|entry| entry.path()) {
        if entry.is_dir() {
            lines_are_json(&entry)?;
        } else if entry.extension().is_some_and(|end| end == "jsonl") {
            let text = fs::read_to_string(&entry).unwrap_or_default();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let is_object = |line: &&str| line.starts_with('{') && line.ends_with('}');
            if let Some(line) = whole.lines().find(|line| !is_object(line)) {
                return Err(format!("{}: {line}", entry.display()));
            }
        }
    }
    Ok(())
}

/// A file system of its own; only root may make one.
struct Mount(std::path::PathBuf);

impl Mount {
    fn new(round: &Round, options: &str) -> Result<Self, Trouble> {
        let place = round.folder.join("disk");
        fs::create_dir_all(&place).map_err(|error| error.to_string())?;
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&place)
            .output();
        match mount {
            Ok(output) if output.status.success() => Ok(Self(place)),
            _ => {
                Err(Trouble::Lacking("a small file system can be mounted by root only".to_owned()))
            }
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Left behind, it is a few megabytes until the next start of the machine.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn on_disk(round: &mut Round, disk: &Mount, seconds: &'static str) -> Result<Ended, Trouble> {
    let args = Round::quick(&["--set", "exchange.rate=20", "--duration", seconds]);
    Ok(round.start_in(&disk.0, &args)?.end()?)
}

fn full(round: &mut Round) -> Result<(), Trouble> {
    let disk = Mount::new(round, "size=256k")?;
    let ended = on_disk(round, &disk, "12s")?;
    ended.expect(&[4])?;
    if ended.err.contains("rows of history are lost")
        || ended.err.contains("lack")
        || ended.err.contains("No space")
        || ended.out.contains("lack")
    {
        return Ok(());
    }
    Err(Trouble::Failed(format!("it does not say what is missing: {}", ended.err)))
}

fn read_only(round: &mut Round) -> Result<(), Trouble> {
    let disk = Mount::new(round, "size=256k,ro")?;
    Ok(on_disk(round, &disk, "12s")?.expect(&[4])?)
}

fn deleted(round: &mut Round) -> Result<(), Trouble> {
    let mut running = round.session(6, &["--no-dashboard", "--set", "exchange.rate=8"])?;
    running.until_said("Ctrl-C ends the run")?;
    pause(1_000);
    // A file may be made again in it meanwhile, which is no failure.
    let _ = fs::remove_dir_all(round.folder.join("logs"));
    Ok(running.end()?.expect(&[0, 4])?)
}

fn flood(round: &mut Round) -> Result<(), Trouble> {
    round.write(
        "drops.toml",
        "[[fault]]\nkind = \"drop\"\nat_s = 4.0\ncount = 30\nevery_s = 3.0\n",
    )?;
    let page = ["--set", "dashboard.bind=127.0.0.1:0", "--set", "exchange.faults=drops.toml"];
    let quick = ["--set", "feed.reconnect_min_ms=100"];
    let mut running = round.session(30, &[&page[..], &quick].concat())?;
    let mark = "dashboard at http://";
    let said = running.until_said(mark)?;
    let address = said.split(mark).nth(1).and_then(|rest| rest.lines().next());
    let address = address.unwrap_or_default().to_owned();
    let heads =
        ["", "GET / HTTP/1.1\r\nX-Slow: ", "POST /login HTTP/1.1\r\nContent-Length: 4000\r\n\r\n{"];
    let connect = |number: usize| {
        let mut stream = TcpStream::connect(&address).ok()?;
        stream.write_all(heads[number % 3].as_bytes()).ok()?;
        Some(stream)
    };
    let held: Vec<TcpStream> = (0..500).filter_map(connect).collect();
    pause(8_000);
    let body = "{\"target\":\"all\",\"verb\":\"kill\",\"confirm\":\"all\"}";
    let order = format!(
        "POST /api/control HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = String::new();
    let mut stream = TcpStream::connect(&address).map_err(|error| error.to_string())?;
    stream.write_all(order.as_bytes()).map_err(|error| error.to_string())?;
    stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
    let ended = running.end()?;
    drop(held);
    ended.expect(&[0])?;
    if !answer.starts_with("HTTP/1.1 202") {
        return Err(Trouble::Failed(format!("the order was not taken: {answer}")));
    }
    match ended.number("disconnects")? {
        0 | 1 => Err(Trouble::Failed("the feed did not come back in the flood".to_owned())),
        _ => Ok(()),
    }
}

fn stop(round: &mut Round) -> Result<(), Trouble> {
    let mut running = round.session(12, &["--no-dashboard", "--record", "t.tape"])?;
    running.until_said("Ctrl-C ends the run")?;
    pause(2_000);
    running.signal("-STOP")?;
    pause(if round.number == 0 { 90_000 } else { 4_000 });
    running.signal("-CONT")?;
    running.end()?.expect(&[0])?;
    Ok(round.verify("t.tape")?)
}

fn two(round: &mut Round) -> Result<(), Trouble> {
    let mut first = round.session(6, &["--no-dashboard"])?;
    first.until_said("Ctrl-C ends the run")?;
    round.session(2, &["--no-dashboard"])?.end()?.expect(&[0, 1, 4])?;
    first.end()?.expect(&[0])?;
    Ok(lines_are_json(&round.folder.join("logs"))?)
}

fn pipe(round: &mut Round) -> Result<(), Trouble> {
    let commands = [
        "--help",
        "config print",
        "strategies list --json",
        "strategies describe order_flow",
        "doctor --noise 0",
        "history stats",
        "run --duration 2s --no-dashboard",
        "nonsense",
    ];
    let command = commands[round.number as usize % commands.len()];
    let line = format!("\"$0\" {command} 2>&1 | head -n 1 | grep -c panicked");
    let output = Command::new("sh")
        .args(["-c", &line])
        .arg(round.binary())
        .current_dir(&round.folder)
        .output()
        .map_err(|error| error.to_string())?;
    match output.stdout.first() {
        Some(b'0') => Ok(()),
        _ => Err(Trouble::Failed(format!("{command}: it panicked"))),
    }
}
