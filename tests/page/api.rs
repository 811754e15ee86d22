//! The REST interface and the metrics, without a browser.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::session::{Session, free_port};

/// Every path of the description, with its parameters filled in.
fn paths(api: &Value) -> Vec<String> {
    let paths = api["paths"].as_object().unwrap();
    let reads = paths.iter().filter(|(_, of)| of["get"].is_object());
    let fill = |path: &String| {
        let path = path.replace("{name}", "order_flow").replace("{symbol}", "BTC-USD");
        match path.as_str() {
            "/api/latency/spectrum" => format!("{path}?names=order_flow,decided"),
            "/api/latency/compare" => format!("{path}?a=order_flow&b=market_making&window_s=600"),
            "/api/latency/heatmap" => format!("{path}?name=order_flow"),
            _ => path,
        }
    };
    reads.map(|(path, _)| fill(path)).collect()
}

#[test]
fn every_described_path_answers_and_nothing_is_ever_a_server_error() {
    let session = Session::start(free_port(), &[]);
    session.until_it_trades();
    let api = session.json("/api/openapi.json");
    let paths = paths(&api);
    assert!(paths.len() >= 24, "{}", paths.len());
    for path in &paths {
        let (status, text) = session.get(path, &[]);
        assert_eq!(status, 200, "{path}: {text}");
        // Histograms are Base64, in which three letters mean nothing.
        let is_json = path != "/api/latency/hdr";
        assert!(!is_json || !text.contains("NaN") && !text.contains("Infinity"), "{path}");
        std::thread::sleep(std::time::Duration::from_millis(60)); // the limit is 20 a second
    }
    for (path, status) in [
        ("/api/strategy/none", 404),
        ("/api/strategy/none/equity", 404),
        ("/api/book/DOGE-USD", 404),
        ("/api/candles/BTC%2FUSD?tf=7m", 400),
        ("/api/trades?limit=0", 400),
        ("/api/trades?limit=-1", 400),
        ("/api/trades?limit=1001", 400),
        ("/api/trades?limit=many", 400),
        ("/api/latency?window_s=0", 400),
        ("/api/latency/spectrum?names=", 400),
        ("/api/latency/spectrum?names=nobody", 404),
        ("/api/latency/compare?a=order_flow&b=order_flow", 400),
        ("/api/latency/heatmap?name=order_flow&measure=both", 400),
        ("/api/nothing", 404),
        ("/assets/app.js", 404),
    ] {
        let (found, text) = session.get(path, &[]);
        assert_eq!(found, status, "{path}: {text}");
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert!(problem["error"].is_string() && problem["message"].is_string(), "{path}: {text}");
        std::thread::sleep(std::time::Duration::from_millis(60));
    }
    let all = session.json("/api/snapshot");
    let sum: f64 =
        all["strategies"].as_array().unwrap().iter().map(|of| number(&of["equity"])).sum();
    assert!((sum - number(&all["aggregate"]["equity"])).abs() < 1e-6, "sums are sums");
    assert_eq!(session.get("/readyz", &[]).0, 200);
}

fn number(of: &Value) -> f64 {
    of.as_str().unwrap().parse().unwrap()
}

#[test]
fn strangers_are_refused_and_orders_need_to_be_meant() {
    let token = "0123456789abcdef";
    let session = Session::start(free_port(), &[("dashboard.token", "\"0123456789abcdef\"")]);
    let bearer = [("authorization", "Bearer 0123456789abcdef")];
    assert_eq!(session.get("/api/strategies", &[]).0, 401);
    assert_eq!(session.get("/metrics", &[]).0, 401);
    assert_eq!(
        session.get("/api/strategies", &[("authorization", "Bearer 0123456789abcdeX")]).0,
        401
    );
    assert_eq!(session.get("/healthz", &[]).0, 200);
    assert_eq!(session.get("/api/strategies", &bearer).0, 200);
    for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example")] {
        assert_eq!(session.get("/api/strategies", &[bearer[0], (name, value)]).0, 403, "{name}");
    }
    for (body, status) in [
        (r#"{"target":"order_flow","verb":"pause","confirm":"order_flow"}"#, 202),
        (r#"{"target":"order_flow","verb":"pause","confirm":"all"}"#, 409),
        (r#"{"target":"order_flow","verb":"bench","confirm":"order_flow"}"#, 400),
        (r#"{"target":"nobody","verb":"pause","confirm":"nobody"}"#, 404),
        (r#"{"target":"order_flow","verb":"pause"}"#, 400),
        ("[]", 400),
        ("", 400),
    ] {
        let (found, text) = session.post("/api/control", body, &bearer);
        assert_eq!(found, status, "{body}: {text}");
    }
    assert_eq!(session.post("/api/control", "{}", &[]).0, 401);
    let wrong = session.post("/login", r#"{"token":"nope"}"#, &[]);
    assert_eq!(wrong.0, 401);
    let attempt = |_| session.post("/login", r#"{"token":"nope"}"#, &[]).0;
    let attempts: Vec<u16> = (0..10).map(attempt).collect();
    assert_eq!(attempts[9], 429, "guessing is slow");
    let config = paperwire_config(token);
    assert!(!config.contains(token), "the token is in no log, tape or print");
}

fn paperwire_config(token: &str) -> String {
    let set = ("dashboard.token".to_owned(), toml::Value::String(token.to_owned()));
    paperwire_config::Config::load(None, std::iter::empty(), &[set]).unwrap().to_toml()
}

#[test]
fn somebody_who_asks_too_often_is_told_to_wait() {
    let session = Session::start(free_port(), &[]);
    let answers: Vec<u16> = (0..80).map(|_| session.get("/api/version", &[]).0).collect();
    assert!(answers.contains(&429) && answers.contains(&200), "{answers:?}");
}

#[test]
fn the_metrics_are_what_prometheus_reads() {
    let session = Session::start(free_port(), &[]);
    session.until_it_trades();
    let (status, text) = session.get("/metrics", &[]);
    assert_eq!(status, 200);
    for name in [
        "paperwire_equity{strategy=\"order_flow\"}",
        "paperwire_fills_total{",
        "q=\"0.999\"",
        "paperwire_hot_allocs_total",
    ] {
        assert!(text.contains(name), "no {name} in\n{text}");
    }
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = promtool else {
        eprintln!("SKIPPED: no promtool; the system package prometheus brings it");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{said}");
}
