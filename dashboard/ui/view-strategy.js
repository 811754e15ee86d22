// One strategy: money, positions, fills with their reasons, what it sees and how it is set.

import { el, empty, keyed, panel, replace, stat } from "./dom.js";
import { cash, count, day, fixed, ns, pct, signed, tone, words } from "./format.js";
import { colour, draw, savePng } from "./chart.js";
import { ask, live } from "./live.js";
import { controls } from "./control.js";
import { fillTable } from "./view-trades.js";

export const title = "Strategy";
export const topics = ["positions", "market"];
const REFRESH_MS = 3000;

export function mount(root, params, go) {
  const name = params.get("name") ?? live.strategies()[0]?.name ?? "";
  let timer = 0;
  let isOver = false;
  let setting = null;
  let options = "";
  const which = el("select", { "aria-label": "strategy", onchange: () => go("strategy", { name: which.value }) });
  const stats = el("div", { class: "stats w12" });
  const curve = el("div", { class: "chart" });
  const held = el("div", { class: "scroll" });
  const settings = el("div", { class: "scroll low" });
  const seen = el("div", { class: "scroll" });
  const fills = fillTable(`fills-${name}`);
  replace(
    root,
    el("div", { class: "grid" },
      el("div", { class: "row w12", style: "margin:0;grid-column:span 12" }, el("label", {}, "strategy", which), el("span", { class: "spacer" }), controls(name)),
      stats,
      panel("w8", "Equity", null, el("div", { class: "row" }, el("span", { class: "spacer" }), el("button", { type: "button", onclick: () => savePng(curve, `equity-${name}`) }, "PNG")), curve),
      panel("w4", "Parameters", "as they are now; those marked may change while it runs", settings),
      panel("w12", "Open positions", "stop, target and where a margin call would come", held),
      panel("w12", "Fills", "with the reason and the market at the time", el("div", { class: "row" }, el("span", { class: "spacer" }), fills.csvButton()), fills.element),
      panel("w12", "Indicators", "of its symbols after the last closed minute", seen)),
  );
  const update = () => {
    const names = live.strategies().map((row) => row.name).sort();
    if (names.join() !== options) {
      options = names.join();
      replace(which, names.map((of) => el("option", { value: of, selected: of === name }, of)));
    }
    const row = live.get(`strategy/${name}`);
    if (!row) {
      if (names.length) replace(stats, empty(`no strategy of this run is called ${name}`));
      return;
    }
    replace(stats,
      stat("state", row.state, row.is_halted ? "bad" : row.state === "active" ? "good" : "warn"),
      stat("equity", fixed(row.equity)), stat("cash", fixed(row.cash)),
      stat("P&L", cash(row.pnl), tone(row.pnl)), stat("ROI", `${signed(row.roi_pct, 3)} %`, tone(row.roi_pct)),
      stat("realised / open", `${cash(row.realized)} / ${cash(row.unrealized)}`), stat("fees", fixed(row.fees, 4)),
      stat("trades, win rate", `${count(row.closed_trades)}, ${pct(row.win_rate, 0)}`),
      stat("profit factor", fixed(row.profit_factor)), stat("drawdown, max", `${fixed(row.drawdown_pct)} / ${fixed(row.max_drawdown_pct)} %`),
      stat("P&L by fill model", row.pnl_band ? `${cash(row.pnl_band[0])} to ${cash(row.pnl_band[1])}` : "\u2013"),
      stat("Sharpe / Sortino", `${fixed(row.sharpe)} / ${fixed(row.sortino)}`),
      stat("service p50 / p99.9", `${ns(row.service_ns.p50)} / ${ns(row.service_ns.p999)}`),
      stat("signals, refused", `${count(row.signals)}, ${count(row.rejects)}`));
    const positions = (live.get("positions") ?? []).filter((of) => of.strategy === name);
    const heads = ["symbol", "side", "quantity", "entry", "value, $", "open P&L, $", "stop", "target", "trail", "liquidation", "closes by time", "entered (UTC)"];
    replace(held, positions.length
      ? el("table", {}, el("thead", {}, el("tr", {}, heads.map((head, at) => el("th", { class: at < 2 ? "text" : "" }, head)))),
        el("tbody", {}, positions.map((of) => el("tr", {}, el("td", { class: "text" }, of.symbol), el("td", { class: `text ${of.side === "long" ? "up" : "down"}` }, of.side), [of.qty, of.entry_px === null ? "\u2013" : Number(of.entry_px.toPrecision(8)), fixed(of.value), cash(of.unrealized), of.stop ?? "\u2013", of.target ?? "\u2013", of.trail ?? "\u2013", of.liquidation_px ?? "\u2013", of.hold_until ? day(of.hold_until) : "\u2013", day(of.entered)].map((cell, at) => el("td", { class: at === 3 ? tone(of.unrealized) : "" }, cell))))))
      : empty("flat"));
    if (setting) indicators(setting.symbols);
  };
  function indicators(symbols) {
    const markets = live.markets().filter((row) => symbols.includes(row.symbol));
    const names = [...new Set(markets.flatMap((row) => Object.keys(row.indicators["1m"] ?? {})))];
    replace(seen, names.length
      ? el("table", {}, el("thead", {}, el("tr", {}, el("th", { class: "text" }, "1m"), markets.map((row) => el("th", {}, row.symbol)))),
        el("tbody", {}, names.map((of) => el("tr", {}, el("td", { class: "text" }, words(of)), markets.map((row) => {
          const value = row.indicators["1m"]?.[of];
          return el("td", {}, value === undefined ? "\u2013" : Number(value.toPrecision(6)));
        })))))
      : empty("no bar has closed yet"));
  }
  async function load() {
    const path = `/api/strategy/${encodeURIComponent(name)}`;
    try {
      const [equity, list, config] = await Promise.all([ask(`${path}/equity`), ask(`${path}/fills?limit=200`), ask(`${path}/config`)]);
      if (isOver) return;
      const first = setting === null;
      setting = config;
      draw(curve, [{ type: "scatter", mode: "lines", x: equity.at_ms.map((ms) => new Date(ms)), y: equity.equity, line: { color: colour(0), width: 1.6, shape: "hv" }, hovertemplate: "%{x|%H:%M:%S} <b>%{y:.4f}</b><extra></extra>" }], { xaxis: { title: { text: "UTC" }, type: "date" }, yaxis: { title: { text: "equity, $" } } }, name);
      fills.update(list);
      replace(settings, keyed([["version", config.version], ["source", el("code", { title: config.sha256 }, config.sha256.slice(0, 16))], ["symbols", config.symbols.join(", ")], ...Object.entries(config.params).map(([key, value]) => [config.reloadable.includes(key) ? `${key} *` : key, value])]), el("p", { class: "dim" }, "* changes by: set ", name, " KEY VALUE in the terminal"));
      if (first) update();
    } catch (error) {
      if (error.status === 404) replace(settings, empty(error.message));
    }
    if (!isOver) timer = setTimeout(load, REFRESH_MS);
  }
  return { update, start: load, unmount: () => { isOver = true; clearTimeout(timer); } };
}
