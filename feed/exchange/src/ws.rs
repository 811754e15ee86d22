//! WebSocket connections: one task each, between a socket and the hub's queue.
//!
//! The task reads requests, writes what the hub queued, beats once a second as soon as something is
//! subscribed, and ends when the client leaves, idles for a minute without a subscription, falls too
//! far behind, or the hub says so. Protocol-level pings are answered by the library.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use tokio::time::{MissedTickBehavior, interval};

use crate::faults::FaultKind;
use crate::hub::{self, Hub, Link, count};
use crate::publish::Topic;

mod protocol;

use protocol::{Channel, Request, Subscription, Times};

const HEARTBEAT: &str = r#"{"channel":"heartbeat"}"#;
const OVER_LIMIT: &str = r#"{"Error":"Exceeded msg rate"}"#;

/// Beats without a subscription or a request before a connection is closed.
const IDLE_BEATS_MAX: u32 = 60;

/// Bytes of a request; a list of every pair there is stays below it.
const REQUEST_BYTES_MAX: usize = 256 << 10;

/// Messages written in a row before requests and the heartbeat get their turn.
const WRITES_MAX: usize = 64;

/// Turns an HTTP request into a WebSocket.
pub(crate) async fn upgrade(upgrade: WebSocketUpgrade, State(hub): State<Arc<Hub>>) -> Response {
    upgrade.max_message_size(REQUEST_BYTES_MAX).on_upgrade(move |socket| async move {
        if let Some(link) = hub.connect() {
            let id = link.id;
            serve(socket, link, &hub).await;
            hub.disconnect(id);
        }
    })
}

