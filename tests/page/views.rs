//! Every view in a real browser.

use crate::browser::Browser;
use crate::session::{Session, free_port};

/// Each view with what proves that it shows live data.
const VIEWS: [(&str, &str, u64); 10] = [
    ("overview", "tbody tr .spark polyline", 3),
    ("compare?names=order_flow,market_making&window=60", ".chart .scatterlayer .trace", 2),
    ("waterfall", ".chart .barlayer .trace", 8),
    ("heatmap?name=decided&window=60", ".chart .heatmaplayer image", 1),
    ("market?symbol=BTC/USD", ".ladder .bids tbody tr.unverified", 5),
    ("strategy?name=order_flow", ".kv dd", 5),
    ("trades", "tbody tr", 3),
    ("regime", ".meter", 2),
    ("host", ".panel tbody tr", 2),
    ("sessions", "tbody tr", 1),
];

#[test]
fn every_view_shows_live_data_in_dark_and_light_and_the_console_stays_empty() {
    let Some(browser) = Browser::start("views") else { return };
    let session = Session::start(free_port(), &[]);
    session.until_it_trades();
    browser.go(&session.url);
    browser.until("the page is live", |page| page.text("#mode") == "LIVE");
    for theme in ["dark", "light"] {
        browser.js(&format!("localStorage.setItem('theme', '{theme}')"));
        for (view, selector, least) in VIEWS {
            browser.go(&format!("{}/#/{view}", session.url));
            browser.js("location.reload()");
            browser
                .until(&format!("{view} shows {selector}"), |page| page.count(selector) >= least);
            assert_eq!(browser.errors(), Vec::<String>::new(), "{view}, {theme}");
        }
        let shown = browser.js("return document.documentElement.dataset.theme");
        assert_eq!(shown, theme);
    }
    // A phone's width: nothing but tables and charts may be wider than the screen.
    browser.js("document.body.style.width = '380px'; location.hash = '#/overview'");
    browser.until("the overview is back", |page| page.count("tbody tr") >= 3);
    session.end();
}

