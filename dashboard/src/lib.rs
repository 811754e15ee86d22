//! The page: REST, a WebSocket that pushes what changed, controls, metrics, and the files of the browser.
//!
//! It runs on a runtime of its own. The bridge publishes a [`view::Snapshot`] a few times a second; questions that a
//! snapshot does not answer go to a [`source::Source`] on threads that may wait. Nothing here knows a ring, a
//! pinned thread or a socket of the venue, so nothing that a browser does can reach them.
//!
//! * what is shown: [`view`]; in numbered pieces: `hub`
//! * who may see it: `access`, under which names: `origin`; how many may be connected: `connections`
//! * what may be asked: `routes`, described by `openapi`
//! * what is pushed: `live`; for Prometheus: `metrics`; the browser's files: `assets`
//! * when something is wrong and nobody looks: [`alert`]

pub mod alert;
pub mod source;
pub mod view;

mod access;
mod assets;
mod connections;
mod hub;
mod live;
mod metrics;
mod openapi;
mod origin;
mod router;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use paperwire_core::secret::Secret;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use access::Access;
use connections::{Gate, Peer};
use hub::Hub;
use source::Source;
use view::{Fill, Snapshot};

/// How the page is served.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub bind: SocketAddr,
    /// What a browser or a program must know; without one only loopback is served.
    pub token: Option<Secret>,
    /// Further names of this server, as a browser or a proxy writes them.
    pub names: Vec<String>,
    /// Connections at once, [`CONNECTIONS_MAX`] where descriptors suffice.
    pub connections_max: usize,
}

/// Connections of the page at once: 512 listeners, and 64 that ask.
pub const CONNECTIONS_MAX: usize = LISTENERS_MAX + CONNECTIONS_ASKING;
const LISTENERS_MAX: usize = 512;
/// Connections that no listener may take, so that there is always one for an order.
const CONNECTIONS_ASKING: usize = 64;

impl Settings {
    /// Whether it may be served so. `paperwire config check` asks the same question.
    ///
    /// # Errors
    /// [`ServeError::Open`], [`ServeError::Short`] and [`ServeError::Weak`].
    pub fn check(&self) -> Result<(), ServeError> {
        let Some(token) = &self.token else {
            let is_open = !self.bind.ip().is_loopback();
            return if is_open { Err(ServeError::Open(self.bind)) } else { Ok(()) };
        };
        let token = token.reveal();
        let len = token.chars().count();
        if len < TOKEN_LEN_MIN {
            return Err(ServeError::Short(len));
        }
        // Anything else does not travel in a header, or is lost at its end.
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ServeError::Weak("letters, digits and signs of ASCII without spaces"));
        }
        let distinct = token.bytes().collect::<std::collections::BTreeSet<_>>().len();
        if distinct < TOKEN_DISTINCT_MIN {
            return Err(ServeError::Weak("at least eight different characters"));
        }
        Ok(())
    }

    /// Listeners of the WebSocket at once.
    fn listeners_max(&self) -> usize {
        // Where descriptors are few, one place in nine is for those who ask, as it is where they suffice.
        let asking = CONNECTIONS_ASKING.min(self.connections_max.div_ceil(9));
        self.connections_max.saturating_sub(asking).clamp(1, LISTENERS_MAX)
    }
}

/// Why the page is not served. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Everybody could give orders.
    #[error(
        "dashboard.bind = \"{0}\" is reachable from other machines and has no token: set \
         PAPERWIRE_DASHBOARD__TOKEN, or bind 127.0.0.1"
    )]
    Open(SocketAddr),
    /// A token that can be guessed.
    #[error("dashboard.token has {0} characters; 16 or more are needed")]
    Short(usize),
    /// A token that can be guessed, or does not travel.
    #[error(
        "dashboard.token is made of too little: it needs {0}, as `openssl rand -hex 16` prints"
    )]
    Weak(&'static str),
    /// The address is taken, or not this machine's.
    #[error(
        "the dashboard cannot listen at {bind}: {error}; choose another with --set \
         'dashboard.bind=\"127.0.0.1:0\"', or --no-dashboard"
    )]
    Bind {
        /// The address.
        bind: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The system has no thread left.
    #[error("the dashboard has no thread: {0}")]
    Thread(std::io::Error),
}

