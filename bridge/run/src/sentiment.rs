//! Two slow values from outside the venue, fetched in the background.
//!
//! Each source has a task, a pace and failures of its own: one that is slow, wrong or gone costs the
//! other nothing, and neither can hold up trading, which only ever reads what was published. A value is
//! known for `regime.sentiment_age_max_s` after it was fetched and unknown afterwards; none is ever made up. What is published
//! is meant to become an event of the market, numbered and recorded, so that a replay needs no network.

use std::time::Duration;

use paperwire_config::SentimentConfig;
use paperwire_core::regime::Sentiment;
use paperwire_core::secret::Secret;
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_rt::clock::{HostClock, utc_now};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use fetch::{FetchError, Reading, client, fetch};
use schedule::{Pace, Schedule, Turn};

pub use fetch::Source;

mod fetch;
mod schedule;

/// How often it is looked whether a value grew too old, when no attempt is made anyway.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What the callback is told, on a thread of the runtime.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// What is known now, which is not what was known before.
    Sentiment(Sentiment),
    /// A source fell silent or is back, in words for a person.
    Notice(String),
}

/// The running tasks; dropping it stops them.
#[derive(Debug)]
pub struct SentimentTask {
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for SentimentTask {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Starts fetching, unless the configuration says not to. A value is known for `age_max` after it was fetched. `seed`
/// spreads the attempts of many programs.
pub fn start(
    runtime: &Handle,
    config: &SentimentConfig,
    age_max: DurationNs,
    clock: &HostClock,
    seed: u64,
    publish: impl FnMut(News) + Send + 'static,
) -> Option<SentimentTask> {
    let refresh = u64::try_from(config.refresh.as_nanos()).unwrap_or(u64::MAX);
    let pace = Pace::new(DurationNs::new(refresh));
    let limits = Limits { pace, age_max, look_every: LOOK_EVERY };
    config.enabled.then(|| start_at(runtime, config, limits, clock, seed, publish))
}

/// The waits of a run; tests have shorter ones.
#[derive(Clone, Copy, Debug)]
struct Limits {
    pace: Pace,
    age_max: DurationNs,
    look_every: Duration,
}

fn start_at(
    runtime: &Handle,
    config: &SentimentConfig,
    limits: Limits,
    clock: &HostClock,
    seed: u64,
    publish: impl FnMut(News) + Send + 'static,
) -> SentimentTask {
    let (said, heard) = mpsc::channel(4);
    let sources =
        [(Source::FearGreed, &config.fear_greed_url), (Source::Dominance, &config.dominance_url)];
    let watch = |(source, url): (Source, &Option<Secret>)| {
        let schedule = Schedule::new(limits.pace, clock.now(), seed ^ source as u64);
        let watch = Watch {
            source,
            url: url.clone()?,
            client: client(config.timeout),
            clock: clock.clone(),
            schedule,
            said: said.clone(),
        };
        Some(runtime.spawn(watch.run()))
    };
    let mut tasks: Vec<_> = sources.into_iter().filter_map(watch).collect();
    tasks.push(runtime.spawn(gather(heard, limits, publish)));
    SentimentTask { tasks }
}

/// What came of an attempt, and what it changed.
#[derive(Debug)]
struct Attempt {
    source: Source,
    result: Result<(Reading, ExchNs), FetchError>,
    turn: Turn,
}

/// Asks one source for ever.
struct Watch {
    source: Source,
    url: Secret,
    client: ureq::Agent,
    clock: HostClock,
    schedule: Schedule,
    said: mpsc::Sender<Attempt>,
}

impl Watch {
    async fn run(mut self) {
        loop {
            let wait = self.schedule.next_at().since(self.clock.now());
            tokio::time::sleep(Duration::from_nanos(wait.raw())).await;
            let result = self.ask().await;
            let now = self.clock.now();
            let turn = match result {
                Ok(_) => self.schedule.on_success(now),
                Err(_) => self.schedule.on_failure(now),
            };
            let attempt = Attempt { source: self.source, result, turn };
            if self.said.send(attempt).await.is_err() {
                return;
            }
        }
    }

    /// The client blocks, so it does it where that is allowed.
    async fn ask(&self) -> Result<(Reading, ExchNs), FetchError> {
        let (source, client, url) = (self.source, self.client.clone(), self.url.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let reading = fetch(source, &client, url.reveal(), utc_now())?;
            Ok((reading, utc_now()))
        });
        asked.await.unwrap_or(Err(FetchError::Malformed("could not be read")))
    }
}

/// Puts the sources' values together and publishes what changes.
async fn gather(mut heard: mpsc::Receiver<Attempt>, limits: Limits, mut publish: impl FnMut(News)) {
    let mut known = Known::new(limits.age_max);
    loop {
        // Silence is a reason to look as well: values grow old without anyone saying so.
        let attempt = tokio::time::timeout(limits.look_every, heard.recv()).await;
        match attempt {
            Ok(None) => return,
            Ok(Some(attempt)) => {
                if let Some(notice) = notice(&attempt) {
                    publish(News::Notice(notice));
                }
                if let Ok((reading, at)) = attempt.result {
                    known.learn(reading, at);
                }
            }
            Err(_) => {}
        }
        if let Some(sentiment) = known.changed(utc_now()) {
            publish(News::Sentiment(sentiment));
        }
    }
}

fn notice(attempt: &Attempt) -> Option<String> {
    let name = attempt.source.as_str();
    match (attempt.turn, &attempt.result) {
        (Turn::Same, _) => None,
        (Turn::Back, _) => Some(format!("{name} is known again")),
        (Turn::Lost, Ok(_)) => None,
        (Turn::Lost, Err(why)) => Some(format!("{name} cannot be fetched: {why}")),
    }
}

/// What the sources said, and when.
#[derive(Debug)]
struct Known {
    age_max: DurationNs,
    fear_greed: Option<(u8, ExchNs)>,
    dominance: Option<(f64, ExchNs)>,
    published: Option<Sentiment>,
}

impl Known {
    const fn new(age_max: DurationNs) -> Self {
        Self { age_max, fear_greed: None, dominance: None, published: None }
    }

    const fn learn(&mut self, reading: Reading, at: ExchNs) {
        match reading {
            Reading::FearGreed(value) => self.fear_greed = Some((value, at)),
            Reading::Dominance(share) => self.dominance = Some((share, at)),
        }
    }

    /// What is known at `now`, when that was not said yet. It is as old as its older part.
    fn changed(&mut self, now: ExchNs) -> Option<Sentiment> {
        let is_young = |at: ExchNs| now.since(at) <= self.age_max;
        self.fear_greed = self.fear_greed.filter(|(_, at)| is_young(*at));
        self.dominance = self.dominance.filter(|(_, at)| is_young(*at));
        let times = [self.fear_greed.map(|(_, at)| at), self.dominance.map(|(_, at)| at)];
        let sentiment = match (times.into_iter().flatten().min(), self.published) {
            (Some(taken_at), _) => Sentiment {
                fear_greed: self.fear_greed.map(|(value, _)| value),
                btc_dominance: self.dominance.map(|(share, _)| share),
                taken_at,
            },
            (None, Some(Sentiment { fear_greed: None, btc_dominance: None, .. }) | None) => {
                return None;
            }
            // Both have grown too old: that is said once.
            (None, Some(_)) => Sentiment { fear_greed: None, btc_dominance: None, taken_at: now },
        };
        let is_new = self.published != Some(sentiment);
        self.published = Some(sentiment);
        is_new.then_some(sentiment)
    }
}

#[cfg(test)]
mod tests;
