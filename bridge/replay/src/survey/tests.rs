use std::fmt::Write;
use std::path::PathBuf;

use super::*;

/// A capture in a file of its own.
struct Capture(PathBuf);

impl Capture {
    fn new(name: &str, frames: &[String]) -> Self {
        let file = format!("paperwire-survey-{name}-{}.tsv", std::process::id());
        let path = std::env::temp_dir().join(file);
        let mut text = String::new();
        for (index, frame) in frames.iter().enumerate() {
            writeln!(text, "{}\t{frame}", 1_000_000_000 + index).unwrap();
        }
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn survey(&self, wanted: &[&str]) -> Result<Survey, String> {
        let config = Config::load(None, std::iter::empty(), &[]).unwrap();
        let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
        let mut source = Source::open(&self.0).unwrap();
        survey(&mut source, &config, &wanted).map_err(|error| error.to_string())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn levels(rows: usize) -> String {
    let one = |row| format!(r#"{{"price":{}.0,"qty":1.00}}"#, 100 + row);
    (0..rows).map(one).collect::<Vec<_>>().join(",")
}

fn snapshot(name: &str, rows: usize) -> String {
    let levels = levels(rows);
    format!(
        r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":"{name}","bids":[{levels}],"asks":[{levels}],"checksum":1}}]}}"#
    )
}

fn ack(name: &str, depth: u16) -> String {
    format!(
        r#"{{"method":"subscribe","result":{{"channel":"book","depth":{depth},"snapshot":true,"symbol":"{name}"}},"success":true}}"#
    )
}

#[test]
fn the_depth_is_acknowledged_or_inferred_and_said() {
    let check = |name: &str, frames: &[String], depth: u16, said: Option<&str>| {
        let found = Capture::new(name, frames).survey(&[]).unwrap();
        assert_eq!(found.depth, depth, "{name}");
        let note = found.notes.iter().find(|note| note.contains("depth"));
        assert_eq!(note.map(String::as_str), said, "{name}");
    };
    check("acknowledged", &[ack("A/USD", 25), snapshot("A/USD", 7)], 25, None);
    let inferred = "depth 10 inferred from the snapshot of A/USD: no acknowledgement names it";
    check("inferred", &[snapshot("A/USD", 10)], 10, Some(inferred));
    check("thin", &[snapshot("A/USD", 3)], 10, Some(inferred));
    let deeper = "depth 100 inferred from the snapshot of A/USD: no acknowledgement names it";
    check("deeper", &[snapshot("A/USD", 26)], 100, Some(deeper));
}

#[test]
fn what_cannot_be_replayed_at_once_is_an_error_with_a_choice() {
    let many: Vec<String> = (0..65).map(|at| snapshot(&format!("S{at:02}/USD"), 10)).collect();
    let capture = Capture::new("many", &many);
    let error = capture.survey(&[]).map(|_| ()).unwrap_err();
    assert_eq!(
        error,
        "the capture holds 65 symbols, and at most 64 can be replayed at once; choose some, such as \
         --symbols S00/USD,S01/USD,S02/USD"
    );
    let chosen = capture.survey(&["S64/USD", "S01/USD"]).unwrap();
    let names: Vec<_> = chosen.listed.iter().map(|of| of.name.to_string()).collect();
    assert_eq!(names, ["S01/USD", "S64/USD"]);
    let absent = capture.survey(&["S01/USD", "S99/USD"]).map(|_| ()).unwrap_err();
    assert_eq!(absent, "the capture holds no book or trade of S99/USD");

    let mixed = [snapshot("A/USD", 10), snapshot("B/USD", 25)];
    let error = Capture::new("mixed", &mixed).survey(&[]).map(|_| ()).unwrap_err();
    assert!(error.contains("A/USD 10, B/USD 25") && error.contains("--symbols A/USD"), "{error}");
}

#[test]
fn digits_that_a_library_wrote_again_are_named() {
    let again = snapshot("A/USD", 10).replacen("1.00", "1.0", 1);
    let found = Capture::new("again", &[again]).survey(&[]).unwrap();
    let is_named = |note: &String| note.contains("the digits are not the wire's (1.0 beside 1.00)");
    assert!(found.notes.iter().any(is_named), "{:?}", found.notes);
}
