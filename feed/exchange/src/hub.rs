//! The running exchange: the venue behind one lock, its clock, and who is connected.
//!
//! One task plays the market forward; connections and REST calls take the lock for microseconds. A
//! subscription is confirmed, its snapshot queued and its updates begun within one hold of the lock,
//! so no update is lost or doubled. Messages wait in a bounded queue per connection; a client whose
//! queue is full is dropped, so that nobody slows the market.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::ws::Utf8Bytes;
use paperwire_core::time::{DurationNs, ExchNs};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use crate::faults::{FaultKind, Faults, Outgoing, Running, Turn};
use crate::limit::{Bucket, Buckets, RateLimit};
use crate::publish::{Frame, Topic, Venue, crossing};
use paperwire_core::random::Rng;

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) subscribes: AtomicU64,
    pub(crate) unsubscribes: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) slow_drops: AtomicU64,
    pub(crate) rest_requests: AtomicU64,
}

/// Adds to a counter that nothing else depends on.
pub(crate) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// Exchange time: the start instant plus elapsed real time at some speed.
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    start: ExchNs,
    speed: f64,
}

impl Clock {
    pub(crate) fn new(start: ExchNs, speed: f64) -> Self {
        Self { origin: Instant::now(), start, speed }
    }

    pub(crate) fn now(&self) -> ExchNs {
        #[expect(clippy::cast_possible_truncation, reason = "293 years of nanoseconds fit")]
        #[expect(clippy::cast_sign_loss, reason = "elapsed time is not negative")]
        let passed = (self.real_s() * self.speed * 1e9) as u64;
        self.start.plus(DurationNs::new(passed))
    }

    /// Real seconds since the start.
    pub(crate) fn real_s(&self) -> f64 {
        self.origin.elapsed().as_secs_f64()
    }

    /// Real seconds until an exchange instant.
    #[expect(clippy::cast_precision_loss, reason = "only a sleep")]
    pub(crate) fn real_until_s(&self, at: ExchNs) -> f64 {
        at.since(self.now()).raw() as f64 / 1e9 / self.speed
    }
}

/// One side of a connection's queue, kept by the hub.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) outbox: mpsc::Sender<Utf8Bytes>,
    pub(crate) kill: Arc<Notify>,
    pub(crate) connection_id: u64,
    /// Subscriptions; a silent one is known to the client but receives nothing.
    pub(crate) topics: Vec<(Topic, bool)>,
    pub(crate) requests: Option<Bucket>,
}

/// The other side, kept by the connection's task.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: u64,
    pub(crate) inbox: mpsc::Receiver<Utf8Bytes>,
    pub(crate) kill: Arc<Notify>,
    pub(crate) stalled: watch::Receiver<bool>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) venue: Venue,
    pub(crate) faults: Running,
    pub(crate) peers: BTreeMap<u64, Peer>,
    subscribers: BTreeMap<Topic, Vec<u64>>,
    /// What uncrosses a book that a fault crossed, sent before the topic's next message.
    before_next: BTreeMap<Topic, String>,
    frames: VecDeque<Frame>,
    played: Vec<Frame>,
    turns: Vec<Turn>,
    ids: Rng,
    next_peer: u64,
    /// Buckets of REST clients, by address and, for two methods, pair.
    pub(crate) rest: Buckets<(IpAddr, String)>,
    closed: bool,
}

#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    pub(crate) ws_limit: Option<RateLimit>,
    pub(crate) rest_limit: Option<RateLimit>,
    queue_len_max: usize,
    has_faults: bool,
    refusing: AtomicBool,
    stalled: watch::Sender<bool>,
    state: Mutex<State>,
}

/// Limits and speed of a hub.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HubConfig {
    pub(crate) speed: f64,
    pub(crate) ws_limit: Option<RateLimit>,
    pub(crate) rest_limit: Option<RateLimit>,
    pub(crate) queue_len_max: usize,
    pub(crate) seed: u64,
}