/// Shortest token, and the fewest different characters of one.
const TOKEN_LEN_MIN: usize = 16;
const TOKEN_DISTINCT_MIN: usize = 8;
/// Time that listeners are given to hear that it is over.
const FAREWELL: Duration = Duration::from_secs(2);

/// What every request sees.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) access: Arc<Access>,
    pub(crate) hub: Hub,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) listeners: Arc<AtomicUsize>,
    pub(crate) listeners_max: usize,
    /// Becomes true at the end.
    pub(crate) over: watch::Receiver<bool>,
}

/// The server while it runs.
pub struct Server {
    runtime: Runtime,
    address: SocketAddr,
    hub: Hub,
    listeners: Arc<AtomicUsize>,
    over: watch::Sender<bool>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Starts serving.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn start(settings: &Settings, source: Arc<dyn Source>) -> Result<Self, ServeError> {
        settings.check()?;
        let bind = settings.bind;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(2)
            .thread_name("dashboard")
            .enable_all()
            .build()
            .map_err(ServeError::Thread)?;
        let listener = runtime.block_on(TcpListener::bind(bind));
        let listener = listener.map_err(|error| ServeError::Bind { bind, error })?;
        let address = listener.local_addr().map_err(|error| ServeError::Bind { bind, error })?;
        let (over, is_over) = watch::channel(false);
        let hub = Hub::new();
        let listeners = Arc::new(AtomicUsize::new(0));
        let app = App {
            access: Arc::new(Access::new(settings.token.as_ref(), address, &settings.names)),
            hub: hub.clone(),
            source,
            listeners: listeners.clone(),
            listeners_max: settings.listeners_max(),
            over: is_over,
        };
        let mut ends = app.over.clone();
        let routes = router::all(app).into_make_service_with_connect_info::<Peer>();
        let listener = Gate::new(listener, settings.connections_max);
        runtime.spawn(async move {
            let ended = async move { drop(ends.wait_for(|over| *over).await) };
            // An error of the listener ends the page, never the trading.
            let _ = axum::serve(listener, routes).with_graceful_shutdown(ended).await;
        });
        Ok(Self { runtime, address, hub, listeners, over })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the bridge publishes, from any thread.
    pub fn publisher(&self) -> Publisher {
        Publisher { hub: self.hub.clone(), listeners: self.listeners.clone() }
    }

    /// The threads that it runs on, for tasks that belong to the page.
    pub fn handle(&self) -> &tokio::runtime::Handle {
        self.runtime.handle()
    }

    /// Tells every listener that it is over, and stops.
    pub fn stop(self) {
        self.over.send_replace(true);
        let listeners = &self.listeners;
        let all_know = async {
            while listeners.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // Whoever does not take the farewell goes without it.
        let _ = self.runtime.block_on(async { tokio::time::timeout(FAREWELL, all_know).await });
        self.runtime.shutdown_background();
    }
}

/// The way of snapshots and fills to the page.
#[derive(Clone, Debug)]
pub struct Publisher {
    hub: Hub,
    listeners: Arc<AtomicUsize>,
}

impl Publisher {
    /// Shows the next instant.
    pub fn publish(&self, snapshot: Snapshot) {
        self.hub.publish(snapshot);
    }

    /// Shows a fill at once.
    pub fn fill(&self, fill: &Fill) {
        self.hub.fill(fill);
    }

    /// WebSocket listeners now.
    pub fn listeners(&self) -> usize {
        self.listeners.load(Ordering::Relaxed)
    }
}

/// Bytes as hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The one place that looks at a clock: for limits of access, never for anything shown.
#[expect(clippy::disallowed_methods, reason = "the only clock of this room")]
pub(crate) fn now() -> std::time::Instant {
    std::time::Instant::now()
}
