//! How files look: module docs, length, ASCII, unfinished work, size, machine paths, stray powers.
//!
//! Each rule sees one file at a time. Words that a rule looks for are put together from halves here,
//! so that this file does not break its own rules.

use super::Complaint;

const LINES_MAX: usize = 600;

const BLOB_BYTES_MAX: usize = 256 << 10;

/// Where the standard library's ways to the outside are closed.
const PURE_ROOMS: &[&str] =
    &["core/src/", "strategies/src/", "strategies/signals/src/", "strategies/exec/src/"];

/// Words that may not stand in source: the word, and why not.
const WORDS: &[(&str, &str)] = &[
    (concat!("FIX", "ME"), "a known defect is mended or has an issue before it merges"),
    (concat!("dbg", "!("), "debugging output does not merge"),
    (concat!("#[ig", "nore"), "a test that does not run rots; slow ones ask SLOW_TESTS instead"),
];

/// Extensions of what merges and editors leave behind.
const LEFTOVERS: &[&str] = &["orig", "rej", "bak", "swp"];

const MACHINE_PATHS: &[&str] = &[concat!("/ro", "ot/"), concat!("/wo", "rk/")];

const OUTSIDE: &[&str] = &["std::net", "std::fs", "std::process", "std::env"];

/// Checks one file by its path from the repository's root.
pub(crate) fn check(path: &str, bytes: &[u8]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if bytes.len() > BLOB_BYTES_MAX && path != "Cargo.lock" && path != "fuzz/Cargo.lock" {
        complaints.push(Complaint {
            place: path.to_owned(),
            what: format!("{} bytes are over {BLOB_BYTES_MAX}", bytes.len()),
            because: "what is committed is cloned for ever; make it in a test or fetch it",
        });
    }
    if LEFTOVERS.iter().any(|extension| has_extension(path, extension)) {
        complaints.push(Complaint {
            place: path.to_owned(),
            what: "is a tool's leftover".to_owned(),
            because: "history keeps old versions; beside the new one they only mislead",
        });
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return complaints;
    };
    let is_rust = has_extension(path, "rs");
    for (index, line) in text.lines().enumerate() {
        let place = || format!("{path}:{}", index + 1);
        for machine_path in MACHINE_PATHS {
            if line.contains(machine_path) {
                complaints.push(Complaint {
                    place: place(),
                    what: format!("names {machine_path}"),
                    because: "it is a path of one machine and means nothing on another",
                });
            }
        }
        if (is_rust || has_extension(path, "toml")) && !line.is_ascii() {
            complaints.push(Complaint {
                place: place(),
                what: "is not ASCII".to_owned(),
                because: "look-alike and invisible letters cannot be reviewed",
            });
        }
        if is_rust {
            check_line(path, &place, line, &mut complaints);
        }
    }
    if is_rust {
        check_rust_file(path, text, &mut complaints);
    }
    complaints
}

fn check_line(
    path: &str,
    place: &impl Fn() -> String,
    line: &str,
    complaints: &mut Vec<Complaint>,
) {
    let mut complain = |what: String, because| {
        complaints.push(Complaint { place: place(), what, because });
    };
    for (word, because) in WORDS {
        if line.contains(word) {
            complain(format!("has `{word}`"), because);
        }
    }
    let todo = concat!("TO", "DO");
    if has_word(line, todo) && !line.contains(concat!("TO", "DO(")) {
        complain(
            format!("has a bare {todo}"),
            "unfinished work names its issue or decision in brackets, or is finished",
        );
    }
    let code = code_of(line);
    if has_word(&code, concat!("un", "safe")) && !path.starts_with("core/rt/") {
        complain(
            concat!("has un", "safe code").to_owned(),
            "every such block stands in core/rt, with its proof",
        );
    }
    let is_pure = PURE_ROOMS.iter().any(|room| path.starts_with(room)) && !is_test_file(path);
    for outside in OUTSIDE {
        if is_pure && code.contains(outside) {
            complain(
                format!("uses {outside}"),
                "core, signals, strategies and exec are pure: the same events give the same bytes",
            );
        }
    }
}

fn check_rust_file(path: &str, text: &str, complaints: &mut Vec<Complaint>) {
    let has_docs = text.trim_start().starts_with("//!");
    if !has_docs && !is_test_file(path) && !is_exempt_from_docs(path) {
        complaints.push(Complaint {
            place: path.to_owned(),
            what: "does not start with `//!`".to_owned(),
            because: "a file says first what it is, who runs it and what it never does",
        });
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        complaints.push(Complaint {
            place: path.to_owned(),
            what: format!("{lines} lines are over {LINES_MAX}"),
            because: "a reader holds one file in the head; split it by idea",
        });
    }
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, last)| last == extension)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_test_file(path: &str) -> bool {
    file_name(path) == "tests.rs" || path.contains("/tests/")
}

fn is_exempt_from_docs(path: &str) -> bool {
    file_name(path) == "build.rs" || path.starts_with("fuzz/")
}

/// The line without its comment and the insides of its strings; good enough line by line.
fn code_of(line: &str) -> String {
    let mut code = String::new();
    let mut is_string = false;
    let mut chars = line.chars().peekable();
    while let Some(at) = chars.next() {
        match at {
            '\\' if is_string => {
                chars.next();
            }
            '"' => is_string = !is_string,
            '/' if !is_string && chars.peek() == Some(&'/') => break,
            _ if !is_string => code.push(at),
            _ => {}
        }
    }
    code
}

/// True if `word` stands in `text` not as a part of a longer name.
fn has_word(text: &str, word: &str) -> bool {
    let is_name = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    text.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|before| text.as_bytes().get(before));
        !is_name(before) && !is_name(text.as_bytes().get(at + word.len()))
    })
}

#[cfg(test)]
mod tests;
