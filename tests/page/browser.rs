//! A headless Chromium by the WebDriver protocol: as much of it as the tests need.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::session::until;

/// A browser with one window.
pub(crate) struct Browser {
    driver: Child,
    base: String,
    profile: PathBuf,
    agent: ureq::Agent,
}

const ARGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1500,1100",
];

impl Browser {
    /// Starts one; none where the machine has none, said loudly.
    pub(crate) fn start(name: &str) -> Option<Self> {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = driver else {
            eprintln!(
                "SKIPPED: no chromedriver; the system packages chromium and chromium-driver bring it"
            );
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // Nobody reads the rest; it is little.
        std::thread::spawn(move || lines.for_each(drop));
        let port = port.expect("chromedriver says its port");
        let profile = std::env::temp_dir().join(format!("paperwire-chromium-{name}-{port}"));
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = config.timeout_global(Some(Duration::from_secs(60))).build().into();
        let mut browser = Self { driver, base: format!("http://127.0.0.1:{port}"), profile, agent };
        let mut args: Vec<String> = ARGS.map(str::to_owned).into();
        args.push(format!("--user-data-dir={}", browser.profile.display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": args},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = browser.send("/session", &wanted);
        let id = session["sessionId"].as_str().expect("a session").to_owned();
        browser.base = format!("{}/session/{id}", browser.base);
        Some(browser)
    }

    fn send(&self, path: &str, body: &Value) -> Value {
        let request = self.agent.post(format!("{}{path}", self.base));
        let mut answer = request.send(body.to_string()).unwrap();
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        let value = answer["value"].take();
        assert!(value["error"].is_null(), "{path}: {value}");
        value
    }

    pub(crate) fn go(&self, url: &str) {
        self.send("/url", &json!({"url": url}));
    }

    /// Runs a script in the page; what it returns.
    pub(crate) fn js(&self, script: &str) -> Value {
        self.send("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// How many elements match.
    pub(crate) fn count(&self, selector: &str) -> u64 {
        self.js(&format!("return document.querySelectorAll({selector:?}).length")).as_u64().unwrap()
    }

    /// Text of the first element that matches; empty without one.
    pub(crate) fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({selector:?})?.innerText ?? ''");
        self.js(&script).as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn click(&self, selector: &str) {
        self.js(&format!("document.querySelector({selector:?}).click()"));
    }

    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        until(what, || is_so(self));
    }

    /// Whatever the console was told since the last time, warnings of the driver itself left out.
    pub(crate) fn errors(&self) -> Vec<String> {
        let entries = self.send("/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().cloned().unwrap_or_default();
        let severe = entries.iter().filter(|entry| entry["level"] == "SEVERE");
        severe.map(|entry| entry["message"].to_string()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.base).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
