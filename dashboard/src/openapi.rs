//! The description of the REST interface, made from the code that answers.

use axum::Json;
use utoipa::OpenApi;

use crate::routes::{control, read};

/// Read by `/api/openapi.json`.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Paperwire",
        description = "Paper trading against Kraken's order book: strategies, money and tail latency. Amounts are exact \
            decimals as text, latencies nanoseconds; what is not known is null. Controls need a token where the run has \
            one: `Authorization: Bearer TOKEN`.",
    ),
    paths(
        read::snapshot,
        read::version,
        read::session,
        read::sessions,
        read::aggregate,
        read::strategies,
        read::strategy,
        read::strategy_fills,
        read::equity,
        read::config,
        read::positions,
        read::trades,
        read::prices,
        read::book,
        read::candles,
        read::regime,
        read::host,
        read::events,
        read::latency,
        read::spectrum,
        read::compare,
        read::heatmap,
        read::slowest,
        read::hdr,
        control::control,
        control::ticket,
    )
)]
struct Api;

/// The document.
pub(crate) fn api() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

pub(crate) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(api())
}
