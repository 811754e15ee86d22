//! The WebSocket that pushes what changed.
//!
//! First `initial_state` with everything, then `state_update` with the pieces that changed since the listener's
//! number, `trade` for each fill, a `heartbeat` each five seconds, `shutdown` at the end. A listener chooses topics by
//! `{"op":"subscribe","topics":[..]}`. Whoever reads slowly skips instants; whoever does not read at all is
//! dropped, so that nothing grows. Everything at once is sent at most once a second, however often it is asked for,
//! and whoever asks more than ten times a second is told so and dropped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until, timeout};

use crate::App;
use crate::access::Door;
use crate::connections::Peer;
use crate::hub::Board;
use crate::now;
use crate::routes::{Failure, admit};

/// Everything that may be subscribed to.
pub(crate) const TOPICS: [&str; 10] = [
    "session",
    "aggregate",
    "strategy",
    "market",
    "positions",
    "regime",
    "stages",
    "host",
    "events",
    "trade",
];
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// A listener that takes nothing for so long is dropped, and one from which nothing is heard, not even the
/// answer to a ping: it does not read, and what it is sent would pile up in the system.
const SEND_MAX: Duration = Duration::from_secs(10);
const SILENT_MAX: Duration = Duration::from_secs(20);
/// Longest message of a listener, in bytes.
const MESSAGE_MAX: usize = 4096;
/// Messages of a listener: so many at once, so many a second in the long run.
const MESSAGES_BURST: f64 = 40.0;
const MESSAGES_PER_S: f64 = 10.0;
/// Between two times that a listener gets everything.
const WHOLE_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    ticket: Option<String>,
}

/// Opens a WebSocket for whoever has a ticket, a login or the token.
pub(crate) async fn upgrade(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Response {
    match enter(&app, &peer, asked.ticket.as_deref(), &headers) {
        Ok(counted) => {
            let socket = socket.max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX);
            socket.on_upgrade(move |socket| async move {
                peer.conduct.upgrade();
                let _counted = counted;
                // An error is a listener that went away.
                let _ = Listener::new(socket, now()).run(app).await;
            })
        }
        Err(failure) => failure.into_response(),
    }
}

/// A listener's place. A wrong ticket is a guess like a wrong token.
fn enter(
    app: &App,
    peer: &Peer,
    ticket: Option<&str>,
    headers: &HeaderMap,
) -> Result<Counted, Failure> {
    if !ticket.is_some_and(|ticket| app.access.use_ticket(ticket, now())) {
        if ticket.is_some() && !app.access.may(Door::Guess, peer.address.ip(), now()) {
            return Err(Failure::too_many_guesses());
        }
        if admit(app, peer, headers, Door::Ask)?.is_none() {
            let text = "ask POST /api/ws-ticket for a ticket and give it as ?ticket=";
            return Err(Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", text));
        }
    }
    Counted::take(&app.listeners, app.listeners_max).ok_or_else(|| {
        let text = format!("{} listeners are the limit", app.listeners_max);
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text)
    })
}

