//! The `instrument` channel: every asset and pair, with numbers in their shortest form.

use std::collections::BTreeSet;

use super::text::{push, short};
use crate::market::listing::Listing;

/// Precision and display precision of an asset.
fn precisions(asset: &str) -> (u8, u8) {
    match asset {
        "USD" | "EUR" => (4, 2),
        "XRP" => (8, 5),
        _ => (10, 5),
    }
}

/// The snapshot message.
pub(super) fn message(listings: &[Listing]) -> String {
    let mut out = String::from(r#"{"channel":"instrument","type":"snapshot","data":{"assets":["#);
    let mut seen = BTreeSet::new();
    for listing in listings {
        for asset in [listing.instrument.base, listing.instrument.quote] {
            if !seen.insert(asset) {
                continue;
            }
            let (precision, display) = precisions(&asset);
            push(
                &mut out,
                format_args!(
                    "{}{{\"id\":\"{asset}\",\"status\":\"enabled\",\"precision\":{precision},\
                     \"precision_display\":{display},\"borrowable\":true,\"collateral_value\":1.0,\
                     \"margin_rate\":0.02,\"class\":\"currency\"}}",
                    if seen.len() == 1 { "" } else { "," },
                ),
            );
        }
    }
    out.push_str("],\"pairs\":[");
    for (index, listing) in listings.iter().enumerate() {
        let rules = &listing.instrument;
        let tick = short(rules.price_increment.raw(), rules.price_precision);
        push(
            &mut out,
            format_args!(
                "{}{{\"symbol\":\"{}\",\"base\":\"{}\",\"quote\":\"{}\",\"status\":\"online\",\
                 \"qty_precision\":{},\"qty_increment\":{},\"price_precision\":{},\
                 \"cost_precision\":{},\"marginable\":true,\"has_index\":true,\
                 \"ws_display_price_precision\":{},\"cost_min\":{},\"margin_initial\":0.2,\
                 \"position_limit_long\":300,\"position_limit_short\":240,\"tick_size\":{tick},\
                 \"price_increment\":{tick},\"qty_min\":{}}}",
                if index == 0 { "" } else { "," },
                rules.name,
                rules.base,
                rules.quote,
                rules.qty_precision,
                short(rules.qty_increment.raw(), rules.qty_precision),
                rules.price_precision,
                listing.cost_precision,
                rules.price_precision,
                cost_min(listing),
                short(rules.qty_min.raw(), rules.qty_precision),
            ),
        );
    }
    out.push_str("]}}");
    out
}

fn cost_min(listing: &Listing) -> String {
    let raw = paperwire_core::num::parse_decimal(&listing.cost_min, 9);
    short(raw.expect("a listing's minimum is a decimal"), 9)
}
