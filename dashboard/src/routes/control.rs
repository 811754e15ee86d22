//! Orders, logins, and whether the program is well.

use axum::Extension;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use paperwire_core::command::Verb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Failure, Problem};
use crate::access::{COOKIE, Door, Pass, Shown};
use crate::connections::Peer;
use crate::source::Order;
use crate::{App, now};

/// What may be ordered over HTTP: all but benching, which is the program's own.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VerbWord {
    /// No new entries.
    Pause,
    /// Entries again.
    Resume,
    /// Closes everything.
    Flatten,
    /// The account starts from scratch.
    Reset,
    /// Flattens and halts.
    Kill,
}

impl VerbWord {
    const fn verb(self) -> Verb {
        match self {
            Self::Pause => Verb::Pause,
            Self::Resume => Verb::Resume,
            Self::Flatten => Verb::Flatten,
            Self::Reset => Verb::Reset,
            Self::Kill => Verb::Kill,
        }
    }
}

/// An order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ControlRequest {
    /// A strategy of this run, or `all`.
    target: String,
    /// What is to be done.
    verb: VerbWord,
    /// The target once more, so that nothing is ordered by a slip.
    confirm: String,
}

/// The order is on its way; what became of it is among the events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Accepted {
    /// Always true.
    accepted: bool,
    /// Whom it is for.
    target: String,
    /// What.
    #[schema(value_type = String)]
    verb: &'static str,
}

/// Gives an order to a strategy or to all.
#[utoipa::path(
    post, path = "/api/control", request_body = ControlRequest,
    responses((status = 202, body = Accepted), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 503, body = Problem))
)]
pub(crate) async fn control(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Extension(pass): Extension<Pass>,
    headers: HeaderMap,
    body: Result<Json<ControlRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<Accepted>), Failure> {
    let Json(ControlRequest { target, verb, confirm }) = json(body)?;
    let verb = verb.verb();
    if confirm != target {
        let text = "confirm: repeat the target, so that nothing happens by a slip";
        return Err(Failure::new(StatusCode::CONFLICT, "not_confirmed", text));
    }
    let order = Order {
        target: (target != "all").then(|| target.clone()),
        verb,
        by: format!("{} ({})", peer.address.ip(), pass.as_str()),
        is_page: headers.contains_key(header::ORIGIN),
    };
    let source = app.source.clone();
    super::read::waiting(move || source.order(&order)).await??;
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted: true, target, verb: verb.as_str() })))
}

fn json<T>(body: Result<Json<T>, JsonRejection>) -> Result<Json<T>, Failure> {
    body.map_err(|rejection| Failure::bad(rejection.body_text()))
}

/// A ticket for one WebSocket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ticket {
    /// For `/ws/live?ticket=`, within thirty seconds, once.
    ticket: String,
}

/// Makes a ticket for one WebSocket.
#[utoipa::path(
    post, path = "/api/ws-ticket",
    responses((status = 200, body = Ticket), (status = 401, body = Problem))
)]
pub(crate) async fn ticket(State(app): State<App>) -> Json<Ticket> {
    Json(Ticket { ticket: app.access.ticket(now()) })
}

/// Never shown: neither by an error of its reader, which names no value, nor by a log, which gets none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginRequest {
    token: String,
}

pub(crate) async fn log_in(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    body: Result<Json<LoginRequest>, JsonRejection>,
) -> Result<Response, Failure> {
    // What is wrong with a body may be a token; it is not repeated.
    let Ok(Json(LoginRequest { token })) = body else {
        return Err(Failure::bad("send {\"token\": \"...\"} as JSON"));
    };
    if !app.access.is_token(&token) {
        if !app.access.may(Door::Guess, peer.address.ip(), now()) {
            return Err(Failure::too_many_guesses());
        }
        let text = "that is not the token of this run";
        return Err(Failure::new(StatusCode::UNAUTHORIZED, "unauthorized", text));
    }
    let login = app.access.log_in(now());
    let cookie = format!("{COOKIE}={login}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

pub(crate) async fn log_out(State(app): State<App>, headers: HeaderMap) -> Response {
    app.access.log_out(&headers);
    let cookie = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}

/// What the page needs to know before it shows anything.
#[derive(Debug, Serialize)]
pub(crate) struct LoginState {
    needs_login: bool,
    is_in: bool,
}

pub(crate) async fn login_state(State(app): State<App>, headers: HeaderMap) -> Json<LoginState> {
    let is_in = matches!(app.access.shown(&headers, now()), Shown::Good(_));
    Json(LoginState { needs_login: app.access.needs_token(), is_in })
}

/// The program runs.
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// Every book is live and verified.
pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, Failure> {
    let mode = app.hub.board().snapshot.session.mode.clone();
    if mode == "LIVE" || mode == "REPLAY" {
        return Ok("ready\n");
    }
    let text = format!("the market is {}", if mode.is_empty() { "not there yet" } else { &mode });
    Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", text))
}