/// Counts a listener as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn take(listeners: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let one_more = |count| (count < most).then_some(count + 1);
        let taken = listeners.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.is_ok().then(|| Self(listeners.clone()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a listener may still say.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    left: f64,
    at: Instant,
}

impl Allowance {
    const fn new(at: Instant) -> Self {
        Self { left: MESSAGES_BURST, at }
    }

    /// Whether one more message is within it.
    fn take(&mut self, now: Instant) -> bool {
        let refilled = now.duration_since(self.at).as_secs_f64() * MESSAGES_PER_S;
        *self = Self { left: (self.left + refilled).min(MESSAGES_BURST) - 1.0, at: now };
        self.left >= 0.0
    }
}

/// The listener is gone, or takes nothing.
#[derive(Debug)]
struct Gone;

struct Listener {
    socket: WebSocket,
    /// Number of the newest instant it was sent.
    seen: u64,
    topics: BTreeSet<&'static str>,
    heard: Instant,
    allowance: Allowance,
    /// It is to get everything, from `whole_from` on.
    wants_whole: bool,
    whole_from: Instant,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    op: String,
    #[serde(default)]
    topics: Vec<String>,
}

impl Listener {
    fn new(socket: WebSocket, now: Instant) -> Self {
        Self {
            socket,
            seen: 0,
            topics: TOPICS.into(),
            heard: now,
            allowance: Allowance::new(now),
            wants_whole: true,
            whole_from: now,
        }
    }

    async fn run(mut self, app: App) -> Result<(), Gone> {
        let (mut boards, mut fills, mut over) =
            (app.hub.listen(), app.hub.fills(), app.over.clone());
        let mut heartbeat = ticks(HEARTBEAT_EVERY);
        // Whoever comes gets everything before anything else.
        let board = boards.borrow_and_update().clone();
        self.send_all(&board).await?;
        loop {
            let whole_from = self.whole_from.into();
            tokio::select! {
                () = ended(&mut over) => {
                    let text = json!({"type": "shutdown", "timestamp": time(&app), "message": "the run has ended"});
                    return self.send(text.to_string()).await;
                }
                () = sleep_until(whole_from), if self.wants_whole => {
                    let board = boards.borrow_and_update().clone();
                    self.send_all(&board).await?;
                }
                changed = boards.changed() => {
                    changed.map_err(|_| Gone)?;
                    let board = boards.borrow_and_update().clone();
                    self.send_changes(&board).await?;
                }
                fill = fills.recv() => match fill {
                    Ok(fill) if self.topics.contains("trade") => self.send(fill.to_string()).await?,
                    Ok(_) => {}
                    // Fills it missed are in what it gets next.
                    Err(RecvError::Lagged(_)) => self.wants_whole = true,
                    Err(RecvError::Closed) => return Err(Gone),
                },
                message = self.socket.recv() => self.hear(message).await?,
                _ = heartbeat.tick() => self.beat(&app).await?,
            }
        }
    }

    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Gone> {
        let Some(Ok(message)) = message else { return Err(Gone) };
        self.heard = now();
        if !self.allowance.take(self.heard) {
            let reason = "more than 10 messages a second".into();
            let close = CloseFrame { code: close_code::POLICY, reason };
            self.put(Message::Close(Some(close))).await?;
            return Err(Gone);
        }
        match message {
            Message::Text(text) => self.obey(&text).await,
            Message::Close(_) => Err(Gone),
            Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => Ok(()),
        }
    }

    async fn beat(&mut self, app: &App) -> Result<(), Gone> {
        if now().duration_since(self.heard) > SILENT_MAX {
            return Err(Gone);
        }
        self.put(Message::Ping(Bytes::new())).await?;
        let beat = json!({"type": "heartbeat", "seq": self.seen, "timestamp": time(app)});
        self.send(beat.to_string()).await
    }

    async fn obey(&mut self, text: &str) -> Result<(), Gone> {
        let problem = match serde_json::from_str::<Wish>(text) {
            Ok(wish) if wish.op == "subscribe" => {
                let find = |name: &String| TOPICS.into_iter().find(|topic| topic == name);
                let found: Option<BTreeSet<_>> = wish.topics.iter().map(find).collect();
                match found {
                    Some(topics) => {
                        (self.topics, self.wants_whole) = (topics, true);
                        return Ok(());
                    }
                    None => format!("topics are {}", TOPICS.join(", ")),
                }
            }
            Ok(wish) if wish.op == "resync" => {
                self.wants_whole = true;
                return Ok(());
            }
            Ok(_) => "op is subscribe or resync".to_owned(),
            Err(error) => error.to_string(),
        };
        self.send(json!({"type": "error", "message": problem}).to_string()).await
    }

    async fn send_all(&mut self, board: &Board) -> Result<(), Gone> {
        let members = board.since(0, |topic| self.topics.contains(topic));
        let fills = match self.topics.contains("trade") {
            true => serde_json::to_string(&board.snapshot.fills),
            false => Ok("[]".to_owned()),
        };
        let fills = fills.expect("texts and numbers have a JSON form");
        (self.seen, self.wants_whole) = (board.seq, false);
        self.whole_from = now() + WHOLE_EVERY;
        let (seq, at) = (board.seq, &board.snapshot.session.now);
        self.send(format!(
            "{{\"type\":\"initial_state\",\"seq\":{seq},\"timestamp\":\"{at}\",\"data\":{members},\
             \"recent_trades\":{fills}}}"
        ))
        .await
    }

    async fn send_changes(&mut self, board: &Board) -> Result<(), Gone> {
        if self.wants_whole || self.seen < board.removed_at || self.seen > board.seq {
            // Everything holds the change, too.
            self.wants_whole = true;
            return Ok(());
        }
        let members = board.since(self.seen, |topic| self.topics.contains(topic));
        let (since, seq) = (self.seen, board.seq);
        self.seen = board.seq;
        if members == "{}" {
            return Ok(());
        }
        let at = &board.snapshot.session.now;
        self.send(format!(
            "{{\"type\":\"state_update\",\"since\":{since},\"seq\":{seq},\"timestamp\":\"{at}\",\
             \"data\":{members}}}"
        ))
        .await
    }

    async fn send(&mut self, text: String) -> Result<(), Gone> {
        self.put(Message::Text(text.into())).await
    }

    async fn put(&mut self, message: Message) -> Result<(), Gone> {
        let sent = timeout(SEND_MAX, self.socket.send(message)).await;
        sent.map_err(|_| Gone)?.map_err(|_| Gone)
    }
}

async fn ended(over: &mut watch::Receiver<bool>) {
    drop(over.wait_for(|over| *over).await);
}

fn time(app: &App) -> String {
    app.hub.board().snapshot.session.now.clone()
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