#[test]
fn a_fill_is_on_the_page_within_two_seconds() {
    let Some(browser) = Browser::start("fills") else { return };
    let session = Session::start(free_port(), &[]);
    session.until_it_trades();
    browser.go(&format!("{}/#/trades", session.url));
    browser.until("fills are shown", |page| page.count("tbody tr") >= 3);
    // The exchange's clock is the machine's, so the time on a new row tells how late it is. The median of several
    // forgives a machine that was elsewhere for a moment.
    browser.js(
        "window.ages = []; window.known = new Set([...document.querySelectorAll('tbody tr')]); \
         new MutationObserver((changes) => { for (const change of changes) for (const row of change.addedNodes) { \
           if (window.known.has(row) || row.nodeName !== 'TR') continue; window.known.add(row); \
           const now = new Date(); const at = new Date(now.toISOString().slice(0, 11) + row.cells[0].innerText + 'Z'); \
           window.ages.push((now - at) / 1000); } }).observe(document.querySelector('tbody'), { childList: true })",
    );
    browser
        .until("five new fills", |page| page.js("return window.ages.length").as_u64() >= Some(5));
    let ages = browser.js("return window.ages.sort((a, b) => a - b)");
    let ages: Vec<f64> = ages.as_array().unwrap().iter().filter_map(|age| age.as_f64()).collect();
    // A row shows whole seconds, so up to one of them is not lateness.
    assert!(ages[ages.len() / 2] < 3.0, "{ages:?}");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn the_page_survives_a_restart_and_shows_a_resync() {
    let Some(browser) = Browser::start("restart") else { return };
    let port = free_port();
    let first = Session::start(port, &[]);
    browser.go(&first.url);
    browser.until("the page is live", |page| page.text("#mode") == "LIVE");
    let name = |page: &Browser| page.text("#strip .item:last-of-type span:last-child");
    let before = name(&browser);
    first.end();
    browser.until("the page says so", |page| page.text("#link") == "reconnecting");
    assert_eq!(browser.text("#mode"), "STALE");

    let faults = std::env::temp_dir().join(format!("paperwire-page-faults-{port}.toml"));
    let script = "[[fault]]\nkind = \"bad_checksum\"\nat_s = 3.0\nevery_s = 2.0\ncount = 200\n";
    std::fs::write(&faults, script).unwrap();
    let second = Session::start(port, &[("exchange.faults", &format!("{faults:?}"))]);
    browser.until("the new session is live", |page| {
        page.text("#link") == "connected" && !name(page).is_empty() && name(page) != before
    });
    browser.until("the resync is told", |page| page.text("#main").contains("quarantined"));
    let resyncs = || second.json("/api/host")["feed"]["resyncs"].as_u64();
    second.until("it is counted", || resyncs() >= Some(1));
    // Refused connections while it was away are the browser's own words.
    let errors = browser.errors();
    let own = errors
        .iter()
        .filter(|error| !error.contains("ERR_CONNECTION") && !error.contains("WebSocket"));
    assert_eq!(own.collect::<Vec<_>>(), Vec::<&String>::new());
    second.end();
    let _ = std::fs::remove_file(faults);
}

#[test]
fn a_strategy_with_markup_for_a_name_is_text() {
    let Some(browser) = Browser::start("markup") else { return };
    let evil = "flow_pulse#<img src=x onerror=alert(1)>";
    let strategies = format!(r#"["flow_pulse", "{evil}"]"#);
    let session = Session::start(free_port(), &[("session.strategies", &strategies)]);
    session.until_it_trades();
    for view in ["overview", "trades", "compare", "waterfall", "heatmap"] {
        browser.go(&format!("{}/#/{view}", session.url));
        browser.js("location.reload()");
        browser.until(&format!("{view} names it"), |page| page.text("#main").contains(evil));
        assert_eq!(browser.count("img"), 0, "{view}");
    }
    browser.go(&format!(
        "{}/#/strategy?name={}",
        session.url,
        evil.replace('#', "%23").replace(' ', "%20")
    ));
    browser.js("location.reload()");
    browser.until("its own view", |page| page.text("#main").contains("threshold"));
    assert_eq!(browser.count("img"), 0);
    assert_eq!(browser.errors(), Vec::<String>::new());
}

#[test]
fn controls_ask_once_more_act_and_need_the_token() {
    let Some(browser) = Browser::start("controls") else { return };
    let token = "correct-horse-battery";
    let session = Session::start(free_port(), &[("dashboard.token", &format!("{token:?}"))]);
    let order = r#"{"target":"order_flow","verb":"pause","confirm":"order_flow"}"#;
    assert_eq!(session.post("/api/control", order, &[]).0, 401);
    browser.go(&session.url);
    browser.until("a login is asked for", |page| page.count("#token") == 1);
    let log_in = |with: &str| {
        browser.js(&format!("document.querySelector('#token').value = {with:?}"));
        browser.click(".login button");
    };
    log_in("wrong-horse-battery!");
    browser
        .until("a wrong token is refused", |page| page.text("#toasts").contains("not the token"));
    log_in(token);
    browser.until("the page opens", |page| page.count("tbody tr") >= 3);
    let cookie = browser.js("return document.cookie");
    assert_eq!(cookie, "", "no script can read the login");

    browser.go(&format!("{}/#/strategy?name=order_flow", session.url));
    browser.until("controls are there", |page| page.count("[data-verb=pause]") == 1);
    browser.click("[data-verb=pause]");
    browser.until("it asks once more", |page| page.count("dialog[open] .confirm") == 1);
    browser.click("dialog[open] .confirm");
    let state = |page: &Browser| page.text("#main .stats .stat b");
    browser.until("it is paused", |page| state(page) == "paused");
    browser.click("[data-verb=resume]");
    browser.click("dialog[open] .confirm");
    browser.until("it is active again", |page| state(page) == "active");
    browser.go(&format!("{}/#/overview", session.url));
    browser.until("the audit is told", |page| {
        page.text("#main").contains("pause order_flow ordered over HTTP by 127.0.0.1")
    });
}
