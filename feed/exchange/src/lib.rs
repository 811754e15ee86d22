//! A Kraken-protocol exchange on loopback: real matching, a living market, the exact wire, and faults.
//!
//! Clients written for Kraken's public WebSocket v2 and REST API work against it unchanged; it is the
//! default data source of Paperwire and the other side of its tests. Map, bottom up:
//!
//! * [`matching`]: one book, price-time priority, integers only.
//! * [`market`]: who trades and why, in virtual time, from a seed. [`market::past`]: what has traded.
//! * [`publish`]: the public channels as text; [`publish::Venue`] is all of this without a socket.
//! * [`faults`]: a script of bad luck.
//! * `hub`, `ws`, `rest`, `listen`: the server, started by [`Exchange::start`].
//! * [`describe`]: what a market or a capture is like, in numbers.
//! * [`load`]: prepared frames at planned instants, for benchmarks.
//!
//! Nothing here is reachable from another machine: listeners bind 127.0.0.1 only.

#![warn(missing_docs)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use paperwire_core::time::ExchNs;
use rustls::pki_types::CertificateDer;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub mod describe;
pub mod faults;
mod hub;
mod limit;
mod listen;
pub mod load;
pub mod market;
pub mod matching;
pub mod publish;
mod rest;
mod ws;

pub use faults::{FaultError, Faults};
pub use limit::RateLimit;
pub use listen::TlsError;
pub use market::{Market, MarketConfig, MarketError, Profile};
pub use rest::{OHLC_ROWS_MAX, TRADES_PAGE_MAX};

use hub::{Hub, HubConfig};
use publish::Venue;

/// How an exchange is started.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// The market behind it.
    pub market: MarketConfig,
    /// Seconds of exchange time per second of real time.
    pub speed: f64,
    /// WebSocket port; 0 takes any free one.
    pub ws_port: u16,
    /// REST port; 0 takes any free one.
    pub rest_port: u16,
    /// TLS on the WebSocket port.
    pub tls: bool,
    /// TLS on the REST port, with the same certificate.
    pub rest_tls: bool,
    /// What goes wrong and when.
    pub faults: Faults,
    /// REST requests per address (for Trades and OHLC: and pair); `None` is no limit.
    pub rest_limit: Option<RateLimit>,
    /// WebSocket requests per connection; `None` is no limit.
    pub ws_limit: Option<RateLimit>,
    /// Messages that may wait for a client before it is dropped.
    pub queue_len_max: usize,
    /// Connections of each listener at once.
    pub connections_max: usize,
}

/// Connections of each listener of an exchange by itself; one inside a run has fewer.
const CONNECTIONS_MAX: usize = 256;

impl ExchangeConfig {
    /// The default pairs at real speed, TLS on the WebSocket, any ports, no faults, and limits as
    /// measured at Kraken: 30 REST requests at once and one a second after that; 200 WebSocket
    /// requests at once and 50 a second.
    pub const fn new(seed: u64) -> Self {
        Self {
            market: MarketConfig::new(seed),
            speed: 1.0,
            ws_port: 0,
            rest_port: 0,
            tls: true,
            rest_tls: false,
            faults: Faults::none(),
            rest_limit: Some(RateLimit { burst: 30, per_s: 1.0 }),
            ws_limit: Some(RateLimit { burst: 200, per_s: 50.0 }),
            queue_len_max: QUEUE_LEN_MAX,
            connections_max: CONNECTIONS_MAX,
        }
    }
}

/// Default bound of a client's queue: a minute and more of every default channel of one pair.
pub const QUEUE_LEN_MAX: usize = 8192;