impl Hub {
    pub(crate) fn new(venue: Venue, faults: &Faults, config: HubConfig) -> Self {
        let start = venue.market().now();
        let state = State {
            venue,
            faults: Running::new(faults, start),
            peers: BTreeMap::new(),
            subscribers: BTreeMap::new(),
            before_next: BTreeMap::new(),
            frames: VecDeque::new(),
            played: Vec::new(),
            turns: Vec::new(),
            ids: Rng::new(config.seed ^ 0x5eed),
            next_peer: 0,
            rest: Buckets::new(),
            closed: false,
        };
        Self {
            clock: Clock::new(start, config.speed),
            counters: Counters::default(),
            ws_limit: config.ws_limit,
            rest_limit: config.rest_limit,
            queue_len_max: config.queue_len_max,
            has_faults: !faults.is_empty(),
            refusing: AtomicBool::new(false),
            stalled: watch::Sender::new(false),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a panic inside the exchange ends it")
    }

    /// True while a fault closes new connections at once.
    pub(crate) fn is_refusing(&self) -> bool {
        self.refusing.load(Ordering::Relaxed)
    }

    /// Plays what is due and returns the real seconds until something is due again.
    pub(crate) fn step(&self) -> f64 {
        let mut state = self.lock();
        let now = self.clock.now();
        let before = state.market_now();
        while state.play_one(now, self.has_faults) {}
        debug_assert!(state.market_now() >= before, "time goes forward");
        if self.has_faults {
            self.turn_faults(&mut state, now);
        }
        state.drop_slow(&self.counters);
        self.clock.real_until_s(state.venue.market().next_due())
    }

    fn turn_faults(&self, state: &mut State, now: ExchNs) {
        let mut turns = std::mem::take(&mut state.turns);
        state.faults.turn(now, &mut turns);
        for turn in turns.drain(..) {
            match turn {
                Turn::Begin(FaultKind::Drop) => state.disconnect_all(),
                Turn::Begin(FaultKind::Maintenance) | Turn::End(FaultKind::Maintenance) => {
                    state.send_status();
                }
                Turn::Begin(_) | Turn::End(_) => {}
            }
        }
        state.turns = turns;
        let stalled = state.faults.is_on(FaultKind::Stall, None);
        self.stalled.send_if_modified(|now| std::mem::replace(now, stalled) != stalled);
        self.refusing.store(state.faults.is_on(FaultKind::Refuse, None), Ordering::Relaxed);
    }

    /// Takes a new connection in and queues its status; `None` once the exchange stops.
    pub(crate) fn connect(&self) -> Option<Link> {
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        let (outbox, inbox) = mpsc::channel(self.queue_len_max);
        let kill = Arc::new(Notify::new());
        let id = state.next_peer;
        state.next_peer += 1;
        // Real ids lie above 2^53, where a float reader would damage them.
        let connection_id = state.ids.next_u64() | (1 << 62);
        let requests = self.ws_limit.map(|limit| Bucket::full(limit, self.clock.real_s()));
        let status = crate::publish::status(state.system_status(), connection_id);
        let queued = outbox.try_send(status.into());
        debug_assert!(queued.is_ok(), "a new queue has room");
        let peer =
            Peer { outbox, kill: Arc::clone(&kill), connection_id, topics: Vec::new(), requests };
        state.peers.insert(id, peer);
        count(&self.counters.connections, 1);
        Some(Link { id, inbox, kill, stalled: self.stalled.subscribe() })
    }

    /// Ends a connection and all its subscriptions.
    pub(crate) fn disconnect(&self, id: u64) {
        self.lock().remove_peer(id);
    }

    /// Whether a connection has subscribed to anything, and so gets heartbeats.
    pub(crate) fn has_topics(&self, id: u64) -> bool {
        self.lock().peers.get(&id).is_some_and(|peer| !peer.topics.is_empty())
    }

    /// Ends all connections and takes no new ones.
    pub(crate) fn close(&self) {
        // After a panic inside the exchange nothing is left to close in order.
        if let Ok(mut state) = self.state.lock() {
            state.closed = true;
            state.disconnect_all();
        }
    }
}

impl State {
    pub(crate) fn market_now(&self) -> ExchNs {
        self.venue.market().now()
    }

