//! Questions that change nothing.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Failure, Problem};
use crate::App;
use crate::source::Measure;
use crate::view::host::Host;
use crate::view::latency::{Comparison, Heatmap, Latency, Slowest, Spectrum};
use crate::view::market::{Candle, Market, Regime};
use crate::view::{
    Aggregate, EquityCurve, Event, Fill, Position, Session, SessionRow, Snapshot, Strategy,
    StrategyConfig,
};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/snapshot", get(snapshot))
        .route("/api/version", get(version))
        .route("/api/session", get(session))
        .route("/api/sessions", get(sessions))
        .route("/api/aggregate", get(aggregate))
        .route("/api/strategies", get(strategies))
        .route("/api/strategy/{name}", get(strategy))
        .route("/api/strategy/{name}/fills", get(strategy_fills))
        .route("/api/strategy/{name}/equity", get(equity))
        .route("/api/strategy/{name}/config", get(config))
        .route("/api/positions", get(positions))
        .route("/api/trades", get(trades))
        .route("/api/prices", get(prices))
        .route("/api/book/{symbol}", get(book))
        .route("/api/candles/{symbol}", get(candles))
        .route("/api/regime", get(regime))
        .route("/api/host", get(host))
        .route("/api/events", get(events))
        .route("/api/latency", get(latency))
        .route("/api/latency/spectrum", get(spectrum))
        .route("/api/latency/compare", get(compare))
        .route("/api/latency/heatmap", get(heatmap))
        .route("/api/latency/slowest", get(slowest))
        .route("/api/latency/hdr", get(hdr))
}

/// Answers a question on a thread that may wait.
pub(crate) async fn waiting<T: Send + 'static>(
    ask: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(ask).await.map_err(|_| {
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "the program is stopping")
    })
}

type Asked<T> = Result<Query<T>, QueryRejection>;

fn query<T>(asked: Asked<T>) -> Result<T, Failure> {
    asked.map(|Query(of)| of).map_err(|rejection| Failure::bad(rejection.body_text()))
}

/// Rows of an answer.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Limit {
    /// 1 to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

impl Limit {
    fn rows(&self, usual: usize) -> Result<usize, Failure> {
        match self.limit {
            None => Ok(usual),
            Some(limit) => usize::try_from(limit)
                .ok()
                .filter(|limit| (1..=1000).contains(limit))
                .ok_or_else(|| Failure::bad("limit: 1 to 1000")),
        }
    }
}

/// Longest window: what is kept.
const WINDOW_MAX: u64 = 86_400;

fn window(asked: Option<u64>, usual: u64) -> Result<u64, Failure> {
    match asked {
        None => Ok(usual),
        Some(window) if (1..=WINDOW_MAX).contains(&window) => Ok(window),
        Some(_) => Err(Failure::bad(format!("window_s: 1 to {WINDOW_MAX}"))),
    }
}

/// Whose work is looked at.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MeasureWord {
    /// Work alone.
    Service,
    /// From arrival, waiting included.
    Response,
}

const fn measure(asked: Option<MeasureWord>) -> Measure {
    match asked {
        None | Some(MeasureWord::Service) => Measure::Service,
        Some(MeasureWord::Response) => Measure::Response,
    }
}

/// Everything of one instant; with `If-None-Match` only when there is a newer one.
#[utoipa::path(get, path = "/api/snapshot",
    responses((status = 200, body = Snapshot), (status = 304), (status = 401, body = Problem)))]
pub(crate) async fn snapshot(State(app): State<App>, headers: HeaderMap) -> Response {
    let board = app.hub.board();
    let tag = format!("\"{}\"", board.seq);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == tag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    ([(header::ETAG, tag)], Json(&*board.snapshot)).into_response()
}

/// The program.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    /// Its name.
    #[schema(value_type = String)]
    name: &'static str,
    /// Its version.
    version: String,
}

/// Name and version of the program.
#[utoipa::path(get, path = "/api/version", responses((status = 200, body = Version), (status = 401, body = Problem)))]
pub(crate) async fn version(State(app): State<App>) -> Json<Version> {
    Json(Version { name: "paperwire", version: app.hub.board().snapshot.session.version.clone() })
}

