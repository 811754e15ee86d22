// The leaderboard: money and tail latency of every strategy, side by side.

import { el, panel, replace, sparkline, stat } from "./dom.js";
import { cash, count, fixed, ns, pct, signed, tone } from "./format.js";
import { live } from "./live.js";
import { Table } from "./table.js";
import { controls } from "./control.js";

export const title = "Overview";
export const topics = ["positions", "events"];
const SELECTED_MAX = 6;

export function mount(root, params, go) {
  const selected = new Set();
  const stats = el("div", { class: "stats w12" });
  const compare = el("button", { type: "button", disabled: true, onclick: () => go("compare", { names: [...selected].join(",") }) }, "Compare tails");
  const choose = (name) => {
    const box = el("input", { type: "checkbox", "aria-label": `Compare ${name}` });
    box.addEventListener("change", () => {
      if (box.checked && selected.size >= SELECTED_MAX) box.checked = false;
      if (box.checked) selected.add(name);
      else selected.delete(name);
      compare.disabled = selected.size < 2;
      compare.textContent = selected.size < 2 ? "Compare tails" : `Compare tails of ${selected.size}`;
    });
    return box;
  };
  const number = (name, value, show, more) => ({ name, value, show: (row) => show(value(row)), ...more });
  const table = new Table(
    [
      { name: "", show: (row) => choose(row.name), memo: (row) => row.name },
      { name: "#", title: "Rank by return; a dot: not every fill model agrees on it", value: (row) => row.rank, show: (row) => (row.rank_robust === false ? `${row.rank} \u00b7` : row.rank) },
      { name: "strategy", text: true, value: (row) => row.name, show: (row) => el("a", { href: `#/strategy?name=${encodeURIComponent(row.name)}` }, row.name), memo: (row) => row.name },
      { name: "state", text: true, value: (row) => row.state, show: (row) => row.state, tone: (row) => (row.is_halted ? "bad" : row.state === "active" ? "good" : "warn") },
      number("equity, $", (row) => Number(row.equity), (value) => fixed(value)),
      number("P&L, $", (row) => Number(row.pnl), cash, { tone: (row) => tone(row.pnl) }),
      number("ROI, %", (row) => row.roi_pct, (value) => signed(value, 3), { tone: (row) => tone(row.roi_pct) }),
      { name: "equity, 15 min", show: (row) => sparkline(row.sparkline), memo: (row) => row.sparkline.join() },
      number("trades", (row) => row.closed_trades, count, { title: "Trades closed" }),
      number("win, %", (row) => row.win_rate, (value) => fixed(value, 0)),
      number("max DD, %", (row) => row.max_drawdown_pct, (value) => fixed(value, 2), { title: "Largest distance from the highest equity", tone: (row) => (row.max_drawdown_pct > 5 ? "bad" : "") }),
      number("fills", (row) => row.fills, count),
      number("p50", (row) => row.service_ns.p50, ns, { title: "Service: the strategy's own work for one event" }),
      number("p99", (row) => row.service_ns.p99, ns),
      number("p99.9", (row) => row.service_ns.p999, ns),
      number("max", (row) => row.service_ns.max, ns),
      number("response p99.9", (row) => row.response_ns.p999, ns, { title: "From arrival of the bytes, waiting included" }),
      number("missed", (row) => row.budget_misses, count, { title: "Calls over the budget", tone: (row) => (row.budget_misses ? "bad" : "") }),
      { name: "long calls", title: "Calls of 10 \u00b5s and more: the host's doing / its own / neither can be told", value: (row) => row.long_calls_own, show: (row) => `${count(row.long_calls_host)} / ${count(row.long_calls_own)} / ${count(row.long_calls_unknown)}`, csv: "long calls own" },
    ],
    { key: (row) => row.name, name: "leaderboard" },
  );
  const events = el("div", { class: "scroll" });
  replace(
    root,
    el("div", { class: "grid" },
      stats,
      panel("w12", "Strategies", "each with its own account; latency is service time since the start",
        el("div", { class: "row" }, compare, el("span", { class: "dim" }, "choose two to six"), el("span", { class: "spacer" }), controls("all"), table.csvButton()),
        table.element),
      panel("w12", "What happened", "gaps, resyncs, orders, halts", events)),
  );
  const update = () => {
    const all = live.get("aggregate");
    const session = live.get("session");
    if (!all || !session) return;
    replace(
      stats,
      stat(`equity, ${session.numeraire}`, fixed(all.equity)),
      stat("P&L", cash(all.pnl), tone(all.pnl)),
      stat("ROI", `${signed(all.roi_pct, 3)} %`, tone(all.roi_pct)),
      stat("strategies active", `${all.active} of ${all.strategies}`),
      stat("trades closed", count(all.closed_trades)),
      stat("win rate", pct(all.win_rate, 0)),
      stat("fills", count(all.fills)),
      stat("open positions", count(all.open_positions)),
      stat("fees", fixed(all.fees)),
    );
    table.update(live.strategies());
    const rows = (live.get("events") ?? []).slice(-30).reverse();
    replace(events, rows.length ? rows.map((event) => el("div", { class: "mono" }, el("span", { class: "dim" }, `${new Date(event.at_ms).toISOString().slice(11, 19)}  ${event.kind.padEnd(10)} `), event.text)) : el("div", { class: "empty" }, "nothing yet"));
  };
  return { update };
}
