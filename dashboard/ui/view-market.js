// One market: candles with fills, the book, the tape, and how far it can be trusted.

import { el, panel, pick, replace, stat } from "./dom.js";
import { clock, count, fixed, words } from "./format.js";
import { draw, savePng, tones } from "./chart.js";
import { ask, live } from "./live.js";

export const title = "Market";
export const topics = ["market", "host"];
const REFRESH_MS = 3000;
const FRAMES = ["1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w"];

export function mount(root, params, go) {
  let symbol = params.get("symbol") ?? "";
  let frame = params.get("tf") ?? "1m";
  let timer = 0;
  let isOver = false;
  let options = "";
  const which = el("select", { "aria-label": "symbol", onchange: () => { symbol = which.value; link(); } });
  const link = () => go("market", { symbol, tf: frame });
  const stats = el("div", { class: "stats w12" });
  const chart = el("div", { class: "chart high" });
  const bids = el("tbody");
  const asks = el("tbody");
  const tape = el("tbody");
  const book = el("small");
  const head = (names) => el("thead", {}, el("tr", {}, names.map((name) => el("th", {}, name))));
  replace(
    root,
    el("div", { class: "grid" },
      stats,
      panel("w8", "Candles", "with every strategy's fills",
        el("div", { class: "row" }, el("label", {}, "symbol", which), pick("timeframe", FRAMES.map((of) => [of, of]), frame, (value) => { frame = value; link(); }), el("span", { class: "spacer" }), el("button", { type: "button", onclick: () => savePng(chart, "paperwire-candles") }, "PNG")), chart),
      panel("w4", "Trades", "taker orders, newest first", el("div", { class: "scroll low" }, el("table", {}, head(["time (UTC)", "price", "quantity", "taker"]), tape))),
      el("section", { class: "panel w12" }, el("h2", {}, "Book", book),
        el("div", { class: "ladder" }, el("table", { class: "bids" }, head(["bid", "quantity"]), bids), el("table", { class: "asks" }, head(["ask", "quantity"]), asks)))),
  );
  const current = () => live.markets().find((row) => row.symbol === symbol);
  const ladder = (body, rows) => {
    const most = Math.max(...rows.map((row) => Number(row.qty)), 0);
    const boundary = rows.findIndex((row) => !row.verified);
    replace(body, rows.map((row, at) => el("tr", { class: `${row.verified ? "" : "unverified"} ${at === boundary ? "boundary" : ""}`.trim(), title: row.verified ? "covered by the venue's checksum" : "below the tenth row: not covered by the checksum" },
      el("td", {}, el("span", {}, row.px)), el("td", {}, el("i", { class: "bar", style: `width:${most ? (Number(row.qty) * 100) / most : 0}%` }), el("span", {}, row.qty)))));
  };
  const update = () => {
    const names = live.markets().map((row) => row.symbol);
    if (names.join() !== options && names.length) {
      options = names.join();
      if (!names.includes(symbol)) symbol = names[0];
      replace(which, names.map((name) => el("option", { value: name, selected: name === symbol }, name)));
      load();
    }
    const row = current();
    if (!row) return;
    const host = live.get("host");
    replace(stats,
      stat("book", row.status.toUpperCase(), row.status === "live" ? "good" : "bad"),
      stat("bid", row.bid ?? "\u2013"), stat("ask", row.ask ?? "\u2013"), stat("last", row.last ?? "\u2013"),
      stat("spread, bp", fixed(row.spread_bps, 2)),
      stat("book age, ms", count(row.book_age_ms)),
      stat("regime", words(row.regime)),
      stat("updates", count(row.updates)), stat("trades", count(row.trades)), stat("gaps", count(row.gaps), row.gaps ? "bad" : ""),
      stat("checksums ok / bad", `${count(host?.feed.checksums_ok)} / ${count(host?.feed.checksums_bad)}`, host?.feed.checksums_bad ? "down" : ""));
    book.textContent = row.status === "live" ? "the first ten rows are verified by checksum on every update; below the dashed line they are not" : `not live (${row.status}): nothing is traded on it`;
    ladder(bids, row.bids);
    ladder(asks, row.asks);
    replace(tape, row.prints.map((print) => el("tr", {}, el("td", {}, clock(print.at)), el("td", { class: print.side === "buy" ? "up" : "down" }, print.px), el("td", {}, print.qty), el("td", {}, `${print.side}${print.prints > 1 ? ` \u00d7${print.prints}` : ""}`))));
  };
  async function load() {
    clearTimeout(timer);
    if (isOver) return;
    if (symbol) {
      try {
        const [candles, fills] = await Promise.all([ask(`/api/candles/${encodeURIComponent(symbol)}?tf=${frame}&limit=240`), ask("/api/trades?limit=1000")]);
        if (!isOver) show(candles, fills.filter((fill) => fill.symbol === symbol));
      } catch {
        // The next turn asks again.
      }
    }
    if (!isOver) timer = setTimeout(load, REFRESH_MS);
  }
  function show(candles, fills) {
    if (!candles.length) return;
    const { up, down } = tones();
    const x = candles.map((candle) => new Date(candle.at_ms));
    const first = candles[0].at_ms;
    const kept = fills.filter((fill) => fill.at_ns / 1e6 >= first);
    const marks = (side, mark, ink) => {
      const of = kept.filter((fill) => fill.side === side);
      return { type: "scatter", mode: "markers", name: side === "buy" ? "buys" : "sells", x: of.map((fill) => new Date(fill.at_ns / 1e6)), y: of.map((fill) => Number(fill.px)), marker: { symbol: mark, size: 10, color: ink, line: { width: 1, color: tones().text } }, text: of.map((fill) => `${fill.strategy}: ${fill.action} ${fill.qty} (${words(fill.reason)})`), hovertemplate: "%{x|%H:%M:%S} %{y}<br>%{text}<extra></extra>" };
    };
    draw(chart, [
      { type: "candlestick", name: symbol, x, open: candles.map((of) => of.open), high: candles.map((of) => of.high), low: candles.map((of) => of.low), close: candles.map((of) => of.close), increasing: { line: { color: up } }, decreasing: { line: { color: down } } },
      marks("buy", "triangle-up", up), marks("sell", "triangle-down", down),
      { type: "bar", name: "volume", x, y: candles.map((of) => of.volume), yaxis: "y2", marker: { color: candles.map((of) => (of.close >= of.open ? up : down)), opacity: 0.35 }, hovertemplate: "%{y}<extra>volume</extra>" },
    ], { xaxis: { rangeslider: { visible: false }, type: "date", anchor: "y2", title: { text: "UTC" } }, yaxis: { domain: [0.22, 1], title: { text: "price" } }, yaxis2: { domain: [0, 0.18], title: { text: "volume" } }, showlegend: false }, `${symbol}${frame}`);
  }
  return { update, start: load, unmount: () => { isOver = true; clearTimeout(timer); } };
}
