use paperwire_core::instrument::SymbolId;

use super::*;

const BOOK: &str = r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":10.0,"qty":0.00000000},{"price":9.0,"qty":0.00000019}],"asks":[],"checksum":7,"timestamp":"2026-01-01T00:00:02.494708Z"}]}"#;

fn frame(topic: Topic, at_s: i64, text: &str) -> Frame {
    Frame { at: ExchNs::new(at_s * 1_000_000_000), topic, text: text.to_owned() }
}

/// Sends ten book and ten trade messages, one of each a second, and lists what came out changed.
fn changed(script: &str) -> Vec<(i64, Vec<String>)> {
    let mut running = Running::new(&Faults::parse(script).unwrap(), ExchNs::new(0));
    let trade = r#"{"timestamp":"2026-01-01T00:00:09.000000Z"}"#;
    let mut out = Vec::new();
    for second in 1..=10 {
        let book = frame(Topic::Book(SymbolId(0), 10), second, BOOK);
        let trade = frame(Topic::Trade(SymbolId(0)), second, trade);
        for sent in [book, trade] {
            let original = sent.text.clone();
            let got = running.on_frame(&sent, Some("BTC/USD"), |_| Some(("x".into(), "u".into())));
            if got.texts != [original] {
                out.push((second, got.texts));
            }
        }
    }
    out
}

#[test]
fn message_faults_strike_when_told_and_as_often() {
    let check = |script: &str, seconds: &[i64], part: &str| {
        let got = changed(&format!("[[fault]]\n{script}"));
        assert_eq!(got.iter().map(|g| g.0).collect::<Vec<_>>(), seconds, "{script}");
        let all = got.iter().flat_map(|g| g.1.clone()).collect::<Vec<_>>().join("|");
        assert!(all.contains(part), "{script}: {all}");
    };
    check("kind = 'bad_checksum'\nat_message = 3", &[3], "\"checksum\":6,");
    check("kind = 'bad_checksum'\nat_s = 4.5\ncount = 2", &[5, 6], "\"checksum\":6,");
    check("kind = 'bad_checksum'\nat_s = 1\ncount = 2\nevery_s = 3", &[1, 4], "\"checksum\":6,");
    check("kind = 'bad_checksum'\nat_s = 1\nsymbol = 'XRP/USD'", &[], "");
    check("kind = 'changed_digit'\nat_message = 1", &[1], "\"qty\":0.00000011}");
    check("kind = 'malformed'\nat_message = 1", &[1], "{\"channel\":\"book\"");
    check("kind = 'lost'\nat_message = 9\ncount = 5", &[9, 10], "");
    check("kind = 'crossed'\nat_message = 2", &[2], "|x");
    check("kind = 'duplicate_trades'\nat_message = 2", &[2], "Z\"}|{\"timestamp\"");
    check("kind = 'late_trades'\nat_s = 1\nduration_ms = 5500", &[1], "00:00:03.500000Z");
}

#[test]
fn timed_faults_begin_and_end() {
    let script = "[[fault]]\nkind = 'stall'\nat_s = 2\nduration_ms = 3000\ncount = 2\nevery_s = 10";
    let mut running = Running::new(&Faults::parse(script).unwrap(), ExchNs::new(0));
    let mut seen = Vec::new();
    for second in 0..20 {
        let mut turns = Vec::new();
        running.turn(ExchNs::new(second * 1_000_000_000), &mut turns);
        seen.extend(turns.into_iter().map(|turn| (second, turn)));
    }
    let (begin, end) = (Turn::Begin(FaultKind::Stall), Turn::End(FaultKind::Stall));
    assert_eq!(seen, [(2, begin), (5, end), (12, begin), (15, end)]);
    assert_eq!(running.fired(), 2);
}

#[test]
fn errors_name_the_line_and_the_key() {
    let check = |script: &str, line, part: &str| {
        let error = Faults::parse(script).unwrap_err();
        assert_eq!(error.line, line, "{error}");
        assert!(error.problem.contains(part), "{error}");
    };
    check("[[fault]]\nkind = 'explode'\nat_s = 1", 2, "explode");
    check("[[fault]]\nkind = 'drop'\nat_s = 1\nwhen = 2", 4, "when");
    check("\n\n[[fault]]\nkind = 'drop'", 3, "at_s or at_message");
    check("[[fault]]\nkind = 'stall'\nat_s = 1", 1, "duration_ms");
    check("[[fault]]\nkind = 'drop'\nat_s = 1\n[[fault]]\nkind = 'drop'\nat_s = -1", 4, "at_s");
    check("[[fault]]\nkind = 'drop'\nat_s = 1\ncount = 0", 1, "count");
    check("[[fault]]\nkind = ", 2, "");
    assert!(Faults::parse("").unwrap().is_empty());
}
