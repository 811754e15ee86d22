//! Takes alerts to those who are told. Each message is tried three times; what cannot be delivered is told in the events,
//! without the address, which may be a secret.

use std::sync::Arc;
use std::time::Duration;

use paperwire_core::secret::Secret;
use paperwire_dashboard::alert::{Alert, Channel};
use paperwire_run::told::Told;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::desk::Desk;

/// Messages that may wait; the hourly limit keeps them far below.
const WAITING_MAX: usize = 1024;
const TIMEOUT: Duration = Duration::from_secs(10);
const AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(15)];

/// The way to the channels.
#[derive(Debug)]
pub(super) struct Messengers {
    ways: Vec<mpsc::Sender<Alert>>,
}

impl Messengers {
    /// One task for each channel, so that one that does not answer holds up no other.
    pub(super) fn start(runtime: &tokio::runtime::Handle, desk: &Arc<Desk>) -> Self {
        let channels = desk.facts.alerts.channels.clone();
        let start = |channel: Channel| {
            let (way, heard) = mpsc::channel(WAITING_MAX);
            runtime.spawn(deliver(channel, heard, desk.clone()));
            way
        };
        Self { ways: channels.into_iter().map(start).collect() }
    }

    pub(super) fn send(&self, alert: &Alert) {
        for way in &self.ways {
            // A full queue is a channel that has been dead for long, and was told so.
            let _ = way.try_send(alert.clone());
        }
    }
}

async fn deliver(channel: Channel, mut heard: mpsc::Receiver<Alert>, desk: Arc<Desk>) {
    let client: ureq::Agent =
        ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build().into();
    while let Some(alert) = heard.recv().await {
        let (url, body) = channel.message(&alert, &desk.facts.session);
        let mut waits = AGAIN_AFTER.into_iter();
        while let Err(why) = post(client.clone(), url.clone(), body.clone()).await {
            match waits.next() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => {
                    let line = format!("an alert did not reach {}: {why}; {alert}", channel.name());
                    // The drain thread outlives the page.
                    let _ = desk.tell.send(Told::line("notice", line));
                    break;
                }
            }
        }
    }
}

/// The client blocks, so it does it where that is allowed.
async fn post(client: ureq::Agent, url: Secret, body: Value) -> Result<(), String> {
    let sent = tokio::task::spawn_blocking(move || {
        let answer = client.post(url.reveal()).header("content-type", "application/json");
        answer.send(body.to_string()).map(drop).map_err(|error| match error {
            ureq::Error::StatusCode(code) => format!("it answers {code}"),
            _ => "it does not answer".to_owned(),
        })
    });
    sent.await.unwrap_or_else(|_| Err("the program is stopping".to_owned()))
}
