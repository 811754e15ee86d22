use proptest::prelude::*;

use super::*;

const TABLE: &str = "            CPU0       CPU2
  24:          1          7  PCI-MSI 1-edge  eth0-rx-0
 LOC:       1000       2000   Local timer interrupts
 ERR:          0
";

#[test]
fn cores_are_taken_from_the_header_and_devices_are_the_numbered_lines() {
    let table = InterruptTable::parse(TABLE).unwrap();
    assert_eq!(table.device_count(2), 7);
    assert_eq!(table.device_count(1), 0, "a core that is off line");
    assert_eq!((table.count("LOC", 0), table.count("ERR", 0), table.count("NMI", 0)), (1000, 0, 0));
    let devices: Vec<_> =
        table.devices().map(|(number, line)| (number, line.device.clone())).collect();
    assert_eq!(devices, [(24, "PCI-MSI 1-edge eth0-rx-0".to_owned())]);
}

#[test]
fn a_difference_has_only_what_came_in_between() {
    let later = TABLE.replace("2000", "2400").replace(" 7 ", " 9 ");
    let delta =
        InterruptTable::parse(&later).unwrap().since(&InterruptTable::parse(TABLE).unwrap());
    assert_eq!((delta.device_count(2), delta.count("LOC", 2), delta.count("LOC", 0)), (2, 400, 0));
}

#[test]
fn the_total_of_a_core_is_the_sum_of_its_column() {
    assert_eq!((total(TABLE, 0), total(TABLE, 2)), (Some(1001), Some(2007)));
    assert_eq!((total(TABLE, 1), total("", 0)), (None, None));
}

#[test]
fn what_has_no_header_is_no_table() {
    for text in ["", "\n", "24: 1 2", "CPU0 CPUx"] {
        assert_eq!(InterruptTable::parse(text), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(lines in prop::collection::vec("[ A-Z0-9:]{0,30}", 0..6)) {
        let _ = InterruptTable::parse(&format!("CPU0 CPU1\n{}", lines.join("\n")));
    }
}