/// What runs, since when, under which assumptions.
#[utoipa::path(get, path = "/api/session", responses((status = 200, body = Session), (status = 401, body = Problem)))]
pub(crate) async fn session(State(app): State<App>) -> Json<Session> {
    Json(app.hub.board().snapshot.session.clone())
}

/// Sessions that were recorded or logged.
#[utoipa::path(get, path = "/api/sessions", responses((status = 200, body = Vec<SessionRow>), (status = 401, body = Problem)))]
pub(crate) async fn sessions(State(app): State<App>) -> Result<Json<Vec<SessionRow>>, Failure> {
    Ok(Json(waiting(move || app.source.sessions()).await?))
}

/// All strategies together.
#[utoipa::path(get, path = "/api/aggregate", responses((status = 200, body = Aggregate), (status = 401, body = Problem)))]
pub(crate) async fn aggregate(State(app): State<App>) -> Json<Aggregate> {
    Json(app.hub.board().snapshot.aggregate.clone())
}

/// The leaderboard, the best first.
#[utoipa::path(get, path = "/api/strategies", responses((status = 200, body = Vec<Strategy>), (status = 401, body = Problem)))]
pub(crate) async fn strategies(State(app): State<App>) -> Json<Vec<Strategy>> {
    Json(app.hub.board().snapshot.strategies.clone())
}

