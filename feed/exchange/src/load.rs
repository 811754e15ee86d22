//! Open-loop load: prepared frames of the seeded market, each sent at an instant planned beforehand.
//!
//! A [`LoadAgent`] is the exchange with one client and one script. Handshakes, instruments,
//! subscriptions and snapshots are the hub's; instead of the market it plays a [`Reel`] by a schedule
//! ([`plan`]) that nothing can change: a reader that does not read finds everything it missed waiting,
//! with the times at which it should have come. It skips nothing and never slows down; what the kernel
//! did not take when it was due is sent as soon as it does, still with its intended time.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use hdrhistogram::Histogram;
use paperwire_core::agent::{Agent, Clock, WorkCount};
use paperwire_core::limits::LATENCY_MAX_NS;
use paperwire_core::time::{DurationNs, HostNs};
use rustls::ServerConfig;

use crate::ExchangeError;
use crate::faults::Faults;
use crate::hub::{Hub, HubConfig, Link};
use crate::listen;
use crate::market::MarketConfig;
use crate::publish::Venue;

mod connection;
pub mod plan;
pub mod reel;

pub use plan::{Rate, Start};
pub use reel::{Reel, WireTime};

use connection::Connection;

/// Messages written at once when so many are due: two full reads of the feed.
const CHUNK_MAX: usize = 256;
/// Requests are looked for this often; none is expected while a round runs.
const LOOK_EVERY: DurationNs = DurationNs::from_millis(1);
/// Signs of life until the first round; from then on frames are exactly those of the plans.
const BEAT_EVERY: DurationNs = DurationNs::from_secs(1);
const HEARTBEAT: &[u8] = br#"{"channel":"heartbeat"}"#;
const QUEUE_LEN_MAX: usize = 1024;

/// A number of frames by one schedule.
#[derive(Clone, Debug)]
pub struct Round {
    /// What is sent.
    pub reel: Arc<Reel>,
    /// How fast.
    pub rate: Rate,
    /// When the first frame is due.
    pub start: Start,
    /// Number of the first frame in the reel, counted over all laps.
    pub first: u64,
    /// How many.
    pub frames: u64,
}

impl Round {
    /// When frame `index` of the round is due, counted from its start.
    pub fn due(&self, index: u64) -> DurationNs {
        match self.rate {
            Rate::Even(rate) => plan::even_due(rate, index),
            Rate::Recorded => {
                let first = self.reel.due(self.first);
                DurationNs::new(self.reel.due(self.first + index).raw() - first.raw())
            }
        }
    }
}

/// What other threads see of the load.
#[derive(Debug, Default)]
struct Board {
    sent: AtomicU64,
    blocked_ns: AtomicU64,
    is_lost: AtomicBool,
}

/// Gives rounds to a [`LoadAgent`] and watches it.
#[derive(Debug)]
pub struct LoadHandle {
    rounds: Sender<Round>,
    board: Arc<Board>,
    addr: SocketAddr,
    certificate: Option<Vec<u8>>,
}

impl LoadHandle {
    /// Where the client connects.
    pub fn ws_url(&self) -> String {
        let port = self.addr.port();
        match self.certificate {
            Some(_) => format!("wss://localhost:{port}/v2"),
            None => format!("ws://127.0.0.1:{port}/v2"),
        }
    }

    /// The self-signed certificate to trust, with TLS.
    pub fn certificate_der(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Starts a round after those before it.
    pub fn play(&self, round: Round) {
        // The agent is gone only when its thread is, and whoever joins that thread finds out.
        let _ = self.rounds.send(round);
    }

    /// Frames of all rounds that the kernel has taken.
    pub fn sent(&self) -> u64 {
        self.board.sent.load(Ordering::Acquire)
    }

    /// How long due frames waited in all because the client's side was full.
    pub fn blocked(&self) -> DurationNs {
        DurationNs::new(self.board.blocked_ns.load(Ordering::Acquire))
    }

    /// True when the client went away.
    pub fn is_lost(&self) -> bool {
        self.board.is_lost.load(Ordering::Acquire)
    }
}

/// What became of the messages of the chunk under way.
struct Account {
    board: Arc<Board>,
    /// When each of them was due.
    chunk: Vec<HostNs>,
    lateness: Histogram<u32>,
    blocked_since: Option<HostNs>,
}

impl Account {
    /// The kernel has taken the whole chunk.
    fn close(&mut self, now: HostNs) {
        let count = u64::try_from(self.chunk.len()).expect("at most CHUNK_MAX");
        for due in self.chunk.drain(..) {
            self.lateness.saturating_record(now.since(due).raw());
        }
        self.board.sent.fetch_add(count, Ordering::Release);
        if let Some(since) = self.blocked_since.take() {
            self.board.blocked_ns.fetch_add(now.since(since).raw(), Ordering::Release);
        }
    }
}

struct Running {
    round: Round,
    next: u64,
    due: HostNs,
}

/// The exchange's side of a benchmark, for one client.
pub struct LoadAgent<C> {
    clock: C,
    hub: Hub,
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    client: Option<(Link, Connection)>,
    rounds: Receiver<Round>,
    running: Option<Running>,
    has_played: bool,
    account: Account,
    next_look: HostNs,
    next_beat: HostNs,
    time: WireTime,
    text: Vec<u8>,
    frame: Vec<u8>,
}

impl<C> std::fmt::Debug for LoadAgent<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadAgent").finish_non_exhaustive()
    }
}

