use proptest::prelude::*;

use super::*;

#[track_caller]
fn check_list(text: &str, expected: Option<&[usize]>) {
    let expected = expected.map(|cores| cores.iter().copied().collect::<CpuSet>());
    assert_eq!(CpuSet::from_list(text), expected, "{text:?}");
}

#[test]
fn lists_of_the_kernel_are_read_and_nonsense_is_refused() {
    check_list("", Some(&[]));
    check_list("\n", Some(&[]));
    check_list("(null)", Some(&[]));
    check_list("3", Some(&[3]));
    check_list("0-3,8,10-11\n", Some(&[0, 1, 2, 3, 8, 10, 11]));
    check_list("0-7:1/4", Some(&[0, 4]));
    check_list("0-7:2/4", Some(&[0, 1, 4, 5]));
    for bad in ["a", "1-", "-1", "3-1", "1,,2", "0-4000000000", "0-7:2", "0-7:2/0", "0-7:3/2"] {
        check_list(bad, None);
    }
}

#[track_caller]
fn check_mask(text: &str, expected: Option<&str>) {
    let found = CpuSet::from_mask(text).map(|set| set.to_string());
    assert_eq!(found.as_deref(), expected, "{text:?}");
}

#[test]
fn masks_have_words_of_32_bits_the_highest_first() {
    check_mask("0", Some("none"));
    check_mask("ff", Some("0-7"));
    check_mask("00000001,00000003", Some("0-1,32"));
    check_mask("ffffffffffffffff", Some("0-63"));
    check_mask("100000000,0", None);
    check_mask("xyz", None);
    check_mask("", None);
    assert_eq!(CpuSet::default().mask(), "0");
    assert_eq!(CpuSet::from_iter([0, 1, 64]).mask(), "1,00000000,00000003");
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(cores in prop::collection::btree_set(0usize..300, 1..40)) {
        let set: CpuSet = cores.iter().copied().collect();
        prop_assert_eq!(CpuSet::from_list(&set.to_string()), Some(set.clone()));
        prop_assert_eq!(CpuSet::from_mask(&set.mask()), Some(set));
    }

    #[test]
    fn no_text_panics(text in "[0-9a-f,:/ -]{0,40}") {
        let _ = (CpuSet::from_list(&text), CpuSet::from_mask(&text));
    }
}
