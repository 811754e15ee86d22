//! Which pairs a request means, under which key they are answered, and what they are called.
//!
//! An answer is keyed by the long id (`XXBTZUSD`) unless the request named the pair as the WebSocket
//! does (`BTC/USD`), or asked for `assetVersion=1`: then by that name.

use std::collections::BTreeMap;

use super::{Answer, Params, UNKNOWN_PAIR};
use crate::market::listing::{Listing, asset_altname, asset_id};
use crate::publish::text::{push, short};

/// The key of a pair's answer.
pub(super) fn key(listing: &Listing, asked: Option<&str>, params: &Params) -> String {
    let by_name = asked == Some(listing.name()) || modern(params);
    if by_name { listing.name().to_owned() } else { listing.rest_id.clone() }
}

fn modern(params: &Params) -> bool {
    params.get("assetVersion").is_some_and(|version| version == "1")
}

/// The pairs of a comma-separated list with the names they were asked by; all without a list.
pub(super) fn wanted(
    listings: &[Listing],
    params: &Params,
) -> Result<Vec<(usize, Option<String>)>, &'static str> {
    let Some(list) = params.get("pair").filter(|list| !list.is_empty()) else {
        return Ok((0..listings.len()).map(|index| (index, None)).collect());
    };
    list.split(',')
        .map(|asked| {
            let index = listings.iter().position(|l| l.answers_to(asked)).ok_or(UNKNOWN_PAIR)?;
            Ok((index, Some(asked.to_owned())))
        })
        .collect()
}

/// `AssetPairs`.
pub(super) fn pairs(listings: &[Listing], params: &Params) -> Answer {
    let mut out = String::from("{");
    for (index, asked) in wanted(listings, params)? {
        let listing = &listings[index];
        let rules = &listing.instrument;
        let (base, quote) = if modern(params) {
            (rules.base.as_str(), rules.quote.as_str())
        } else {
            (listing.base_id.as_str(), listing.quote_id.as_str())
        };
        let comma = if out.len() == 1 { "" } else { "," };
        push(
            &mut out,
            format_args!(
                "{}\"{}\":{{\"altname\":\"{}\",\"wsname\":\"{}\",\"aclass_base\":\"currency\",\
                 \"base\":\"{base}\",\"aclass_quote\":\"currency\",\"quote\":\"{quote}\",\
                 \"lot\":\"unit\",\"cost_decimals\":{},\"pair_decimals\":{},\"lot_decimals\":{},\
                 \"lot_multiplier\":1,\"leverage_buy\":[2,3,4,5],\"leverage_sell\":[2,3,4,5],\
                 \"fees\":[],\"fees_maker\":[],\"fee_volume_currency\":\"ZUSD\",\"margin_call\":80,\
                 \"margin_stop\":40,\"ordermin\":\"{}\",\"costmin\":\"{}\",\"tick_size\":\"{}\",\
                 \"status\":\"online\",\"long_position_limit\":300,\"short_position_limit\":240,\
                 \"execution_venue\":\"international\"}}",
                comma,
                key(listing, asked.as_deref(), params),
                listing.altname,
                listing.wsname,
                listing.cost_precision,
                rules.price_precision,
                rules.qty_precision,
                plain(rules.qty_min.raw(), rules.qty_precision),
                listing.cost_min,
                plain(rules.price_increment.raw(), rules.price_precision),
            ),
        );
    }
    out.push('}');
    Ok(out)
}

/// A number without trailing zeros and without an exponent.
fn plain(raw: i64, precision: u8) -> String {
    let text = short(raw, precision);
    if !text.contains('e') {
        return text;
    }
    let padded = paperwire_core::num::Decimal::new(raw, precision).to_string();
    padded.trim_end_matches('0').to_owned()
}

/// `Assets`.
pub(super) fn assets(listings: &[Listing], params: &Params) -> Answer {
    let mut all = BTreeMap::new();
    for listing in listings {
        for name in [listing.instrument.base, listing.instrument.quote] {
            all.insert(name, if name.as_str() == "USD" { (4, 2) } else { (10, 5) });
        }
    }
    let asked: Option<Vec<&str>> = params.get("asset").map(|list| list.split(',').collect());
    if let Some(asked) = &asked {
        let known = |name: &&str| all.keys().any(|asset| is_called(asset, name));
        if !asked.iter().all(known) {
            return Err("EQuery:Unknown asset");
        }
    }
    let mut out = String::from("{");
    for (name, (decimals, display)) in &all {
        if asked.as_ref().is_some_and(|asked| !asked.iter().any(|a| is_called(name, a))) {
            continue;
        }
        let key = if modern(params) { name.as_str() } else { asset_id(name) };
        let comma = if out.len() == 1 { "" } else { "," };
        push(
            &mut out,
            format_args!(
                "{}\"{key}\":{{\"aclass\":\"currency\",\"altname\":\"{}\",\"decimals\":{decimals},\
                 \"display_decimals\":{display},\"status\":\"enabled\"}}",
                comma,
                asset_altname(name)
            ),
        );
    }
    out.push('}');
    Ok(out)
}

fn is_called(asset: &str, name: &str) -> bool {
    [asset, asset_id(asset), asset_altname(asset)].contains(&name)
}
