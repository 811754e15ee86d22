// What the markets are like, and what that rests on.

import { el, empty, keyed, panel, replace } from "./dom.js";
import { day, fixed, words } from "./format.js";
import { live } from "./live.js";

export const title = "Regime";
export const topics = ["regime"];

function meter(name, value, low, high) {
  const zero = ((0 - low) * 100) / (high - low);
  const at = ((Math.min(Math.max(value, low), high) - low) * 100) / (high - low);
  const from = low < 0 ? Math.min(zero, at) : 0;
  const width = low < 0 ? Math.abs(at - zero) : at;
  return el("div", { class: "meter" }, el("span", {}, words(name)), el("div", { class: "track" }, el("i", { class: value < 0 ? "neg" : "", style: `left:${from}%;width:${width}%` })), el("span", {}, fixed(value, 2)));
}

function card(row) {
  const bounds = (name) => (name === "trendiness" ? [0, 1] : name === "volume_gain" ? [0.8, 1.2] : [-1, 1]);
  return panel("w4", row.symbol === "all" ? "All markets" : row.symbol, `since ${day(row.since)}`,
    el("p", {}, el("b", { class: /bull/.test(row.label) ? "up" : /bear/.test(row.label) ? "down" : "" }, words(row.label)), row.raw !== row.label ? el("span", { class: "dim" }, ` (newest score alone: ${words(row.raw)})`) : null),
    meter("composite", row.composite, -1, 1), meter("confidence", row.confidence, 0, 1),
    Object.entries(row.scores).map(([name, value]) => meter(name, value, ...bounds(name))),
    keyed([["volatility", words(row.volatility)], ["ATR of a minute, %", fixed(row.atr_pct, 3)], ["ADX", fixed(row.adx, 1)], ["timeframes agree on", row.confluence ? `${words(row.confluence)} (${fixed(row.alignment, 2)})` : "\u2013"], ["changes in an hour", row.changes_1h]]));
}

export function mount(root) {
  const cards = el("div", { class: "grid" });
  const outside = el("div");
  replace(root, cards, el("div", { class: "grid", style: "margin-top:14px" }, panel("w12", "From outside the venue", "never made up; empty unless [sentiment] is enabled", outside)));
  const update = () => {
    const regime = live.get("regime");
    if (!regime) return;
    const rows = [regime.overall, ...regime.symbols].filter(Boolean);
    replace(cards, rows.length ? rows.map(card) : el("div", { class: "w12" }, empty("not known yet: the first bars must close")));
    replace(outside, keyed([["fear and greed, 0 to 100", regime.fear_greed ?? "\u2013"], ["bitcoin dominance, %", fixed(regime.btc_dominance, 1)], ["fetched", regime.sentiment_at ? day(regime.sentiment_at) : "\u2013"]]));
  };
  return { update };
}
