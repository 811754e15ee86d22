// Where the time goes: the stages together, and the slowest events one by one.

import { el, panel, replace } from "./dom.js";
import { clockMs, count, ns, words } from "./format.js";
import { colour, draw, nsTicks, savePng } from "./chart.js";
import { ask, live } from "./live.js";
import { Table } from "./table.js";

export const title = "Waterfall";
export const topics = ["stages"];
const REFRESH_MS = 4000;
const SHOWN = 12;
const PARTS = [
  ["feed: read, decrypt, decode, book", (tick) => tick.enqueued_ns],
  ["ring", (tick) => tick.dequeued_ns - tick.enqueued_ns],
  ["engine: state, stops, margin", (tick) => tick.applied_ns - tick.dequeued_ns],
  ["strategies", (tick) => tick.decided_ns - tick.applied_ns],
];

export function mount(root) {
  let timer = 0;
  let isOver = false;
  const stacked = el("div", { class: "chart low" });
  const ticks = el("div", { class: "chart" });
  const quantile = (name, of) => ["service_ns", "response_ns"].map((measure) => ({
    name: `${measure === "service_ns" ? "service" : "response"} ${name}`, value: (row) => of(row[measure]), show: (row) => ns(of(row[measure])),
  }));
  const table = new Table(
    [
      { name: "stage", text: true, value: (row) => row.name, show: (row) => words(row.name) },
      { name: "count", value: (row) => row.service_ns.count, show: (row) => count(row.service_ns.count) },
      ...quantile("p50", (of) => of.p50), ...quantile("p99", (of) => of.p99), ...quantile("p99.9", (of) => of.p999), ...quantile("max", (of) => of.max),
    ],
    { key: (row) => row.name, name: "stages" },
  );
  const calls = new Table(
    [
      { name: "time (UTC)", text: true, value: (row) => row.at_ms, show: (row) => clockMs(row.at_ms) },
      { name: "strategy", text: true, value: (row) => row.strategy, show: (row) => row.strategy },
      { name: "took", value: (row) => row.took_ns, show: (row) => ns(row.took_ns) },
      { name: "core lost for", value: (row) => row.lost_ns, show: (row) => ns(row.lost_ns) },
      { name: "attribution", text: true, value: (row) => row.attribution, show: (row) => row.attribution, tone: (row) => (row.attribution === "strategy" ? "down" : "") },
      { name: "interrupts", title: "of its core, around the call", value: (row) => row.interrupts, show: (row) => count(row.interrupts) },
      { name: "faults", value: (row) => row.faults, show: (row) => count(row.faults) },
      { name: "forced out", title: "Switches that the thread did not choose", value: (row) => row.switches_by_force, show: (row) => count(row.switches_by_force) },
      { name: "event", value: (row) => row.seq, show: (row) => row.seq },
    ],
    { key: (row) => `${row.seq}/${row.strategy}`, name: "long-calls" },
  );
  replace(
    root,
    el("div", { class: "grid" },
      panel("w12", "Service of the stages", "stacked percentiles do not add up to a percentile of the whole; see the events below", stacked),
      panel("w12", "The slowest events, one by one", "each bar is one real event of the last ten minutes",
        el("div", { class: "row" }, el("span", { class: "spacer" }), el("button", { type: "button", onclick: () => savePng(ticks, "paperwire-slowest") }, "PNG")), ticks),
      panel("w7", "Stages since the start", "service is work alone, response runs from arrival", table.element, el("div", { class: "row" }, table.csvButton())),
      panel("w5", "The longest calls", "10 \u00b5s and more, and their attribution", calls.element, el("div", { class: "row" }, calls.csvButton()))),
  );
  const update = () => {
    const stages = live.get("stages") ?? [];
    table.update(stages);
    const way = stages.filter((row) => !["drained", "published", "ordered", "filled", "read"].includes(row.name));
    const bars = ["p50", "p99"];
    draw(stacked, way.map((row, at) => ({
      type: "bar", orientation: "h", name: words(row.name), y: bars, x: bars.map((p) => row.service_ns[p]), marker: { color: colour(at), pattern: { shape: ["", "/", "x", "."][Math.floor(at / 4) % 4] } },
      customdata: bars.map((p) => ns(row.service_ns[p])), hovertemplate: "%{fullData.name} %{y}: <b>%{customdata}</b><extra></extra>",
    })), { barmode: "stack", xaxis: { title: { text: "service time, ns" }, rangemode: "tozero" }, yaxis: { autorange: "reversed" }, legend: { orientation: "h", y: 1.2, traceorder: "normal" } }, "stages");
  };
  async function load() {
    try {
      const slowest = await ask(`/api/latency/slowest?window_s=600&limit=${SHOWN * 4}`);
      if (isOver) return;
      calls.update(slowest.calls.slice(0, 40));
      const shown = slowest.ticks.slice(0, SHOWN);
      const label = shown.map((tick) => `${clockMs(tick.at_ms)} ${tick.symbol ?? "timer"} #${tick.seq}`);
      const top = Math.max(1, ...shown.map((tick) => tick.decided_ns));
      draw(ticks, PARTS.map(([name, part], at) => ({
        type: "bar", orientation: "h", name, y: label, x: shown.map(part), marker: { color: colour(at), pattern: { shape: ["", "/", "x", "."][at] } },
        customdata: shown.map((tick) => ns(part(tick))), hovertemplate: "%{y}<br>%{fullData.name}: <b>%{customdata}</b><extra></extra>",
      })), { barmode: "stack", yaxis: { autorange: "reversed", automargin: true }, xaxis: { title: { text: "time since arrival" }, ...ticksOf(top) } }, "slowest");
    } catch {
      // The next turn asks again; the strip says when the connection is gone.
    }
    if (!isOver) timer = setTimeout(load, REFRESH_MS);
  }
  return { update, start: load, unmount: () => { isOver = true; clearTimeout(timer); } };
}

function ticksOf(top) {
  const { tickvals } = nsTicks(top / 4, top);
  return { tickvals: [0, ...tickvals], ticktext: ["0", ...tickvals.map(ns)] };
}
