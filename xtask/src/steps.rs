//! The checks of `cargo xtask test`, one row each, in the order they run.
//!
//! Cheap ones stand first, so that a slip is told in seconds. A row is data; `run` executes it.

use crate::tools::{CARGO_FUZZ, CHROMEDRIVER, CXX, DENY, NEXTEST, POSTGRES, PROMTOOL, Tool};

/// One check.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) action: Action,
}

/// What a check does.
#[derive(Debug)]
pub(crate) enum Action {
    /// The house rules, in this process.
    Tidy,
    /// Instructions of the hot functions, counted and compared.
    Icount,
    /// The release binary against a bad world.
    World,
    /// Commands one after another.
    Commands(&'static [Cmd]),
    /// Commands that need a tool; `otherwise` runs, loudly, where it cannot be had.
    Needs { tools: &'static [Tool], commands: &'static [Cmd], otherwise: &'static [Cmd] },
}

/// One command.
#[derive(Debug)]
pub(crate) struct Cmd {
    pub(crate) args: &'static [&'static str],
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// Its output is read for counts and times of tests.
    pub(crate) has_tests: bool,
    /// A file without which there is nothing to check.
    pub(crate) only_with: Option<&'static str>,
}

const fn cmd(args: &'static [&'static str]) -> Cmd {
    Cmd { args, env: &[], has_tests: false, only_with: None }
}

const fn tests(args: &'static [&'static str]) -> Cmd {
    Cmd { has_tests: true, ..cmd(args) }
}

const PAGE_TESTS: &[&str] =
    &["cargo", "test", "--release", "-p", "paperwire-tests", "--test", "page", "--locked"];
/// Of one selection of packages, so that nothing is compiled twice: the filter picks what is run.
const fn rooms(filter: &'static str) -> [&'static str; 9] {
    [
        "cargo",
        "nextest",
        "run",
        "--workspace",
        "--exclude",
        "paperwire-tests",
        "--locked",
        "--no-fail-fast",
        filter,
    ]
}
const ROOMS: [&str; 9] = rooms("-Enot package(paperwire-history)");
const HISTORY_ROOM: [&str; 9] = rooms("-Epackage(paperwire-history)");
const HISTORY: [&str; 6] = ["cargo", "test", "-p", "paperwire-history", "--lib", "--locked"];

