//! One round: a folder, the binary, what it said and how it ended.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longest time of anything that ends by itself.
const PATIENCE: Duration = Duration::from_secs(120);
/// A quick start: no history to make up, no page, nothing to fetch.
const QUICK: [&str; 6] = [
    "--set",
    "feed.warmup=false",
    "--set",
    "exchange.history_minutes=1",
    "--set",
    "session.strategies=[\"flow_pulse\", \"order_flow\"]",
];

/// A round of a scenario.
pub(crate) struct Round {
    binary: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) number: u32,
    random: u64,
    started: u32,
}

/// A program that runs.
pub(crate) struct Running {
    child: Child,
    out: PathBuf,
    err: PathBuf,
}

/// How it ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Round {
    pub(crate) fn new(binary: &Path, scenario: &str, number: u32) -> Result<Self, String> {
        let name = format!("paperwire-world-{}-{scenario}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let random = 0x9e37_79b9_7f4a_7c15 ^ u64::from(number).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Ok(Self { binary: binary.to_owned(), folder, number, random, started: 0 })
    }

    /// The program.
    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// A number below `most`, the same in each repetition of the round.
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        (self.random >> 33) % most.max(1)
    }

    /// Writes a file of the round's folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf, String> {
        let path = self.folder.join(name);
        fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// Starts the program in a folder.
    pub(crate) fn start_in(&mut self, folder: &Path, args: &[&str]) -> Result<Running, String> {
        self.started += 1;
        let [out, err] =
            ["out", "err"].map(|end| self.folder.join(format!("{}.{end}", self.started)));
        let file = |path: &Path| File::create(path).map_err(|error| error.to_string());
        let child = Command::new(&self.binary)
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(file(&out)?)
            .stderr(file(&err)?)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.binary.display()))?;
        Ok(Running { child, out, err })
    }

    pub(crate) fn start(&mut self, args: &[&str]) -> Result<Running, String> {
        let folder = self.folder.clone();
        self.start_in(&folder, args)
    }

    /// A session on the built-in exchange of so many seconds.
    pub(crate) fn session(&mut self, seconds: u32, more: &[&str]) -> Result<Running, String> {
        let duration = format!("{seconds}s");
        let args = ["run", "--json", "--duration", &duration];
        self.start(&[&args[..], &QUICK, more].concat())
    }

    /// The arguments of a session, for other folders.
    pub(crate) fn quick(more: &[&'static str]) -> Vec<&'static str> {
        [&["run", "--json", "--no-dashboard"][..], &QUICK, more].concat()
    }

    /// Plays a tape and asks for the same bytes.
    pub(crate) fn verify(&mut self, tape: &str) -> Result<(), String> {
        self.start(&["replay", tape, "--verify", "--json"])?.end()?.expect(&[0])
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        // What is left behind is in the system's folder for such things.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Running {
    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) -> Result<(), String> {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        match sent {
            Ok(status) if status.success() => Ok(()),
            _ => Err(format!("kill {name} failed: it had ended already")),
        }
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.err).unwrap_or_default()
    }

    /// Waits until it says something.
    pub(crate) fn until_said(&mut self, text: &str) -> Result<String, String> {
        let start = now();
        loop {
            let said = self.said();
            if said.contains(text) {
                return Ok(said);
            }
            if self.child.try_wait().ok().flatten().is_some() || start.elapsed() > PATIENCE {
                return Err(format!("it never said {text:?}: {said}"));
            }
            pause(20);
        }
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Result<Ended, String> {
        let start = now();
        let status = loop {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                break status;
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                return Err(format!("it did not end: {}", self.said()));
            }
            pause(20);
        };
        let text =
            |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        let ended = Ended { status, out: text(&self.out), err: text(&self.err) };
        if ended.err.contains("panicked at") {
            return Err(format!("it panicked: {}", ended.err));
        }
        Ok(ended)
    }
}

impl Ended {
    /// An error unless it ended with one of these codes.
    pub(crate) fn expect(&self, codes: &[i32]) -> Result<(), String> {
        if self.status.code().is_some_and(|code| codes.contains(&code)) {
            return Ok(());
        }
        let tail: String = self.err.chars().rev().take(600).collect();
        let tail: String = tail.chars().rev().collect();
        Err(format!("{} instead of {codes:?}: {tail}", self.status))
    }

    /// A number of its report.
    pub(crate) fn number(&self, key: &str) -> Result<u64, String> {
        let mark = format!("\"{key}\": ");
        let rest = self.out.split(&mark).nth(1).unwrap_or_default();
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        digits.parse().map_err(|_| format!("the report has no {key}"))
    }
}

#[expect(clippy::disallowed_methods, reason = "it waits for programs by the wall's clock")]
fn now() -> Instant {
    Instant::now()
}

/// Waits so many milliseconds.
#[expect(clippy::disallowed_methods, reason = "it waits for programs by the wall's clock")]
pub(crate) fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}
