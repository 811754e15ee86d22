use super::*;

#[track_caller]
fn check_file(path: &str, text: &str, expected: &[&str]) {
    let said: Vec<_> = check(path, text.as_bytes())
        .iter()
        .map(|complaint| format!("{}: {}", complaint.place, complaint.what))
        .collect();
    assert_eq!(said, expected);
}

#[test]
fn a_tidy_file_is_left_alone() {
    check_file("core/src/a.rs", "//! What it is.\nfn f() {}\n", &[]);
    check_file("README.md", "caf\u{e9}\n", &[]);
    check_file("a.png", "\u{0}", &[]);
}

#[test]
fn a_file_starts_with_its_docs() {
    check_file("core/src/a.rs", "fn f() {}\n", &["core/src/a.rs: does not start with `//!`"]);
    for exempt in ["core/src/a/tests.rs", "fuzz/fuzz_targets/x.rs", "strategies/build.rs"] {
        check_file(exempt, "fn f() {}\n", &[]);
    }
    check_file("core/src/nottests.rs", "", &["core/src/nottests.rs: does not start with `//!`"]);
}

#[test]
fn a_file_is_not_long() {
    let lines = |count: usize| format!("//! Docs.\n{}", "\n".repeat(count - 1));
    check_file("core/src/a.rs", &lines(600), &[]);
    check_file("core/src/a.rs", &lines(601), &["core/src/a.rs: 601 lines are over 600"]);
}

#[test]
fn source_is_ascii() {
    check_file("core/src/a.rs", "//! A.\n// \u{2014}\n", &["core/src/a.rs:2: is not ASCII"]);
    check_file("Cargo.toml", "# \u{2014}\n", &["Cargo.toml:1: is not ASCII"]);
}

#[test]
fn unfinished_work_is_named() {
    let todo = concat!("TO", "DO");
    let bare = format!("a.rs:2: has a bare {todo}");
    check_file("a.rs", &format!("//! A.\n// {todo}: later\n"), &[&bare]);
    check_file("a.rs", &format!("//! A.\n// {todo}(ADR-3): later\n// MY{todo}S\n"), &[]);
    for (word, _) in WORDS {
        let want = format!("a.rs:2: has `{word}`");
        check_file("a.rs", &format!("//! A.\n{word}\n"), &[&want]);
    }
}

#[test]
fn blobs_are_refused_save_the_lock_file() {
    let blob = vec![0xff; BLOB_BYTES_MAX + 1];
    assert_eq!(check("day.bin", &blob).len(), 1);
    assert_eq!(check("day.bin", &blob[1..]), []);
    assert_eq!(check("Cargo.lock", &blob), []);
}

#[test]
fn leftovers_of_tools_are_refused() {
    check_file("core/src/a.rs.orig", "", &["core/src/a.rs.orig: is a tool's leftover"]);
}

#[test]
fn paths_of_one_machine_are_refused_in_any_text() {
    for path in MACHINE_PATHS {
        let want = format!("README.md:1: names {path}");
        check_file("README.md", &format!("see {path}x\n"), &[&want]);
    }
    check_file("README.md", "a workflow, the root, rework/it\n", &[]);
}

#[test]
fn unsafe_code_stands_in_one_room() {
    let word = concat!("un", "safe");
    let block = format!("//! A.\nlet x = {word} {{ f() }};\n");
    check_file("core/src/a.rs", &block, &[&format!("core/src/a.rs:2: has {word} code")]);
    check_file("core/rt/src/a.rs", &block, &[]);
    let told = format!("//! No {word} here.\n#![deny({word}_code)]\nlet s = \"{word} \\\" \";\n");
    check_file("core/src/a.rs", &told, &[]);
}

#[test]
fn pure_rooms_do_not_touch_the_outside() {
    let text = "//! A.\nuse std::fs::File; // std::net\n";
    check_file("strategies/src/a.rs", text, &["strategies/src/a.rs:2: uses std::fs"]);
    check_file("strategies/exec/src/a.rs", text, &["strategies/exec/src/a.rs:2: uses std::fs"]);
    for open in ["bridge/src/a.rs", "strategies/build.rs", "strategies/src/a/tests.rs"] {
        check_file(open, text, &[]);
    }
}
