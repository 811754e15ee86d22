use super::*;

const WORKSPACE: &str = "\
[workspace.lints.rust]
unsafe_code = \"forbid\"
unreachable_pub = \"deny\"
[workspace.lints.clippy]
perf = { level = \"deny\", priority = -1 } # groups first
todo = \"deny\"
[profile.release]
todo = 1
";

const COPIED: &str = "\
[package]
todo = \"x\"
# A comment.
[lints.rust]
unsafe_op_in_unsafe_fn = \"deny\"
unreachable_pub = \"deny\"
[lints.clippy]
undocumented_unsafe_blocks = \"deny\"
perf = { level = \"deny\", priority = -1 }
todo = \"deny\"
";

fn said(path: &str, manifest: &str) -> Vec<String> {
    check(path, manifest, WORKSPACE).into_iter().map(|complaint| complaint.what).collect()
}

#[test]
fn an_inherited_table_is_in_order_anywhere() {
    let inherited = "[package]\n[lints]\nworkspace = true\n";
    assert_eq!(said("feed/Cargo.toml", inherited), [""; 0]);
    assert_eq!(said(COPY, inherited), [""; 0]);
    // The same words under another heading are not the same.
    let elsewhere = "[package]\nworkspace = true\n[lints]\n";
    assert_eq!(said("feed/Cargo.toml", elsewhere), ["lacks `[lints] workspace = true`"]);
}

#[test]
fn only_the_one_copy_is_allowed() {
    assert_eq!(said(COPY, COPIED), [""; 0]);
    assert_eq!(said("feed/Cargo.toml", COPIED), ["lacks `[lints] workspace = true`"]);
}

#[test]
fn a_lint_lowered_dropped_or_added_in_the_copy_is_named() {
    let lowered = COPIED.replace("todo = \"deny\"", "todo = \"warn\"");
    assert_eq!(said(COPY, &lowered), ["lint clippy.todo is \"warn\", in the workspace \"deny\""]);
    let dropped = COPIED.replace("unreachable_pub = \"deny\"\n", "");
    let want = "lint rust.unreachable_pub is absent, in the workspace \"deny\"";
    assert_eq!(said(COPY, &dropped), [want]);
    let added = format!("{COPIED}extra = \"allow\"\n");
    assert_eq!(said(COPY, &added), ["lint clippy.extra is \"allow\", in the workspace absent"]);
}