/// Every check. Tests that cross rooms replay whole sessions, so they run in release only.
pub(crate) const ALL: &[Step] = &[
    Step {
        name: "fmt",
        about: "formatting; lists the files that `cargo fmt --all` would change",
        action: Action::Commands(&[
            cmd(&["cargo", "fmt", "--all", "--", "--check", "-l"]),
            cmd(&["cargo", "fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]),
            // Strategies are found by a build script, which `cargo fmt` does not follow.
            cmd(&["sh", "-c", "rustfmt --edition 2024 --check strategies/src/*.rs"]),
        ]),
    },
    Step { name: "tidy", about: "walls, lengths, docs and words", action: Action::Tidy },
    Step {
        name: "clippy",
        about: "clippy on all targets, warnings are errors",
        action: Action::Commands(&[cmd(&[
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ])]),
    },
    Step {
        name: "test",
        about: "all tests but those that cross rooms and those of the history store",
        action: Action::Needs {
            tools: &[NEXTEST],
            commands: &[tests(&ROOMS)],
            otherwise: &[tests(&[
                "cargo",
                "test",
                "--workspace",
                "--exclude",
                "paperwire-tests",
                "--exclude",
                "paperwire-history",
                "--lib",
                "--bins",
                "--tests",
                "--locked",
                "--no-fail-fast",
            ])],
        },
    },
    Step {
        name: "history",
        about: "the history store, on SQLite and on a PostgreSQL that the tests start",
        action: Action::Needs {
            tools: &[POSTGRES, NEXTEST],
            commands: &[tests(&HISTORY_ROOM)],
            // The same tests; without a server those of a server say that there is none.
            otherwise: &[tests(&HISTORY)],
        },
    },
    Step {
        name: "doctest",
        about: "examples in the documentation",
        action: Action::Commands(&[tests(&["cargo", "test", "--workspace", "--doc", "--locked"])]),
    },
    Step {
        name: "doc",
        about: "the documentation builds without warnings",
        action: Action::Commands(&[Cmd {
            env: &[("RUSTDOCFLAGS", "-D warnings")],
            ..cmd(&["cargo", "doc", "--workspace", "--no-deps", "--locked"])
        }]),
    },
    Step {
        name: "release",
        about: "tests that cross rooms, in release: allocation guard, golden replay, recomputation",
        action: Action::Commands(&[tests(&[
            "cargo",
            "test",
            "--release",
            "-p",
            "paperwire-tests",
            "--test",
            "it",
            "--test",
            "truth",
            "--locked",
        ])]),
    },
    Step {
        name: "page",
        about: "the page in a real browser, its sockets, metrics and alerts",
        action: Action::Needs {
            tools: &[CHROMEDRIVER, PROMTOOL],
            commands: &[tests(PAGE_TESTS)],
            // What needs neither is tested all the same.
            otherwise: &[tests(PAGE_TESTS)],
        },
    },
    Step {
        name: "bench",
        about: "each benchmark body once",
        action: Action::Commands(&[cmd(&[
            "cargo",
            "test",
            "-p",
            "paperwire-benches",
            "--benches",
            "--locked",
        ])]),
    },
    Step {
        name: "icount",
        about: "instructions of the hot functions differ by at most 3 % from the baseline",
        action: Action::Icount,
    },
    Step {
        name: "deny",
        about: "licences, sources and doubles of dependencies, and advisories where a snapshot of them is",
        action: Action::Needs {
            tools: &[DENY],
            commands: &[
                Cmd {
                    only_with: Some("deny.toml"),
                    ..cmd(&["cargo", "deny", "--locked", "check", "bans", "licenses", "sources"])
                },
                // A test does not fetch the snapshot; deny.toml says where it is put.
                Cmd {
                    only_with: Some("target/advisory-db"),
                    ..cmd(&["cargo", "deny", "--offline", "--locked", "check", "advisories"])
                },
            ],
            otherwise: &[],
        },
    },
    Step {
        name: "fuzz",
        about: "the fuzz targets compile",
        action: Action::Needs {
            tools: &[CXX],
            commands: &[Cmd {
                only_with: Some("fuzz/Cargo.toml"),
                ..cmd(&["cargo", "check", "--manifest-path", "fuzz/Cargo.toml", "--locked"])
            }],
            otherwise: &[],
        },
    },
    Step {
        name: "fuzzcov",
        about: "the fuzz targets build with coverage, ready to run",
        action: Action::Needs {
            tools: &[CXX, CARGO_FUZZ],
            commands: &[Cmd {
                only_with: Some("fuzz/Cargo.toml"),
                ..cmd(&["cargo", "fuzz", "build", "--sanitizer", "none"])
            }],
            otherwise: &[],
        },
    },
];

/// The gate before a release: slow checks that are run by hand, on a machine with nothing else to do.
pub(crate) const GATE: &[Step] = &[
    Step {
        name: "world",
        about: "the release binary against hostile feeds, kills, full disks and floods, 434 rounds (an hour)",
        action: Action::World,
    },
    Step {
        name: "lab",
        about: "error rates of comparisons on made-up sessions, at full size",
        action: Action::Commands(&[Cmd {
            env: &[("SLOW_TESTS", "1")],
            ..tests(&[
                "cargo",
                "test",
                "--profile",
                "quick",
                "-p",
                "paperwire-lab",
                "--lib",
                "--locked",
                "simulation",
            ])
        }]),
    },
    Step {
        name: "market",
        about: "the built-in market: no free lunch over 200 seeds, stylised facts over four days",
        action: Action::Commands(&[Cmd {
            env: &[("SLOW_TESTS", "1")],
            ..tests(&[
                "cargo",
                "test",
                "--profile",
                "quick",
                "-p",
                "paperwire-exchange",
                "--lib",
                "--locked",
            ])
        }]),
    },
    Step {
        name: "pairs",
        about: "45 pairs of strategies in both orders and twice: no contradiction (hours; PAIRS=6 takes six)",
        action: Action::Commands(&[Cmd {
            env: &[("SLOW_TESTS", "1")],
            ..tests(&[
                "cargo",
                "test",
                "--release",
                "-p",
                "paperwire-bridge",
                "--test",
                "compare",
                "--locked",
            ])
        }]),
    },
];

/// The rows of a table that `--step NAME ...` asks for, in the table's order.
pub(crate) fn named(table: &'static [Step], args: &[&str]) -> Result<Vec<&'static Step>, String> {
    let mut names = Vec::new();
    for pair in args.chunks(2) {
        match pair {
            ["--step", name] if table.iter().any(|step| step.name == *name) => names.push(*name),
            ["--step", name] => {
                let known: Vec<_> = table.iter().map(|step| step.name).collect();
                return Err(format!("`{name}` is no step; there are {}", known.join(", ")));
            }
            _ => return Err(format!("`{}` is not understood", pair.join(" "))),
        }
    }
    Ok(table.iter().filter(|step| names.contains(&step.name)).collect())
}

#[cfg(test)]
mod tests;
