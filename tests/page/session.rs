//! A session with a page, on a port of its own, and questions to it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use paperwire_config::Config;
use paperwire_page::Page;
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Quiet;
use paperwire_run::session::{self, RunOptions};
use paperwire_run::spectator::Spectator;
use serde_json::Value;

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One session at a time: what a test says of memory is of its own session.
static ONE: Mutex<()> = Mutex::new(());

/// A run in a thread of its own.
pub(crate) struct Session {
    pub(crate) url: String,
    pub(crate) port: u16,
    folder: PathBuf,
    stop: Arc<AtomicU32>,
    thread: Option<JoinHandle<Result<(), RunError>>>,
    _one: MutexGuard<'static, ()>,
}

impl Session {
    /// Starts one with lively strategies; `more` are keys of the configuration over that.
    pub(crate) fn start(port: u16, more: &[(&str, &str)]) -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = std::env::temp_dir().join(format!("paperwire-page-{port}"));
        std::fs::create_dir_all(&folder).unwrap();
        let logs = folder.join("logs").display().to_string();
        let mut sets = vec![
            ("session.strategies", r#"["order_flow", "flow_pulse", "market_making"]"#.to_owned()),
            ("exchange.profile", r#""calm""#.to_owned()),
            ("exchange.rate", "6.0".to_owned()),
            ("exchange.history_minutes", "800".to_owned()),
            ("logs.dir", format!("{logs:?}")),
            ("dashboard.bind", format!("\"127.0.0.1:{port}\"")),
        ];
        sets.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let sets: Vec<(String, toml::Value)> = sets
            .into_iter()
            .map(|(key, text)| {
                let mut line: toml::Table = format!("value = {text}").parse().unwrap();
                (key.to_owned(), line.remove("value").unwrap())
            })
            .collect();
        let config = Config::load(None, std::iter::empty(), &sets).unwrap();
        let has_history = more.iter().any(|(key, _)| key.starts_with("history."));

        let stop = Arc::new(AtomicU32::new(0));
        let stops = stop.clone();
        let thread = std::thread::spawn(move || {
            let spectator: Box<dyn Spectator> = Box::new(Page::default());
            let options =
                RunOptions { spectator: Some(spectator), has_history, ..RunOptions::default() };
            session::run(&config, options, &stops, &mut Quiet)?.result()
        });
        let url = format!("http://127.0.0.1:{port}");
        let mut session = Self { url, port, folder, stop, thread: Some(thread), _one: one };
        until("the server answers", || {
            if session.thread.as_ref().is_some_and(JoinHandle::is_finished) {
                panic!("the session did not start: {:?}", session.finish());
            }
            session.status("/healthz") == 200
        });
        session
    }

    /// Waits for something that takes a while on a busy machine.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        until(what, || {
            let is_over = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            assert!(!is_over, "the session ended before {what}");
            is_so()
        });
    }

    /// Status of an answer; 0 without one.
    pub(crate) fn status(&self, path: &str) -> u16 {
        agent()
            .get(format!("{}{path}", self.url))
            .call()
            .map_or(0, |answer| answer.status().as_u16())
    }

    /// A JSON answer.
    #[track_caller]
    pub(crate) fn json(&self, path: &str) -> Value {
        let (status, text) = self.get(path, &[]);
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Status and body of an answer.
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let mut request = agent().get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.call().unwrap();
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        (answer.status().as_u16(), text)
    }

    /// The same for a JSON body that is sent.
    pub(crate) fn post(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let mut request = agent().post(format!("{}{path}", self.url));
        request = request.header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.send(body).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), text)
    }

    /// What the engine took in the last seconds, in words.
    pub(crate) fn decided_p99(&self, window_s: u32) -> String {
        let latency = self.json(&format!("/api/latency?window_s={window_s}"));
        let stages = latency["stages"].as_array().unwrap();
        let decided = stages.iter().find(|stage| stage["name"] == "decided").unwrap();
        let (service, response) = (&decided["service_ns"]["p99"], &decided["response_ns"]["p99"]);
        format!("decided p99 service {service} ns, response {response} ns")
    }

    /// Waits until money moves.
    pub(crate) fn until_it_trades(&self) {
        self.until("there are fills", || self.json("/api/aggregate")["fills"].as_u64() > Some(3));
    }

    /// Ends it in order.
    pub(crate) fn end(mut self) {
        self.finish().unwrap();
    }

    fn finish(&mut self) -> Result<(), RunError> {
        self.stop.store(1, Ordering::Release);
        let ended = self.thread.take().map(|thread| thread.join().unwrap());
        let _ = std::fs::remove_dir_all(&self.folder);
        ended.unwrap_or(Ok(()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.finish();
        }
    }
}

/// Asks until it is so, for a minute at most.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(Duration::from_secs(20))).build().into()
}
