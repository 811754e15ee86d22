use proptest::prelude::*;

use super::*;

#[test]
fn a_boot_parameter_is_found_by_its_whole_name_and_the_last_one_wins() {
    let line = "quiet isolcpus=1 nohz_full=2-3 isolcpus=2-3 x=\"a\" -- nosmt=force idle=poll";
    let check = |name, expected| assert_eq!(parameter(line, name), expected, "{name}");
    check("quiet", Some(""));
    check("isolcpus", Some("2-3"));
    check("nohz_full", Some("2-3"));
    check("nohz", None);
    check("x", Some("a"));
    check("idle", None);
    check("", None);
}

#[test]
fn what_cannot_be_read_says_why() {
    let tree = Tree::at(Path::new("/no/such/root"));
    let absent = tree.read("/proc/cmdline");
    assert_eq!(absent, Err(Unread::Absent("/proc/cmdline".to_owned())));
    assert!(Tree::machine().number::<u32>("/proc/version").is_err());
    assert!(matches!(Tree::machine().read("/proc"), Err(Unread::Other(_))));
}

proptest! {
    #[test]
    fn no_command_line_panics(line in "[a-z=, \"-]{0,60}", name in "[a-z]{0,5}") {
        let _ = parameter(&line, &name);
    }
}