impl<C: Clock> LoadAgent<C> {
    /// Listens on a free port of 127.0.0.1. The market is the one that reels are rendered from.
    ///
    /// # Errors
    /// [`ExchangeError`] when the market's configuration is out of range or no port can be had.
    pub fn new(
        market: &MarketConfig,
        tls: bool,
        clock: C,
    ) -> Result<(Self, LoadHandle), ExchangeError> {
        let limits = HubConfig {
            speed: 1.0,
            ws_limit: None,
            rest_limit: None,
            queue_len_max: QUEUE_LEN_MAX,
            seed: market.seed,
        };
        let hub = Hub::new(Venue::new(market)?, &Faults::none(), limits);
        let identity = tls.then(listen::identity).transpose()?;
        let failed = |source| ExchangeError::Listen { port: 0, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let addr = listener.local_addr().map_err(failed)?;
        let (rounds_in, rounds) = channel();
        let board = Arc::new(Board::default());
        let handle = LoadHandle {
            rounds: rounds_in,
            board: Arc::clone(&board),
            addr,
            certificate: identity.as_ref().map(|of| of.certificate.to_vec()),
        };
        let agent = Self {
            clock,
            hub,
            listener,
            tls: identity.map(|of| Arc::clone(of.acceptor.config())),
            client: None,
            rounds,
            running: None,
            has_played: false,
            account: Account {
                board,
                chunk: Vec::with_capacity(CHUNK_MAX),
                lateness: lateness(),
                blocked_since: None,
            },
            next_look: HostNs::default(),
            next_beat: HostNs::default(),
            time: WireTime::default(),
            text: Vec::new(),
            frame: Vec::new(),
        };
        Ok((agent, handle))
    }

    /// How much later than planned the kernel took the frames of the latest round: the part of every
    /// response time that is the load's own.
    pub const fn lateness(&self) -> &Histogram<u32> {
        &self.account.lateness
    }

    fn accept(&mut self) -> usize {
        // The client reports why it did not get through.
        let Ok((stream, _)) = self.listener.accept() else { return 0 };
        let Ok(connection) = Connection::open(stream, self.tls.as_ref()) else { return 1 };
        self.client = self.hub.connect().map(|link| (link, connection));
        1
    }

    /// Answers requests, and beats while there is nothing else to say.
    fn look(&mut self, now: HostNs) -> io::Result<()> {
        let Some((link, connection)) = &mut self.client else { return Ok(()) };
        self.next_look = now.plus(LOOK_EVERY);
        connection.receive(|request| self.hub.answer(link.id, request))?;
        while let Ok(text) = link.inbox.try_recv() {
            connection.push(text.as_bytes(), &mut self.frame)?;
        }
        if !self.has_played && now >= self.next_beat {
            self.next_beat = now.plus(BEAT_EVERY);
            if self.hub.has_topics(link.id) {
                connection.push(HEARTBEAT, &mut self.frame)?;
            }
        }
        Ok(())
    }

    /// Sends what is due, as far as the kernel takes it.
    fn send(&mut self) -> io::Result<usize> {
        let Some((_, connection)) = &mut self.client else { return Ok(0) };
        if !connection.flush()? {
            return Ok(0);
        }
        self.account.close(self.clock.now());
        let now = self.clock.now();
        if let Some(running) = &mut self.running {
            let round = &running.round;
            while self.account.chunk.len() < CHUNK_MAX
                && running.next < round.frames
                && running.due <= now
            {
                self.time.set(round.start.exch.plus(round.due(running.next)));
                self.text.clear();
                round.reel.write(round.first + running.next, &self.time, &mut self.text);
                connection.push(&self.text, &mut self.frame)?;
                self.account.chunk.push(running.due);
                running.next += 1;
                running.due = round.start.host.plus(round.due(running.next));
            }
            if running.next == round.frames {
                self.running = None;
            }
        }
        let count = self.account.chunk.len();
        let is_through = connection.flush()?;
        let now = self.clock.now();
        if is_through {
            self.account.close(now);
        } else {
            self.account.blocked_since = Some(now);
        }
        Ok(count)
    }

    fn turn(&mut self, now: HostNs) -> io::Result<usize> {
        if now >= self.next_look {
            self.look(now)?;
        }
        if self.running.is_none()
            && self.account.chunk.is_empty()
            && let Ok(round) = self.rounds.try_recv()
        {
            self.has_played = true;
            self.account.lateness.reset();
            let due = round.start.host.plus(round.due(0));
            self.running = (round.frames > 0).then_some(Running { round, next: 0, due });
        }
        self.send()
    }
}

impl<C: Clock> Agent for LoadAgent<C> {
    fn name(&self) -> &'static str {
        "load"
    }

    fn step(&mut self, now: HostNs) -> Option<WorkCount> {
        if self.client.is_none() {
            return Some(WorkCount(self.accept()));
        }
        match self.turn(now) {
            Ok(work) => Some(WorkCount(work)),
            Err(_) => {
                if let Some((link, _)) = self.client.take() {
                    self.hub.disconnect(link.id);
                }
                self.account.board.is_lost.store(true, Ordering::Release);
                self.running = None;
                Some(WorkCount(0))
            }
        }
    }

    /// Records of TLS are made on the heap; the load is not what is measured.
    fn is_warm(&self) -> bool {
        false
    }
}

fn lateness() -> Histogram<u32> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3).expect("bounds are valid constants")
}
