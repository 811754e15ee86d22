use super::*;

#[test]
fn steps_are_named_once_and_chosen_in_table_order() {
    for table in [ALL, GATE] {
        for (index, step) in table.iter().enumerate() {
            assert!(table[..index].iter().all(|other| other.name != step.name), "{}", step.name);
        }
    }
    let chosen = named(ALL, &["--step", "clippy", "--step", "fmt"]).unwrap();
    let names: Vec<_> = chosen.iter().map(|step| step.name).collect();
    assert_eq!(names, ["fmt", "clippy"]);
}

#[test]
fn a_wrong_choice_names_the_right_ones() {
    assert!(named(ALL, &["--step", "lint"]).unwrap_err().contains("there are fmt, tidy, clippy"));
    assert!(named(ALL, &["--steps", "fmt"]).unwrap_err().contains("not understood"));
    assert!(named(ALL, &["--step"]).unwrap_err().contains("not understood"));
}
