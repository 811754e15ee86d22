use paperwire_core::time::Rfc3339;

use super::*;

fn reel(frames: u64) -> Reel {
    let config = MarketConfig { history_minutes: 1, ..MarketConfig::new(5) };
    let symbols = ["BTC/USD", "XRP/USD", "NO/SUCH"].map(str::to_owned);
    Reel::render(&config, &symbols, 10, frames, DurationNs::ZERO).unwrap()
}

fn frame(reel: &Reel, index: u64, at: ExchNs) -> serde_json::Value {
    let (mut time, mut out) = (WireTime::default(), Vec::new());
    time.set(at);
    reel.write(index, &time, &mut out);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn every_time_of_a_frame_is_the_intended_one_and_nothing_else_changes() {
    let reel = reel(300);
    let at = ExchNs::parse_rfc3339(b"2031-12-31T23:59:59.000042Z").unwrap();
    for index in 0..reel.lap_len() {
        let (now, later) = (frame(&reel, index, at), frame(&reel, index, at.plus(STEP)));
        let rows = now["data"].as_array().unwrap();
        for (row, moved) in rows.iter().zip(later["data"].as_array().unwrap()) {
            assert_eq!(row["timestamp"], "2031-12-31T23:59:59.000042Z");
            assert_eq!(moved["timestamp"], "2032-01-01T00:00:00.000042Z");
            let (mut row, mut moved) = (row.clone(), moved.clone());
            for row in [&mut row, &mut moved] {
                row.as_object_mut().unwrap().remove("timestamp");
            }
            assert_eq!(row, moved);
        }
    }
}

#[test]
fn trades_are_numbered_without_a_gap_over_all_laps() {
    let reel = reel(400);
    let mut last = std::collections::BTreeMap::new();
    let mut trades = 0;
    for index in 0..3 * reel.lap_len() {
        let frame = frame(&reel, index, ExchNs::new(0));
        if frame["channel"] != "trade" {
            continue;
        }
        for row in frame["data"].as_array().unwrap() {
            let id = row["trade_id"].as_u64().unwrap();
            let before = last.insert(row["symbol"].to_string(), id);
            assert!(before.is_none_or(|before| id == before + 1), "{row}");
            trades += 1;
        }
    }
    assert!(trades > 30, "{trades}");
}

#[test]
fn a_lap_ends_with_the_books_it_began_with_and_takes_the_markets_time() {
    let reel = reel(200);
    let lap = reel.lap_len();
    let names: Vec<_> = (lap - 2..lap)
        .map(|index| frame(&reel, index, ExchNs::new(0)))
        .inspect(|frame| assert_eq!(frame["type"], "snapshot"))
        .map(|frame| frame["data"][0]["symbol"].to_string())
        .collect();
    assert_eq!(names, ["\"BTC/USD\"", "\"XRP/USD\""]);
    let dues: Vec<_> = (0..2 * lap).map(|index| reel.due(index)).collect();
    assert!(dues.is_sorted());
    let span = DurationNs::from_millis(700);
    let count = usize::try_from(reel.count_within(3, span)).unwrap();
    let end = dues[3].plus(span);
    assert!(dues[3 + count] >= end && dues[3 + count - 1] < end);
}

#[test]
fn a_wire_time_is_the_text_of_its_instant_wherever_it_comes_from() {
    let mut time = WireTime::default();
    for ns in [0, 999_999_999, 1_000_000_000, 1_767_225_600_123_456_789, 1_767_225_600_000_000_999]
    {
        let at = ExchNs::new(ns);
        time.set(at);
        assert_eq!(time.text(), Rfc3339 { at, fraction: 6 }.to_string().as_bytes());
    }
}