async fn serve(mut socket: WebSocket, mut link: Link, hub: &Hub) {
    let mut beat = interval(Duration::from_secs(1));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut idle_beats = 0;
    let kill = Arc::clone(&link.kill);
    loop {
        let text = tokio::select! {
            () = kill.notified() => return,
            queued = link.inbox.recv() => match queued {
                Some(text) => text,
                None => return,
            },
            _ = beat.tick() => {
                if hub.has_topics(link.id) {
                    Utf8Bytes::from_static(HEARTBEAT)
                } else if idle_beats >= IDLE_BEATS_MAX {
                    return;
                } else {
                    idle_beats += 1;
                    continue;
                }
            }
            received = socket.recv() => match received {
                Some(Ok(Message::Text(request))) => {
                    idle_beats = 0;
                    hub.answer(link.id, &request);
                    continue;
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        // A write may wait for the client for ever, and for a stalled exchange a while.
        tokio::select! {
            () = kill.notified() => return,
            sent = write(&mut socket, &mut link, text, hub) => if sent.is_err() { return },
        }
    }
}

/// Writes one message and those queued behind it, up to a bound.
async fn write(
    socket: &mut WebSocket,
    link: &mut Link,
    first: Utf8Bytes,
    hub: &Hub,
) -> Result<(), axum::Error> {
    let mut next = Some(first);
    for sent in 0..WRITES_MAX {
        let Some(text) = next else { break };
        if link.stalled.wait_for(|stalled| !stalled).await.is_err() {
            return Ok(());
        }
        count(&hub.counters.frames, 1);
        count(&hub.counters.bytes, u64::try_from(text.len()).unwrap_or(u64::MAX));
        socket.send(Message::Text(text)).await?;
        next = None;
        if sent + 1 < WRITES_MAX {
            next = link.inbox.try_recv().ok();
        }
    }
    Ok(())
}

impl Hub {
    /// Answers one request of a connection through its queue.
    pub(crate) fn answer(&self, id: u64, text: &str) {
        let time_in = self.clock.now();
        count(&self.counters.requests, 1);
        let mut state = self.lock();
        if self.is_over_limit(&mut state, id) {
            count(&self.counters.errors, 1);
            state.queue(id, OVER_LIMIT.to_owned());
            return;
        }
        let times = (time_in, self.clock.now());
        match protocol::parse(text) {
            Ok(Request::Ping { req_id }) => state.queue(id, protocol::pong(req_id, times)),
            Ok(Request::Subscribe(wanted)) => self.subscribe(&mut state, id, &wanted, times),
            Ok(Request::Unsubscribe(wanted)) => self.unsubscribe(&mut state, id, &wanted, times),
            Err(refusal) => {
                count(&self.counters.errors, 1);
                state.queue(id, protocol::error(&refusal, None, None, times));
            }
        }
    }

    fn is_over_limit(&self, state: &mut hub::State, id: u64) -> bool {
        if state.faults.is_on(FaultKind::RateLimit, None) {
            return true;
        }
        let Some(limit) = self.ws_limit else {
            return false;
        };
        let now_s = self.clock.real_s();
        let bucket = state.peers.get_mut(&id).and_then(|peer| peer.requests.as_mut());
        bucket.is_some_and(|bucket| !bucket.take(limit, now_s))
    }

    /// One confirmation per symbol, then the snapshots.
    fn subscribe(&self, state: &mut hub::State, id: u64, wanted: &Subscription, times: Times) {
        let mut snapshots = Vec::new();
        for name in names(wanted) {
            let topic = match state.topic(wanted.channel, name) {
                Ok(topic) => topic,
                Err(error) => {
                    self.refuse(state, id, true, wanted, error, name, times);
                    continue;
                }
            };
            let Some(peer) = state.peers.get_mut(&id) else {
                return;
            };
            if peer.topics.iter().any(|(known, _)| is_same(*known, topic)) {
                self.refuse(state, id, true, wanted, "Already subscribed", name, times);
                continue;
            }
            count(&self.counters.subscribes, 1);
            // The instrument list is of no pair and always comes: clients ask for nothing without it.
            let silent = name.is_some() && state.faults.is_on(FaultKind::Silent, name);
            peer.topics.push((topic, silent));
            state.queue(id, protocol::ack(true, wanted, wanted.channel, name, times));
            if !silent {
                state.subscribe(id, topic);
                snapshots.push(topic);
            }
        }
        for topic in snapshots.into_iter().filter(|_| wanted.snapshot) {
            let snapshot = state.venue.snapshot(topic);
            state.queue(id, snapshot);
        }
    }

    fn unsubscribe(&self, state: &mut hub::State, id: u64, wanted: &Subscription, times: Times) {
        for name in names(wanted) {
            let asked = state.topic(wanted.channel, name);
            let Some(peer) = state.peers.get_mut(&id) else {
                return;
            };
            let found = asked.map(|asked| {
                peer.topics.iter().position(|(known, _)| match wanted.channel {
                    Channel::Book(Some(_)) => *known == asked,
                    _ => is_same(*known, asked),
                })
            });
            match found {
                Ok(Some(at)) => {
                    let (topic, _) = peer.topics.swap_remove(at);
                    count(&self.counters.unsubscribes, 1);
                    state.unsubscribe(id, topic);
                    let channel = match (topic, wanted.channel) {
                        (Topic::Book(_, depth), _) => Channel::Book(Some(depth)),
                        (Topic::Ticker(_, trigger), _) => Channel::Ticker(trigger),
                        (_, channel) => channel,
                    };
                    state.queue(id, protocol::ack(false, wanted, channel, name, times));
                }
                Ok(None) => {
                    self.refuse(state, id, false, wanted, "Subscription Not Found", name, times);
                }
                Err(error) => self.refuse(state, id, false, wanted, error, name, times),
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "every one of them is in the message")]
    fn refuse(
        &self,
        state: &hub::State,
        id: u64,
        subscribes: bool,
        wanted: &Subscription,
        error: &'static str,
        symbol: Option<&str>,
        times: Times,
    ) {
        count(&self.counters.errors, 1);
        let refusal = protocol::refusal(subscribes, wanted.req_id, error);
        let detail = symbol.filter(|_| error == NOT_SUPPORTED);
        state.queue(id, protocol::error(&refusal, detail, symbol, times));
    }
}

const NOT_SUPPORTED: &str = "Currency pair not supported";

impl hub::State {
    /// Queues a message for one connection; a full queue ends it at the next step.
    fn queue(&self, id: u64, text: String) {
        if let Some(peer) = self.peers.get(&id)
            && peer.outbox.try_send(text.into()).is_err()
        {
            peer.kill.notify_one();
        }
    }

    fn topic(&self, channel: Channel, name: Option<&str>) -> Result<Topic, &'static str> {
        let Some(name) = name else {
            return Ok(Topic::Instrument);
        };
        let symbol = self.venue.market().symbol(name).ok_or(NOT_SUPPORTED)?;
        Ok(match channel {
            Channel::Book(depth) => Topic::Book(symbol, depth.unwrap_or(0)),
            Channel::Trade => Topic::Trade(symbol),
            Channel::Ticker(trigger) => Topic::Ticker(symbol, trigger),
            Channel::Ohlc(minutes) => Topic::Ohlc(symbol, minutes),
            Channel::Instrument => Topic::Instrument,
        })
    }
}

/// The symbols of a request; one `None` for a channel without any.
fn names(wanted: &Subscription) -> Vec<Option<&str>> {
    if wanted.channel == Channel::Instrument {
        return vec![None];
    }
    wanted.symbols.iter().map(|symbol| Some(symbol.as_str())).collect()
}

/// Whether two topics cannot both be subscribed on one connection: depth and trigger do not make
/// another subscription, the interval of candles does.
fn is_same(a: Topic, b: Topic) -> bool {
    match (a, b) {
        (Topic::Book(a, _), Topic::Book(b, _)) | (Topic::Ticker(a, _), Topic::Ticker(b, _)) => {
            a == b
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests;
