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