/// Why an exchange did not start.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The market's configuration is out of range.
    #[error(transparent)]
    Market(#[from] MarketError),
    /// Exchange time would not move.
    #[error("speed {0} is not within 0.001 to 10000")]
    Speed(f64),
    /// No message could ever wait.
    #[error("queue_len_max must be at least 1")]
    Queue,
    /// A fault is about a pair that is not listed.
    #[error("fault script: no such pair: {0}")]
    FaultSymbol(String),
    /// A port is taken or may not be used.
    #[error("cannot listen on 127.0.0.1 port {port}: {source}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What an exchange has done since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExchangeStats {
    /// WebSocket connections that were ever open.
    pub connections: u64,
    /// WebSocket connections that are open now.
    pub connections_open: u64,
    /// Messages written to WebSocket clients.
    pub frames_sent: u64,
    /// Bytes of those messages.
    pub bytes_sent: u64,
    /// Requests read from WebSocket clients.
    pub requests: u64,
    /// Subscriptions confirmed, counting each symbol.
    pub subscribes: u64,
    /// Subscriptions ended on request, counting each symbol.
    pub unsubscribes: u64,
    /// Requests refused, counting each symbol.
    pub errors: u64,
    /// Clients dropped because their queue was full.
    pub slow_drops: u64,
    /// REST requests.
    pub rest_requests: u64,
    /// Times a fault struck.
    pub faults_fired: u64,
    /// Market events played.
    pub market_events: u64,
}

/// A running exchange; dropping it ends its tasks at once, [`Exchange::stop`] in good order.
#[derive(Debug)]
pub struct Exchange {
    hub: Arc<Hub>,
    ws_addr: SocketAddr,
    rest_addr: SocketAddr,
    tls: bool,
    rest_tls: bool,
    certificate: Option<CertificateDer<'static>>,
    stopping: watch::Sender<bool>,
    /// End by themselves when told.
    servers: JoinSet<()>,
    /// End when aborted.
    loops: JoinSet<()>,
}

impl Exchange {
    /// Starts the market and its servers on the current tokio runtime.
    ///
    /// # Errors
    /// [`ExchangeError`] when the configuration is out of range or a port cannot be had.
    pub async fn start(config: ExchangeConfig) -> Result<Self, ExchangeError> {
        if !(0.001..=10_000.0).contains(&config.speed) {
            return Err(ExchangeError::Speed(config.speed));
        }
        if config.queue_len_max == 0 {
            return Err(ExchangeError::Queue);
        }
        let start = config.market.start.unwrap_or_else(wall_clock);
        let market = MarketConfig { start: Some(start), ..config.market };
        let venue = Venue::new(&market)?;
        if let Some(name) = config.faults.unknown_symbol(|s| venue.market().symbol(s).is_some()) {
            return Err(ExchangeError::FaultSymbol(name.to_owned()));
        }
        let limits = HubConfig {
            speed: config.speed,
            ws_limit: config.ws_limit,
            rest_limit: config.rest_limit,
            queue_len_max: config.queue_len_max,
            seed: market.seed,
        };
        let hub = Arc::new(Hub::new(venue, &config.faults, limits));
        let identity = (config.tls || config.rest_tls).then(listen::identity).transpose()?;
        let acceptor =
            |wanted: bool| identity.as_ref().filter(|_| wanted).map(|i| i.acceptor.clone());

        let stopping = watch::Sender::new(false);
        let mut servers = JoinSet::new();
        let mut loops = JoinSet::new();
        let ws_routes = Router::new().route("/v2", get(ws::upgrade)).route("/", get(ws::upgrade));
        let public = get(rest::public).post(rest::public);
        let rest_routes = Router::new().route("/0/public/{method}", public).fallback(rest::unknown);
        let mut addrs = Vec::new();
        for (port, tls, routes) in [
            (config.ws_port, acceptor(config.tls), ws_routes),
            (config.rest_port, acceptor(config.rest_tls), rest_routes),
        ] {
            let listening =
                listen::listen(port, tls, Arc::clone(&hub), config.connections_max, &mut loops)
                    .await;
            let (incoming, addr) =
                listening.map_err(|source| ExchangeError::Listen { port, source })?;
            let service = routes
                .with_state(Arc::clone(&hub))
                .into_make_service_with_connect_info::<listen::PeerAddr>();
            let mut stop = stopping.subscribe();
            let stopped = async move {
                // An error means that the exchange itself is gone.
                let _ = stop.wait_for(|stopping| *stopping).await;
            };
            servers.spawn(async move {
                let served = axum::serve(incoming, service).with_graceful_shutdown(stopped).await;
                debug_assert!(served.is_ok(), "accepting does not fail");
            });
            addrs.push(addr);
        }
        loops.spawn(play(Arc::clone(&hub)));
        Ok(Self {
            hub,
            ws_addr: addrs[0],
            rest_addr: addrs[1],
            tls: config.tls,
            rest_tls: config.rest_tls,
            certificate: identity.map(|identity| identity.certificate),
            stopping,
            servers,
            loops,
        })
    }

