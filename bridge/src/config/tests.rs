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
    check("[account]\ntaker_fee = \"x\"", "account.taker_fee = x: not a decimal number");
    check("[session]\nsource = \"binance\"", "session.source = binance");
    check("[session]\nsymbols = []", "session.symbols = 0 entries: expected 1 to 64");
    check("[session]\nsymbols = [\"A/B\", \"A/B\"]", "listed twice");
    check("[threads]\nwait = \"sleep\"", "threads.wait = sleep");
    check("[bars]\ngap_policy = \"fill\"", "bars.gap_policy = fill");
    check("session = 3", "session = 3: expected a table");
    check("[feed", "TOML parse error");
    check("[feed]\ndepth = \"ten\"", "invalid type");
}

#[test]
fn later_layers_win() {
    let env =
        [("PAPERWIRE_FEED__DEPTH", "100"), ("PAPERWIRE_SESSION__SOURCE", "kraken"), ("PATH", "x")];
    let env = || env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let config = Config::load(None, env(), &[]).unwrap();
    assert_eq!((config.feed.depth, config.session.source.as_str()), (100, "kraken"));
    let overrides = [("feed.depth".to_owned(), Value::Integer(500))];
    assert_eq!(Config::load(None, env(), &overrides).unwrap().feed.depth, 500);
    let bad = [("PAPERWIRE_FEED__DEPHT".to_owned(), "1".to_owned())].into_iter();
    let error = Config::load(None, bad, &[]).unwrap_err().to_string();
    assert!(error.contains("PAPERWIRE_FEED__DEPHT: unknown key feed.depht"), "{error}");
}

#[test]
fn parameters_of_strategies_are_free_here_and_exact_money_stays_exact() {
    let config = load(
        "[strategy.x]\nsymbols = [\"A/B\"]\nparams = { a = 1 }\n[account]\ntaker_fee = 0.0026",
    )
    .unwrap();
    assert_eq!(config.strategies["x"].params["a"].as_integer(), Some(1));
    assert_eq!(config.account.taker_fee, money_from_scaled(26, 4));
}
