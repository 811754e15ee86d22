use paperwire_core::num::{Money, money_from_scaled};

use super::*;

fn load(text: &str) -> Result<Config, ConfigError> {
    let folder = std::env::temp_dir().join(format!("paperwire-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let name = Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    Config::load(Some(&path), std::iter::empty(), &[])
}

#[track_caller]
fn check(text: &str, message: &str) {
    let error = load(text).expect_err(text).to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn the_documented_defaults_are_in_force() {
    let config = Config::load(None, std::iter::empty(), &[]).unwrap();
    assert_eq!(config.session.symbols, ["BTC/USD", "XRP/USD", "XRP/BTC"]);
    assert_eq!(config.feed.depth, 25);
    assert_eq!(config.account.capital, 100);
    assert_eq!(Config::from_effective(&config.to_toml(), &[]).unwrap().hash(), config.hash());
}

#[test]
fn a_mistake_is_named_with_its_remedy() {
    check("[feed]\ndpeth = 10", "unknown key feed.dpeth; did you mean feed.depth?");
    check("[sesion]\nseed = 2", "unknown key sesion; did you mean session?");
    check("[feed]\ndepth = 11", "feed.depth = 11: expected 10, 25, 100, 500 or 1000");
    check("[feed]\nsilent_after_ms = 1", "feed.silent_after_ms = 1: expected 100 to 60000");
    check("[account]\ncapital = 0", "account.capital = 0");
    check("[venue.fees]\ntaker = \"x\"", "venue.fees.taker = x: not a decimal number");
    check("[account]\ntaker_fee = 1", "unknown key account.taker_fee");
    check(
        "[strategy.x]\nflip = \"turn\"",
        "strategy.x.flip = turn: expected \"reject\", \"reduce\"",
    );
    check("[strategy.x.risk]\nloss_max = -1", "strategy.x.risk.loss_max = -1: expected 0 to");
    check("[strategy.x]\nflop = 1", "unknown field `flop`");
    check("[session]\nsource = \"binance\"", "session.source = binance");
    check("[session]\nsymbols = []", "session.symbols = 0 entries: expected 1 to 64");
    check("[session]\nsymbols = [\"A/B\", \"A/B\"]", "listed twice");
    check("[threads]\nwait = \"sleep\"", "threads.wait = sleep");
    check("[threads]\nbusy_poll_us = 1001", "threads.busy_poll_us = 1001");
    check("[exchange]\nprofile = \"wild\"", "exchange.profile = wild: expected");
    check("[exchange]\nstart = \"today\"", "exchange.start = today: expected an instant such as");
    check("[bars]\ngap_policy = \"fill\"", "bars.gap_policy = fill");
    check("session = 3", "session = integer: expected a table");
    check("[feed", "TOML parse error");
    check("[feed]\ndepth = \"ten\"", "invalid type");
}

#[test]
fn later_layers_win() {
    let env =
        [("PAPERWIRE_FEED__DEPTH", "100"), ("PAPERWIRE_SESSION__SOURCE", "kraken"), ("PATH", "x")];
    let env = || env.iter().map(|(k, v)| ((*k).into(), (*v).into()));
    let config = Config::load(None, env(), &[]).unwrap();
    assert_eq!((config.feed.depth, config.session.source.as_str()), (100, "kraken"));
    let overrides = [("feed.depth".to_owned(), Value::Integer(500))];
    assert_eq!(Config::load(None, env(), &overrides).unwrap().feed.depth, 500);
    let bad = [("PAPERWIRE_FEED__DEPHT".into(), "1".into())].into_iter();
    let error = Config::load(None, bad, &[]).unwrap_err().to_string();
    assert!(error.contains("PAPERWIRE_FEED__DEPHT: unknown key feed.depht"), "{error}");
}

/// The message of a configuration with these variables.
fn with_env(env: &[(&str, &str)]) -> Result<Config, String> {
    let env = env.iter().map(|(name, text)| ((*name).into(), (*text).into()));
    Config::load(None, env, &[]).map_err(|error| error.to_string())
}

#[test]
fn a_variable_that_names_no_key_is_an_error_and_names_the_nearest() {
    for (name, nearest) in [
        ("PAPERWIRE_DASHBOARD_TOKEN", "did you mean PAPERWIRE_DASHBOARD__TOKEN?"),
        ("PAPERWIRE_TOKEN", "unknown variable PAPERWIRE_TOKEN"),
        ("PAPERWIRE_SESSION_SOURCE", "did you mean PAPERWIRE_SESSION__SOURCE?"),
        ("PAPERWIRE_", "unknown variable PAPERWIRE_: "),
        ("paperwire_feed__depth", "did you mean PAPERWIRE_FEED__DEPTH?"),
        ("PAPERWIRE_VENUE_FEES__TAKER", "unknown key venue_fees"),
    ] {
        let error = with_env(&[(name, "swordfish")]).unwrap_err();
        assert!(error.contains(nearest) && !error.contains("swordfish"), "{error}");
    }
    let others = [("PAPERWIRE_CAPTURES", "x"), ("PAPERWIRE", "x"), ("MYPAPERWIRE_X", "x")];
    assert!(with_env(&others).is_ok());
    use std::os::unix::ffi::OsStringExt;
    let bytes = OsString::from_vec(b"swordfish\xff".to_vec());
    for (name, is_ours) in [("PAPERWIRE_DASHBOARD__TOKEN", true), ("LC_PAPER", false)] {
        let found = Config::load(None, [(name.into(), bytes.clone())].into_iter(), &[]);
        let said = found.map(drop).map_err(|error| error.to_string());
        assert_eq!(said.is_err(), is_ours);
        assert!(said.err().is_none_or(|said| said.ends_with("the value is not UTF-8 text")));
    }
}

#[test]
fn no_message_repeats_a_secret_and_a_secret_may_look_like_anything() {
    for token in ["1234567890123456", "0x1234567890abcdef", "[1, 2, 3, 4, 5]", "12:30:00"] {
        let config = with_env(&[("PAPERWIRE_DASHBOARD__TOKEN", token)]).unwrap();
        assert_eq!(config.dashboard.token.as_ref().map(|token| token.reveal()), Some(token));
        let value = Config::value_of("dashboard.token", token);
        assert_eq!(value.as_str(), Some(token), "--set reads it as the environment does");
        let shown = config.to_toml();
        let shown = shown.lines().find(|line| line.starts_with("token = ")).unwrap();
        assert!(!shown.contains(token), "{shown}");
        assert!(!format!("{:?}", config.dashboard.token).contains(token));
    }
    let secret = "swordfish-0123456";
    for key in
        ["dashboard.token", "alerts.webhook_url", "alerts.discord_url", "alerts.telegram_token"]
    {
        let (table, key) = key.split_once('.').unwrap();
        for text in [
            format!("[{table}]\n{key} = [\"{secret}\"]"),
            format!("[{table}]\n{key} = {{ x = \"{secret}\" }}"),
            format!("[{table}]\n{key} = {secret} {secret}"),
            format!("[{table}]\n{key} = \"{secret}"),
            format!("{table} = \"{secret}\""),
            format!("[{table}]\n{key} = \"http://{secret}\"\nx = 1"),
        ] {
            let said = load(&text).map(drop).unwrap_err();
            let said = format!("{said} {said:?}");
            assert!(!said.contains("swordfish"), "{text}: {said}");
        }
        let number = load(&format!("[{table}]\n{key} = 99887766554433")).unwrap_err();
        assert!(!number.to_string().contains("99887766"), "{number}");
    }
}

#[test]
fn what_opens_an_address_is_refused_or_masked_wherever_it_stands() {
    for (key, url) in [
        ("session.source", "wss://me:swordfish@host/v2"),
        ("feed.rest_url", "https://me:swordfish@host"),
        ("feed.rest_url", "https://host?key=swordfish"),
        ("sentiment.fear_greed_url", "https://swordfish@host/"),
        ("alerts.telegram_url", "https://x:swordfish@host/"),
        ("history.url", "postgres://me:swordfish@host/db"),
        ("history.url", "postgres://me@host/db?password=swordfish"),
        ("history.url", "mysql://me:swordfish@host/db"),
    ] {
        let overrides = [(key.to_owned(), Value::String(url.to_owned()))];
        let error = Config::load(None, std::iter::empty(), &overrides).map(drop).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(key) && !error.contains("swordfish"), "{error}");
    }
    for (key, url) in [
        ("session.source", "wss://host/v2?key=swordfish"),
        ("sentiment.dominance_url", "https://host/global?x_cg_demo_api_key=swordfish"),
        ("sentiment.fear_greed_url", "https://host/fng/?key=swordfish"),
    ] {
        let overrides = [(key.to_owned(), Value::String(url.to_owned()))];
        let config = Config::load(None, std::iter::empty(), &overrides).unwrap();
        assert!(!config.to_toml().contains("swordfish"), "{}", config.to_toml());
        assert!(!config.source_name().contains("swordfish"));
        assert!(!format!("{:?}", config.sentiment).contains("swordfish"));
        let again = Config::from_effective(&config.to_toml(), &[]).unwrap();
        assert_eq!(again.hash(), config.hash(), "a mask is a value that is read again");
    }
}

#[test]
fn what_a_run_would_abort_on_is_refused_here() {
    check("[threads]\nfeed_core = 1024", "threads.feed_core = 1024: expected -1 or the number");
    check("[threads]\nengine_core = -2", "threads.engine_core = -2");
    check("[session]\nduration_s = 18446744073", "session.duration_s = 18446744073: expected 0 to");
    check("[session]\nduration_s = -1", "invalid value");
}

#[test]
fn parameters_of_strategies_are_free_here_and_exact_money_stays_exact() {
    let config = load(
        "[strategy.x]\nsymbols = [\"A/B\"]\nparams = { a = 1 }\n[account]\nrollover_fee = 0.0026",
    )
    .unwrap();
    assert_eq!(config.strategies["x"].params["a"].as_integer(), Some(1));
    assert_eq!(config.account.margin.rollover_fee, money_from_scaled(26, 4));
}

#[test]
fn a_section_of_a_strategy_overrides_single_limits() {
    let text = "[risk]\nposition_max = 40\nloss_max = 5\n[strategy.x.risk]\nloss_max = 2";
    let config = load(text).unwrap();
    let limits = config.strategies["x"].limits("x", config.risk.limits).unwrap();
    assert_eq!((limits.position_max, limits.loss_max), (Money::from_num(40), Money::from_num(2)));
}

#[test]
fn leverage_that_a_margin_call_would_follow_at_once_is_refused() {
    check("[account]\nlong_leverage = 4", "lower one of them until their product is below 1");
    check("[account]\nlong_leverage = 0\nshort_leverage = 0", "nothing may be traded");
    load("[account]\nlong_leverage = 0").unwrap();
}
