use proptest::prelude::*;

use super::*;

/// A line of `/proc/PID/stat` with these fields and zeros between.
fn line(name: &str, state: char, flags: u64, core: usize, policy: u32) -> String {
    let between = "0 ".repeat(29);
    format!("7 ({name}) {state} 1 7 7 0 -1 {flags} {between}{core} 0 {policy} 0 0")
}

#[track_caller]
fn check(name: &str, state: char, flags: u64, core: usize, policy: u32, is_kernel: bool) {
    let expected = Task { process: 7, name: name.to_owned(), state, is_kernel, core, policy };
    assert_eq!(parse(7, &line(name, state, flags, core, policy)), Some(expected));
}

#[test]
fn fields_are_counted_from_the_last_bracket() {
    check("sshd", 'S', 0x0040_0000, 3, 0, false);
    check("kworker/3:1-ev", 'I', 0x0420_8060, 3, 0, true);
    check("a) R (b", 'R', 0, 12, 1, false);
    for short in ["", "7 (x", "7 (x) R", "no brackets"] {
        assert_eq!(parse(7, short), None, "{short:?}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "[()0-9RS a-]{0,80}") {
        let _ = parse(1, &text);
    }
}
