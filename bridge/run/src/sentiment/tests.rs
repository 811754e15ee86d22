use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Runtime;

use super::*;

const MS: u64 = 1_000_000;
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the server treats one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Good,
    /// Accepts and never answers.
    Silent,
    Failing,
    Malformed,
}

/// A local server of both pages.
struct Pages {
    url: String,
    /// Of the index, of the share.
    moods: Arc<Mutex<[Mood; 2]>>,
    asked: Arc<[AtomicU32; 2]>,
}

impl Pages {
    fn start(moods: [Mood; 2]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let moods = Arc::new(Mutex::new(moods));
        let asked = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let (m, a) = (moods.clone(), asked.clone());
        // Ends with the test's process.
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                silent.extend(answer(stream, &m, &a));
            }
        });
        Self { url, moods, asked }
    }

    fn set(&self, moods: [Mood; 2]) {
        *self.moods.lock().unwrap() = moods;
    }

    fn asked(&self, source: Source) -> u32 {
        self.asked[source as usize].load(Ordering::Acquire)
    }
}

/// Serves one request; a connection that is to stay silent is given back.
fn answer(
    mut stream: TcpStream,
    moods: &Mutex<[Mood; 2]>,
    asked: &[AtomicU32; 2],
) -> Option<TcpStream> {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).ok()? == 1 {
        request.push(byte[0]);
    }
    let which = usize::from(!request.starts_with(b"GET /fng"));
    let mood = moods.lock().unwrap_or_else(PoisonError::into_inner)[which];
    asked[which].fetch_add(1, Ordering::AcqRel);
    let good =
        [r#"{"data":[{"value":"22"}]}"#, r#"{"data":{"market_cap_percentage":{"btc":58.5}}}"#];
    let (status, body) = match mood {
        Mood::Good => ("200 OK", good[which]),
        Mood::Failing => ("500 Internal Server Error", good[which]),
        Mood::Malformed => ("200 OK", "{\"data\": 3"),
        Mood::Silent => return Some(stream),
    };
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).ok()?;
    None
}

/// A runtime with the tasks, and what they say.
struct Run {
    pages: Pages,
    runtime: Runtime,
    task: Option<SentimentTask>,
    news: mpsc::UnboundedReceiver<News>,
}

const QUICK: Pace = Pace {
    refresh: DurationNs::new(30 * MS),
    backoff_min: DurationNs::new(5 * MS),
    backoff_max: DurationNs::new(20 * MS),
    breaker_after: 3,
    breaker_for: DurationNs::new(60 * MS),
};

fn run(moods: [Mood; 2], pace: Pace, age_max_ms: u64) -> Run {
    let pages = Pages::start(moods);
    let config = SentimentConfig {
        enabled: true,
        fear_greed_url: Some(Secret::new(format!("{}/fng/", pages.url))),
        dominance_url: Some(Secret::new(format!("{}/global", pages.url))),
        timeout: Duration::from_millis(200),
        refresh: Duration::from_secs(300),
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (said, news) = mpsc::unbounded_channel();
    let limits = Limits {
        pace,
        age_max: DurationNs::from_millis(age_max_ms),
        look_every: Duration::from_millis(10),
    };
    let publish = move |of| {
        let _ = said.send(of);
    };
    let clock = HostClock::new();
    let task = start_at(runtime.handle(), &config, limits, &clock, 1, publish);
    Run { pages, runtime, task: Some(task), news }
}

impl Run {
    /// The first news that `find` knows.
    #[track_caller]
    fn wait<T>(&mut self, what: &str, find: impl Fn(&News) -> Option<T>) -> T {
        let news = &mut self.news;
        let until_found = async {
            loop {
                if let Some(found) = find(&news.recv().await.expect("the tasks live")) {
                    return found;
                }
            }
        };
        let found =
            self.runtime.block_on(async { tokio::time::timeout(PATIENCE, until_found).await });
        found.unwrap_or_else(|_| panic!("{what}: nothing came"))
    }

    fn pass_ms(&self, ms: u64) {
        self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(ms)).await });
    }

    #[track_caller]
    fn wait_for(&mut self, fear_greed: Option<u8>, dominance: Option<f64>) -> Sentiment {
        let what = format!("{fear_greed:?} {dominance:?}");
        self.wait(&what, |news| match news {
            News::Sentiment(of)
                if of.fear_greed == fear_greed
                    && of.btc_dominance.is_some() == dominance.is_some() =>
            {
                Some(*of)
            }
            News::Sentiment(_) | News::Notice(_) => None,
        })
    }

    #[track_caller]
    fn wait_notice(&mut self, text: &str) {
        self.wait(text, |news| match news {
            News::Notice(notice) if notice.contains(text) => Some(()),
            News::Notice(_) | News::Sentiment(_) => None,
        });
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.task = None;
    }
}

const DAY_MS: u64 = 86_400_000;