    /// Where WebSocket clients connect, with the path of version 2.
    pub fn ws_url(&self) -> String {
        let port = self.ws_addr.port();
        if self.tls {
            format!("wss://localhost:{port}/v2")
        } else {
            format!("ws://127.0.0.1:{port}/v2")
        }
    }

    /// Address of the WebSocket port.
    pub const fn ws_addr(&self) -> SocketAddr {
        self.ws_addr
    }

    /// Base of the REST API, without `/0/public`.
    pub fn rest_url(&self) -> String {
        let port = self.rest_addr.port();
        if self.rest_tls {
            format!("https://localhost:{port}")
        } else {
            format!("http://127.0.0.1:{port}")
        }
    }

    /// The self-signed certificate to trust, when TLS is on.
    pub fn certificate_der(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// Exchange time now.
    pub fn now(&self) -> ExchNs {
        self.hub.clock.now()
    }

    /// What has happened so far.
    pub fn stats(&self) -> ExchangeStats {
        let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.hub.counters;
        let state = self.hub.lock();
        ExchangeStats {
            connections: read(&counters.connections),
            connections_open: u64::try_from(state.peers.len()).unwrap_or(u64::MAX),
            frames_sent: read(&counters.frames),
            bytes_sent: read(&counters.bytes),
            requests: read(&counters.requests),
            subscribes: read(&counters.subscribes),
            unsubscribes: read(&counters.unsubscribes),
            errors: read(&counters.errors),
            slow_drops: read(&counters.slow_drops),
            rest_requests: read(&counters.rest_requests),
            faults_fired: state.faults.fired(),
            market_events: state.venue.events_total(),
        }
    }

    /// Looks at the truth: books, trades and bars. The market waits meanwhile.
    pub fn inspect<R>(&self, look: impl FnOnce(&Market) -> R) -> R {
        look(self.hub.lock().venue.market())
    }

    /// Closes every connection and ends every task.
    pub async fn stop(mut self) {
        self.hub.close();
        self.loops.abort_all();
        self.stopping.send_replace(true);
        // A REST client in the middle of a request gets a moment to read its answer.
        let served = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_MAX, served).await.is_err() {
            self.servers.abort_all();
        }
    }
}

/// How long [`Exchange::stop`] waits for answers under way.
const STOP_MAX: Duration = Duration::from_millis(500);

impl Drop for Exchange {
    fn drop(&mut self) {
        self.hub.close();
    }
}

/// Plays the market as time passes: asleep until something is due, at most this long, so that
/// faults turn on time too.
async fn play(hub: Arc<Hub>) {
    const SLEEP_S: (f64, f64) = (0.001, 0.02);
    loop {
        let wait_s = hub.step().clamp(SLEEP_S.0, SLEEP_S.1);
        tokio::time::sleep(Duration::from_secs_f64(wait_s)).await;
    }
}

/// The one place where the wall clock is read: it becomes the first instant of the market.
#[expect(clippy::disallowed_methods, reason = "a server's start has no caller to ask for the time")]
fn wall_clock() -> ExchNs {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ns = now.map_or(0, |since| since.as_nanos());
    ExchNs::new(i64::try_from(ns).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