    /// The word for the status channel and REST.
    pub(crate) fn system_status(&self) -> &'static str {
        let maintenance = self.faults.is_on(FaultKind::Maintenance, None);
        if maintenance { "maintenance" } else { "online" }
    }

    /// Adds a subscriber to a topic.
    pub(crate) fn subscribe(&mut self, id: u64, topic: Topic) {
        self.venue.watch(topic);
        self.subscribers.entry(topic).or_default().push(id);
    }

    /// Takes a subscriber off a topic; the last one ends it.
    pub(crate) fn unsubscribe(&mut self, id: u64, topic: Topic) {
        let Some(list) = self.subscribers.get_mut(&topic) else {
            return;
        };
        list.retain(|subscriber| *subscriber != id);
        if list.is_empty() {
            self.subscribers.remove(&topic);
            self.before_next.remove(&topic);
            self.venue.unwatch(topic);
        }
    }

    fn play_one(&mut self, until: ExchNs, has_faults: bool) -> bool {
        let more = self.venue.play_one(until, &mut self.played);
        self.frames.extend(self.played.drain(..));
        while let Some(frame) = self.frames.pop_front() {
            if has_faults {
                self.publish_through_faults(&frame);
            } else {
                self.send(frame.topic, frame.text);
            }
        }
        more
    }

    fn publish_through_faults(&mut self, frame: &Frame) {
        let topic = frame.topic;
        if let Some(text) = self.before_next.remove(&topic) {
            self.send(topic, text);
        }
        let market = self.venue.market();
        let name = topic.symbol().map(|symbol| market.listings()[symbol.index()].name());
        let cross = |frame: &Frame| match frame.topic {
            Topic::Book(symbol, depth) => crossing(market.engine(symbol), depth, frame.at),
            _ => None,
        };
        let Outgoing { texts, before_next } = self.faults.on_frame(frame, name, cross);
        if let Some(text) = before_next {
            self.before_next.insert(topic, text);
        }
        for text in texts {
            self.send(topic, text);
        }
    }

    fn send(&mut self, topic: Topic, text: String) {
        let Some(subscribers) = self.subscribers.get(&topic) else {
            return;
        };
        let text = Utf8Bytes::from(text);
        for id in subscribers {
            let Some(peer) = self.peers.get(id) else {
                continue;
            };
            if peer.outbox.try_send(text.clone()).is_err() {
                peer.kill.notify_one();
            }
        }
    }

    fn send_status(&mut self) {
        let system = self.system_status();
        for peer in self.peers.values() {
            let status = crate::publish::status(system, peer.connection_id);
            if peer.outbox.try_send(status.into()).is_err() {
                peer.kill.notify_one();
            }
        }
    }

    fn drop_slow(&mut self, counters: &Counters) {
        let full: Vec<u64> = self
            .peers
            .iter()
            .filter(|(_, p)| p.outbox.capacity() == 0)
            .map(|(id, _)| *id)
            .collect();
        for id in full {
            count(&counters.slow_drops, 1);
            self.remove_peer(id);
        }
    }

    fn disconnect_all(&mut self) {
        let ids: Vec<u64> = self.peers.keys().copied().collect();
        for id in ids {
            self.remove_peer(id);
        }
    }

    fn remove_peer(&mut self, id: u64) {
        let Some(peer) = self.peers.remove(&id) else {
            return;
        };
        peer.kill.notify_one();
        for (topic, _) in peer.topics {
            self.unsubscribe(id, topic);
        }
    }
}