#[test]
fn both_values_are_published_with_the_age_of_the_older() {
    let mut run = run([Mood::Good; 2], QUICK, DAY_MS);
    let before = utc_now();
    let both = run.wait_for(Some(22), Some(58.5));
    assert_eq!(both.btc_dominance.map(f64::to_bits), Some(58.5f64.to_bits()));
    assert!(before.since(both.taken_at) < DurationNs::from_secs(20) && both.taken_at <= utc_now());
    let next = run.wait_for(Some(22), Some(58.5));
    assert!(next.taken_at > both.taken_at || next != both, "fetched again");
}

#[test]
fn an_answer_is_not_asked_for_again_before_its_time() {
    let pace = Pace { refresh: DurationNs::from_secs(3600), ..QUICK };
    let mut run = run([Mood::Good; 2], pace, DAY_MS);
    run.wait_for(Some(22), Some(58.5));
    run.pass_ms(150);
    for source in [Source::FearGreed, Source::Dominance] {
        assert_eq!(run.pages.asked(source), 1);
    }
    assert!(run.news.try_recv().is_err(), "nothing new is nothing said");
}

#[test]
fn one_dead_source_costs_the_other_nothing() {
    for mood in [Mood::Failing, Mood::Malformed, Mood::Silent] {
        let mut run = run([mood, Mood::Good], QUICK, DAY_MS);
        run.wait_for(None, Some(58.5));
        run.wait_notice("fear and greed cannot be fetched");
        let asked = run.pages.asked(Source::Dominance);
        run.wait_for(None, Some(58.5));
        run.wait_for(None, Some(58.5));
        assert!(run.pages.asked(Source::Dominance) > asked, "{mood:?}");
    }
}

#[test]
fn a_dead_source_is_left_alone_and_found_again() {
    let pace = Pace { breaker_for: DurationNs::from_millis(600), ..QUICK };
    let mut run = run([Mood::Good, Mood::Failing], pace, DAY_MS);
    run.wait_notice("bitcoin dominance cannot be fetched: http status: 500");
    assert_eq!(run.pages.asked(Source::Dominance), pace.breaker_after);
    run.pass_ms(150);
    assert_eq!(run.pages.asked(Source::Dominance), pace.breaker_after, "not before its time");
    run.pages.set([Mood::Good; 2]);
    run.wait_notice("bitcoin dominance is known again");
    run.wait_for(Some(22), Some(58.5));
}

#[test]
fn a_value_that_grew_old_is_withdrawn_once() {
    let mut run = run([Mood::Good; 2], QUICK, 400);
    run.wait_for(Some(22), Some(58.5));
    run.pages.set([Mood::Failing; 2]);
    let nothing = run.wait_for(None, None);
    assert!(nothing.taken_at <= utc_now());
    run.pass_ms(100);
    while let Ok(news) = run.news.try_recv() {
        assert!(matches!(news, News::Notice(_)), "{news:?}");
    }
    run.pages.set([Mood::Good; 2]);
    run.wait_for(Some(22), Some(58.5));
}

#[test]
fn nothing_is_published_before_something_is_known() {
    let mut run = run([Mood::Failing; 2], QUICK, DAY_MS);
    run.wait_notice("fear and greed cannot be fetched");
    run.pass_ms(50);
    while let Ok(news) = run.news.try_recv() {
        assert!(matches!(news, News::Notice(_)), "{news:?}");
    }
}

#[test]
fn the_older_part_decides_the_age_and_leaves_alone() {
    let at = |seconds: i64| ExchNs::new(seconds * 1_000_000_000);
    let mut known = Known::new(DurationNs::from_secs(100));
    assert_eq!(known.changed(at(0)), None);
    known.learn(Reading::FearGreed(10), at(0));
    known.learn(Reading::Dominance(50.0), at(60));
    let both = Sentiment { fear_greed: Some(10), btc_dominance: Some(50.0), taken_at: at(0) };
    assert_eq!(known.changed(at(60)), Some(both));
    assert_eq!(known.changed(at(100)), None);
    let one = Sentiment { fear_greed: None, taken_at: at(60), ..both };
    assert_eq!(known.changed(at(101)), Some(one));
    let none = Sentiment { btc_dominance: None, taken_at: at(161), ..one };
    assert_eq!(known.changed(at(161)), Some(none));
    assert_eq!(known.changed(at(162)), None);
}

#[test]
fn nothing_starts_unless_it_is_asked_for() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let config = SentimentConfig {
        enabled: false,
        fear_greed_url: Some(Secret::new("https://example.org".to_owned())),
        dominance_url: None,
        timeout: Duration::from_secs(1),
        refresh: Duration::from_secs(60),
    };
    let (age_max, clock) = (DurationNs::from_secs(60), HostClock::new());
    let task = start(runtime.handle(), &config, age_max, &clock, 1, |_| panic!("no news"));
    assert!(task.is_none());
}
