//! The WebSocket that pushes what changed.
//!
//! First `initial_state` with everything, then `state_update` with the pieces that changed since the listener's
//! number, `trade` for each fill, a `heartbeat` each five seconds, `shutdown` at the end. A listener chooses topics by
//! `{"op":"subscribe","topics":[..]}`. Whoever reads slowly skips instants; whoever does not read at all is
//! dropped, so that nothing grows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::App;
use crate::hub::Board;
use crate::now;
use crate::routes::Failure;

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
/// Listeners at once.
const LISTENERS_MAX: usize = 512;
const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);
/// A listener that takes nothing for so long is dropped, and one from which nothing is heard, not even the
/// answer to a ping: it does not read, and what it is sent would pile up in the system.
const SEND_MAX: Duration = Duration::from_secs(10);
const SILENT_MAX: Duration = Duration::from_secs(20);
/// Longest message of a listener, in bytes.
const MESSAGE_MAX: usize = 4096;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    ticket: Option<String>,
}

/// Opens a WebSocket for whoever has a ticket, a login or the token.
pub(crate) async fn upgrade(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    socket: WebSocketUpgrade,
) -> Response {
    let has_ticket = asked.ticket.is_some_and(|ticket| app.access.use_ticket(&ticket, now()));
    if !has_ticket && app.access.pass(&headers, now()).is_none() {
        let text = "ask POST /api/ws-ticket for a ticket and give it as ?ticket=";
        return Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", text).into_response();
    }
    if app.listeners.load(Ordering::Relaxed) >= LISTENERS_MAX {
        let text = format!("{LISTENERS_MAX} listeners are the limit");
        return Failure::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text).into_response();
    }
    let socket = socket.max_message_size(MESSAGE_MAX).max_frame_size(MESSAGE_MAX);
    socket.on_upgrade(move |socket| async move {
        let _counted = Counted::new(&app.listeners);
        let listener = Listener { socket, seen: 0, topics: TOPICS.into(), heard: now() };
        // An error is a listener that went away.
        let _ = listener.run(app).await;
    })
}

/// Counts a listener as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(listeners: &Arc<AtomicUsize>) -> Self {
        listeners.fetch_add(1, Ordering::Relaxed);
        Self(listeners.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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
    heard: std::time::Instant,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    op: String,
    #[serde(default)]
    topics: Vec<String>,
}

impl Listener {
    async fn run(mut self, app: App) -> Result<(), Gone> {
        let (mut boards, mut fills, mut over) =
            (app.hub.listen(), app.hub.fills(), app.over.clone());
        let first = boards.borrow_and_update().clone();
        self.send_all(&first).await?;
        let mut heartbeat = ticks(HEARTBEAT_EVERY);
        loop {
            tokio::select! {
                () = ended(&mut over) => {
                    let text = json!({"type": "shutdown", "timestamp": time(&app), "message": "the run has ended"});
                    return self.send(text.to_string()).await;
                }
                changed = boards.changed() => {
                    changed.map_err(|_| Gone)?;
                    let board = boards.borrow_and_update().clone();
                    self.send_changes(&board).await?;
                }
                fill = fills.recv() => match fill {
                    Ok(fill) if self.topics.contains("trade") => self.send(fill.to_string()).await?,
                    Ok(_) => {}
                    // Fills it missed are in what it gets now.
                    Err(RecvError::Lagged(_)) => self.send_all(&app.hub.board()).await?,
                    Err(RecvError::Closed) => return Err(Gone),
                },
                message = self.socket.recv() => {
                    self.heard = now();
                    match message {
                    Some(Ok(Message::Text(text))) => self.obey(&text, &app).await?,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Gone),
                    Some(Ok(_)) => {}
                    }
                }
                _ = heartbeat.tick() => {
                    if now().duration_since(self.heard) > SILENT_MAX {
                        return Err(Gone);
                    }
                    self.put(Message::Ping(Bytes::new())).await?;
                    let beat = json!({"type": "heartbeat", "seq": self.seen, "timestamp": time(&app)});
                    self.send(beat.to_string()).await?;
                }
            }
        }
    }

    async fn obey(&mut self, text: &str, app: &App) -> Result<(), Gone> {
        let problem = match serde_json::from_str::<Wish>(text) {
            Ok(wish) if wish.op == "subscribe" => {
                let find = |name: &String| TOPICS.into_iter().find(|topic| topic == name);
                let found: Option<BTreeSet<_>> = wish.topics.iter().map(find).collect();
                match found {
                    Some(topics) => {
                        self.topics = topics;
                        return self.send_all(&app.hub.board()).await;
                    }
                    None => format!("topics are {}", TOPICS.join(", ")),
                }
            }
            Ok(wish) if wish.op == "resync" => return self.send_all(&app.hub.board()).await,
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
        self.seen = board.seq;
        let (seq, at) = (board.seq, &board.snapshot.session.now);
        self.send(format!(
            "{{\"type\":\"initial_state\",\"seq\":{seq},\"timestamp\":\"{at}\",\"data\":{members},\
             \"recent_trades\":{fills}}}"
        ))
        .await
    }

    async fn send_changes(&mut self, board: &Board) -> Result<(), Gone> {
        if self.seen < board.removed_at || self.seen > board.seq {
            return self.send_all(board).await;
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