/// One strategy.
#[utoipa::path(get, path = "/api/strategy/{name}", params(("name" = String, Path, description = "name or name#label")),
    responses((status = 200, body = Strategy), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn strategy(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Strategy>, Failure> {
    let board = app.hub.board();
    let found = board.snapshot.strategies.iter().find(|of| of.name == name);
    let names = || board.snapshot.strategies.iter().map(|of| of.name.as_str()).collect::<Vec<_>>();
    let missing =
        || Failure::missing(format!("no strategy {name:?}; there are {}", names().join(", ")));
    found.cloned().map(Json).ok_or_else(missing)
}

/// Fills of one strategy, the newest first.
#[utoipa::path(get, path = "/api/strategy/{name}/fills", params(("name" = String, Path), Limit),
    responses((status = 200, body = Vec<Fill>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn strategy_fills(
    State(app): State<App>,
    Path(name): Path<String>,
    asked: Asked<Limit>,
) -> Result<Json<Vec<Fill>>, Failure> {
    let limit = query(asked)?.rows(100)?;
    Ok(Json(waiting(move || app.source.fills(Some(&name), limit)).await??))
}

/// Equity of one strategy over time.
#[utoipa::path(get, path = "/api/strategy/{name}/equity", params(("name" = String, Path)),
    responses((status = 200, body = EquityCurve), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn equity(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<EquityCurve>, Failure> {
    Ok(Json(waiting(move || app.source.equity(&name)).await??))
}

/// Parameters of one strategy as they are now.
#[utoipa::path(get, path = "/api/strategy/{name}/config", params(("name" = String, Path)),
    responses((status = 200, body = StrategyConfig), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn config(
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<StrategyConfig>, Failure> {
    Ok(Json(waiting(move || app.source.config(&name)).await??))
}

/// Everything that is held.
#[utoipa::path(get, path = "/api/positions", responses((status = 200, body = Vec<Position>), (status = 401, body = Problem)))]
pub(crate) async fn positions(State(app): State<App>) -> Json<Vec<Position>> {
    Json(app.hub.board().snapshot.positions.clone())
}

/// Fills of all strategies, the newest first.
#[utoipa::path(get, path = "/api/trades", params(Limit),
    responses((status = 200, body = Vec<Fill>), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(crate) async fn trades(
    State(app): State<App>,
    asked: Asked<Limit>,
) -> Result<Json<Vec<Fill>>, Failure> {
    let limit = query(asked)?.rows(100)?;
    Ok(Json(waiting(move || app.source.fills(None, limit)).await??))
}

/// Touch and last trade of every symbol.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Price {
    /// The pair.
    symbol: String,
    /// `live`, `stale`, `resync` or `empty`.
    status: String,
    /// Best bid.
    bid: Option<String>,
    /// Best ask.
    ask: Option<String>,
    /// Last trade.
    last: Option<String>,
}

/// Touch and last trade of every symbol.
#[utoipa::path(get, path = "/api/prices", responses((status = 200, body = Vec<Price>), (status = 401, body = Problem)))]
pub(crate) async fn prices(State(app): State<App>) -> Json<Vec<Price>> {
    let board = app.hub.board();
    let one = |of: &Market| Price {
        symbol: of.symbol.clone(),
        status: of.status.clone(),
        bid: of.bid.clone(),
        ask: of.ask.clone(),
        last: of.last.clone(),
    };
    Json(board.snapshot.markets.iter().map(one).collect())
}

/// One symbol: its book, trades and indicators. `BTC-USD` is as good as `BTC%2FUSD`.
#[utoipa::path(get, path = "/api/book/{symbol}", params(("symbol" = String, Path)),
    responses((status = 200, body = Market), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn book(
    State(app): State<App>,
    Path(symbol): Path<String>,
) -> Result<Json<Market>, Failure> {
    let board = app.hub.board();
    let name = symbol.replace('-', "/");
    let found = board.snapshot.markets.iter().find(|of| of.symbol == name);
    let missing = || Failure::missing(format!("no symbol {name:?} in this run"));
    found.cloned().map(Json).ok_or_else(missing)
}

/// Which candles.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CandlesAsked {
    /// `1m`, `5m`, `15m`, `30m`, `1h`, `4h`, `12h`, `1d` or `1w`.
    tf: Option<String>,
    /// 1 to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// Candles of one symbol, oldest first; the last one may be forming.
#[utoipa::path(get, path = "/api/candles/{symbol}", params(("symbol" = String, Path), CandlesAsked),
    responses((status = 200, body = Vec<Candle>), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn candles(
    State(app): State<App>,
    Path(symbol): Path<String>,
    asked: Asked<CandlesAsked>,
) -> Result<Json<Vec<Candle>>, Failure> {
    let asked = query(asked)?;
    let limit = Limit { limit: asked.limit }.rows(300)?;
    let (symbol, tf) = (symbol.replace('-', "/"), asked.tf.unwrap_or_else(|| "1m".to_owned()));
    Ok(Json(waiting(move || app.source.candles(&symbol, &tf, limit)).await??))
}

/// What the market is like.
#[utoipa::path(get, path = "/api/regime", responses((status = 200, body = Regime), (status = 401, body = Problem)))]
pub(crate) async fn regime(State(app): State<App>) -> Json<Regime> {
    Json(app.hub.board().snapshot.regime.clone())
}

/// The machine, the pinned threads, rings and counters.
#[utoipa::path(get, path = "/api/host", responses((status = 200, body = Host), (status = 401, body = Problem)))]
pub(crate) async fn host(State(app): State<App>) -> Json<Host> {
    Json(app.hub.board().snapshot.host.clone())
}

/// Gaps, resyncs, commands and other notices, the newest last.
#[utoipa::path(get, path = "/api/events", responses((status = 200, body = Vec<Event>), (status = 401, body = Problem)))]
pub(crate) async fn events(State(app): State<App>) -> Json<Vec<Event>> {
    Json(app.hub.board().snapshot.events.clone())
}

/// A window of time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Window {
    /// Seconds back from now, 1 to 86400; without it the whole session.
    #[param(minimum = 1, maximum = 86400)]
    window_s: Option<u64>,
}

/// Percentiles of every stage and strategy, service and response.
#[utoipa::path(get, path = "/api/latency", params(Window),
    responses((status = 200, body = Latency), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(crate) async fn latency(
    State(app): State<App>,
    asked: Asked<Window>,
) -> Result<Json<Latency>, Failure> {
    let asked = query(asked)?.window_s;
    let of = asked.map(|of| window(Some(of), 0)).transpose()?;
    Ok(Json(waiting(move || app.source.latency(of)).await?))
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SpectrumAsked {
    /// Strategies or stages, separated by commas, at most six.
    names: String,
    /// `service` (as without it) or `response`.
    #[param(inline)]
    measure: Option<MeasureWord>,
    /// Seconds back from now, 1 to 86400; 600 without it.
    #[param(minimum = 1, maximum = 86400)]
    window_s: Option<u64>,
}

/// Percentiles on a fine axis, with 95 % bands.
#[utoipa::path(get, path = "/api/latency/spectrum", params(SpectrumAsked),
    responses((status = 200, body = Spectrum), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn spectrum(
    State(app): State<App>,
    asked: Asked<SpectrumAsked>,
) -> Result<Json<Spectrum>, Failure> {
    let asked = query(asked)?;
    let names: Vec<String> = asked.names.split(',').map(str::to_owned).collect();
    if names.len() > 6 || names.iter().any(String::is_empty) {
        return Err(Failure::bad("names: one to six, separated by commas"));
    }
    let (of, span) = (measure(asked.measure), window(asked.window_s, 600)?);
    Ok(Json(waiting(move || app.source.spectrum(&names, of, span)).await??))
}

/// Whom to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CompareAsked {
    /// Measured against.
    a: String,
    /// Judged.
    b: String,
    /// Seconds back from now, 1 to 86400; 600 without it.
    #[param(minimum = 1, maximum = 86400)]
    window_s: Option<u64>,
}

/// B against A in this run, with intervals and verdicts.
#[utoipa::path(get, path = "/api/latency/compare", params(CompareAsked),
    responses((status = 200, body = Comparison), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn compare(
    State(app): State<App>,
    asked: Asked<CompareAsked>,
) -> Result<Json<Comparison>, Failure> {
    let CompareAsked { a, b, window_s } = query(asked)?;
    let span = window(window_s, 600)?;
    Ok(Json(waiting(move || app.source.compare(&a, &b, span)).await??))
}

/// Which heatmap.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HeatmapAsked {
    /// A strategy or a stage.
    name: String,
    /// `service` (as without it) or `response`.
    #[param(inline)]
    measure: Option<MeasureWord>,
    /// Seconds back from now, 1 to 86400; 600 without it.
    #[param(minimum = 1, maximum = 86400)]
    window_s: Option<u64>,
}

/// Latency over time.
#[utoipa::path(get, path = "/api/latency/heatmap", params(HeatmapAsked),
    responses((status = 200, body = Heatmap), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn heatmap(
    State(app): State<App>,
    asked: Asked<HeatmapAsked>,
) -> Result<Json<Heatmap>, Failure> {
    let asked = query(asked)?;
    let (of, span) = (measure(asked.measure), window(asked.window_s, 600)?);
    Ok(Json(waiting(move || app.source.heatmap(&asked.name, of, span)).await??))
}

/// How far back, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SlowestAsked {
    /// Seconds back from now, 1 to 86400; 600 without it.
    #[param(minimum = 1, maximum = 86400)]
    window_s: Option<u64>,
    /// 1 to 1000.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

/// The slowest events one by one, and the longest calls with their attribution.
#[utoipa::path(get, path = "/api/latency/slowest", params(SlowestAsked),
    responses((status = 200, body = Slowest), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(crate) async fn slowest(
    State(app): State<App>,
    asked: Asked<SlowestAsked>,
) -> Result<Json<Slowest>, Failure> {
    let asked = query(asked)?;
    let limit = Limit { limit: asked.limit }.rows(20)?;
    let span = window(asked.window_s, 600)?;
    Ok(Json(waiting(move || app.source.slowest(span, limit)).await?))
}

/// An HdrHistogram V2 log of every stage and strategy, which public plotters open.
#[utoipa::path(get, path = "/api/latency/hdr",
    responses((status = 200, body = String, content_type = "text/plain"), (status = 401, body = Problem)))]
pub(crate) async fn hdr(State(app): State<App>) -> Result<Response, Failure> {
    let log = waiting(move || app.source.hdr_log()).await?;
    let name = "attachment; filename=\"paperwire.hlog\"";
    let headers = [(header::CONTENT_TYPE, "text/plain"), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, log).into_response())
}
