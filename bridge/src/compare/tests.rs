use super::*;

fn config(sections: &str) -> Config {
    let defaults = Config::load(None, std::iter::empty(), &[]).unwrap().to_toml();
    Config::from_effective(&format!("{defaults}\n{sections}"), &[]).unwrap()
}

fn options(a: &str, b: &str) -> CompareOptions {
    let (a, b) = (a.to_owned(), b.to_owned());
    let detect = stats::DETECT;
    CompareOptions { a, b, tape: None, live_s: None, seconds_per_block: 1, detect, json: false }
}

#[test]
fn the_control_is_what_a_is_and_the_given_configuration_wins_over_the_recorded_one() {
    let recorded = config(
        "[strategy.\"order_flow#x\".params]\nlosses_max = 5\n[strategy.wavetrend]\nregime = true",
    );
    let given = config("[strategy.order_flow.params]\nlosses_max = 7");
    let config = with_arms(recorded, &given, &options("order_flow#x", "order_flow")).unwrap();
    assert_eq!(config.session.strategies, ["order_flow#x", "order_flow", "order_flow#x.control"]);
    let chosen = setup::choose(&config).unwrap();
    assert!(chosen[A].is_same_as(&chosen[stats::CONTROL]));
    assert!(!chosen[A].is_same_as(&chosen[B]));
    let losses_max = |section: &str| config.strategies[section].params["losses_max"].as_integer();
    assert_eq!(losses_max("order_flow#x"), Some(5));
    assert_eq!(losses_max("order_flow"), Some(7));
    assert!(!config.strategies.contains_key("wavetrend"));
}

#[test]
fn a_control_never_takes_the_name_of_b() {
    let given = config("");
    let options = options("order_flow", "order_flow#control");
    let config = with_arms(given.clone(), &given, &options).unwrap();
    let names = ["order_flow", "order_flow#control", "order_flow#control_"];
    assert_eq!(config.session.strategies, names);
}

#[test]
fn a_share_is_a_percentage_within_reason() {
    for (text, want) in [("10%", 0.1), ("10", 0.1), ("2.5 %", 0.025), ("1000%", 10.0)] {
        assert!((share_of(text).unwrap() - want).abs() < 1e-12, "{text}");
    }
    for text in ["", "x%", "0.5%", "1001%", "-10%", "nan"] {
        assert!(share_of(text).unwrap_err().contains("1% to 1000%"), "{text}");
    }
}

#[test]
fn a_live_comparison_has_every_part_and_claims_nothing_of_three_seconds() {
    let sets = [
        ("exchange.rate", toml::Value::Float(8.0)),
        ("exchange.history_minutes", toml::Value::Integer(400)),
        ("logs.dir", toml::Value::String(String::new())),
    ];
    let overrides = sets.map(|(key, value)| (key.to_owned(), value));
    let given = Config::load(None, std::iter::empty(), &overrides).unwrap();
    let options = CompareOptions { live_s: Some(3), ..options("order_flow", "order_flow#b") };
    let of = live(&options, 3, &given, &mut Terminal::new(true)).unwrap();
    assert_eq!(of.names, ["order_flow", "order_flow#b", "order_flow#control"]);
    assert!(of.source.ends_with(", live"), "{}", of.source);
    let blocks = u64::try_from(of.blocks).unwrap();
    assert!(blocks < of.settings.blocks_min, "{blocks} blocks of three seconds");
    for row in of.service.iter().chain(&of.response) {
        assert!(matches!(row.verdict, stats::Verdict::NotEnough { ticks } if ticks > 0), "{row:?}");
        assert_eq!((row.interval, row.floor, row.detectable), (None, None, None));
    }
    assert!(of.notes.iter().any(|note| note.contains("one strategy with the same parameters")));
    let json = json::json(&of);
    for table in ["service", "response"] {
        let rows = json[table].as_array().unwrap();
        let names: Vec<_> = rows.iter().map(|row| row["percentile"].as_str().unwrap()).collect();
        assert_eq!(names, ["p50", "p90", "p99", "p99.9"]);
        assert!(rows.iter().all(|row| row["missing_ticks"].as_u64().unwrap() > 0), "{rows:?}");
    }
    assert_eq!(json["method"]["detect"], 0.1);
    let text = text::text(&of);
    assert!(text.contains("not enough data for p50, p90, p99, p99.9"), "{text}");
}
