// The live feed of fills, with filters.

import { el, panel, replace } from "./dom.js";
import { cash, clock, fixed, ns, tone, words } from "./format.js";
import { ask, live } from "./live.js";
import { Table } from "./table.js";

export const title = "Trades";
export const topics = [];
const SHOWN_MAX = 500;
const TONES = { buy: "up", cover: "up", sell: "down", short: "down" };

export function fillTable(name) {
  return new Table(
    [
      { name: "time (UTC)", text: true, value: (row) => row.at, show: (row) => clock(row.at) },
      { name: "strategy", text: true, value: (row) => row.strategy, show: (row) => row.strategy },
      { name: "symbol", text: true, value: (row) => row.symbol, show: (row) => row.symbol },
      { name: "did", text: true, value: (row) => row.action, show: (row) => row.action, tone: (row) => TONES[row.action] },
      { name: "quantity", value: (row) => Number(row.qty), show: (row) => row.qty },
      { name: "price", value: (row) => Number(row.px), show: (row) => row.px },
      { name: "value, quote", value: (row) => Number(row.value_quote), show: (row) => fixed(row.value_quote, 4) },
      { name: "fee, $", value: (row) => Number(row.fee), show: (row) => fixed(row.fee, 4) },
      { name: "net P&L, $", value: (row) => (row.pnl === null ? null : Number(row.pnl)), show: (row) => cash(row.pnl), tone: (row) => tone(row.pnl) },
      { name: "by", text: true, value: (row) => row.trigger, show: (row) => `${row.liquidity}, ${words(row.trigger)}` },
      { name: "reason", text: true, wrap: true, value: (row) => row.reason, show: (row) => reason(row), memo: (row) => row.fill },
      { name: "market then", text: true, wrap: true, value: (row) => row.evidence.bid, show: (row) => evidence(row), csv: "bid" },
    ],
    { key: (row) => `${row.strategy}/${row.fill}/${row.seq}`, name },
  );
}

function reason(row) {
  const values = Object.entries(row.values).map(([name, value]) => `${words(name)} ${value === null ? "\u2013" : Number(value.toPrecision(4))}`);
  return el("span", {}, words(row.reason), values.length ? el("span", { class: "dim" }, ` ${values.join(", ")}`) : null);
}

function evidence(row) {
  const { bid, ask: offer, levels, unverified_depth: isDeep, book_age_ns: age, latency_ns: travelled } = row.evidence;
  return `${bid} / ${offer}, ${levels} ${levels === 1 ? "level" : "levels"}${isDeep ? " (unverified depth)" : ""}, book ${ns(age)} old${travelled ? `, order travelled ${ns(travelled)}` : ""}`;
}

export function mount(root, params, go) {
  const filters = { strategy: params.get("strategy") ?? "", symbol: params.get("symbol") ?? "", did: params.get("did") ?? "" };
  const table = fillTable("fills");
  let rows = [];
  let options = "";
  const selects = {};
  const filter = (key, label) => {
    selects[key] = el("select", { "aria-label": label, onchange: () => { filters[key] = selects[key].value; go("trades", Object.fromEntries(Object.entries(filters).filter(([, value]) => value))); } });
    return el("label", {}, label, selects[key]);
  };
  const number = el("span", { class: "dim" });
  replace(root, el("div", { class: "grid" }, panel("w12", "Fills as they come", "newest first",
    el("div", { class: "row" }, filter("strategy", "strategy"), filter("symbol", "symbol"), filter("did", "did"), number, el("span", { class: "spacer" }), table.csvButton()), table.element)));
  const fillOptions = () => {
    const lists = { strategy: live.strategies().map((row) => row.name).sort(), symbol: [...new Set(rows.map((row) => row.symbol))].sort(), did: ["buy", "sell", "short", "cover", "closed a trade"] };
    const now = JSON.stringify(lists);
    if (now === options) return;
    options = now;
    for (const [key, names] of Object.entries(lists)) {
      if (filters[key] && !names.includes(filters[key])) names.push(filters[key]);
      replace(selects[key], el("option", { value: "" }, "all"), names.map((name) => el("option", { value: name, selected: name === filters[key] }, name)));
    }
  };
  const matches = (row) =>
    (!filters.strategy || row.strategy === filters.strategy) && (!filters.symbol || row.symbol === filters.symbol) && (!filters.did || (filters.did === "closed a trade" ? row.pnl !== null : row.action === filters.did));
  const show = () => {
    fillOptions();
    const shown = rows.filter(matches).slice(0, SHOWN_MAX);
    number.textContent = `${shown.length} shown`;
    table.update(shown);
  };
  const update = (change) => {
    if (change?.fills?.length) {
      rows = [...change.fills].reverse().concat(rows).slice(0, 2 * SHOWN_MAX);
      show();
      table.body.firstElementChild?.classList.add("flash");
    } else if (change?.isWhole) load();
    else fillOptions();
  };
  async function load() {
    try {
      rows = await ask("/api/trades?limit=1000");
      show();
    } catch {
      // The next whole state asks again.
    }
  }
  return { update, start: load };
}
