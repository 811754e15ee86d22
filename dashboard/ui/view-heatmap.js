// Latency over time, with what happened meanwhile.

import { el, panel, pick, replace, WINDOWS } from "./dom.js";
import { count, ns } from "./format.js";
import { draw, nsTicks, savePng, tones } from "./chart.js";
import { ask, live } from "./live.js";

export const title = "Heatmap";
export const topics = ["stages", "events"];
const REFRESH_MS = 5000;
const MARKS = { gap: "gap", resync: "resync", connection: "connection", control: "order" };
const NOISE_SHOWN = 200;

export function mount(root, params, go) {
  let name = params.get("name") ?? "decided";
  let measure = params.get("measure") === "service" ? "service" : "response";
  let span = Number(params.get("window")) || 600;
  let timer = 0;
  let isOver = false;
  let options = "";
  const chart = el("div", { class: "chart high" });
  const who = el("select", { "aria-label": "stage or strategy", onchange: () => { name = who.value; link(); } });
  const note = el("p", { class: "dim" });
  const detail = el("div");
  const link = () => go("heatmap", { name, measure, window: span });
  replace(
    root,
    el("div", { class: "grid" },
      panel("w12", "Latency over time", "darker is rarer; the line is the longest of each column",
        el("div", { class: "row" }, el("label", {}, "of", who),
          pick("measure", [["response", "response (from arrival)"], ["service", "service (work alone)"]], measure, (value) => { measure = value; link(); }),
          pick("window", WINDOWS, span, (value) => { span = Number(value); link(); }),
          el("span", { class: "spacer" }), el("button", { type: "button", onclick: () => savePng(chart, "paperwire-heatmap") }, "PNG")),
        chart, note),
      panel("w12", "The slowest events of a column", "click a column", detail)),
  );
  const choose = () => {
    const names = [...(live.get("stages") ?? []).map((row) => row.name), ...live.strategies().map((row) => row.name)];
    if (names.join() === options || !names.length) return;
    options = names.join();
    replace(who, names.map((of) => el("option", { value: of, selected: of === name }, of)));
  };
  async function load() {
    clearTimeout(timer);
    try {
      const [map, slowest] = await Promise.all([ask(`/api/latency/heatmap?name=${encodeURIComponent(name)}&measure=${measure}&window_s=${span}`), ask(`/api/latency/slowest?window_s=${span}&limit=${NOISE_SHOWN}`)]);
      if (!isOver) show(map, slowest.calls.filter((call) => call.attribution === "host"));
    } catch (error) {
      note.textContent = error.message;
    }
    if (!isOver) timer = setTimeout(load, REFRESH_MS);
  }
  function show(map, noise) {
    const total = map.counts.flat().reduce((sum, cell) => sum + cell, 0);
    note.textContent = total ? `${count(total)} observations in columns of ${map.column_s} s; colour by the square root of their number.` : "nothing was observed in this window";
    if (!total) return;
    const x = map.at_ms.map((ms) => new Date(ms));
    const rows = map.edges_ns.map((edge, at) => ({ edge, at }));
    const middle = rows.map(({ edge, at }) => Math.sqrt(Math.max(edge, 0.5) * (map.edges_ns[at + 1] ?? edge * 1.2)));
    const z = rows.map(({ at }) => map.counts.map((column) => (column[at] ? Math.sqrt(column[at]) : null)));
    const text = rows.map(({ edge, at }) => map.counts.map((column) => `${ns(edge)} to ${ns(map.edges_ns[at + 1] ?? edge)}: ${count(column[at])}`));
    const first = map.at_ms[0];
    const { warn, bad, text: ink } = tones();
    const marks = (live.get("events") ?? []).filter((event) => MARKS[event.kind] && event.at_ms >= first);
    const top = Math.max(...map.max_ns, 1);
    draw(chart, [
      { type: "heatmap", x, y: middle, z, text, colorscale: "Viridis", hovertemplate: "%{x|%H:%M:%S}<br>%{text}<extra></extra>", showscale: false, xgap: 1 },
      { type: "scatter", mode: "lines", x, y: map.max_ns.map((value) => value || null), name: "longest", line: { color: ink, width: 1, shape: "hvh", dash: "dot" }, customdata: map.max_ns.map(ns), hovertemplate: "longest <b>%{customdata}</b><extra></extra>" },
      { type: "scatter", mode: "markers", x: noise.map((call) => new Date(call.at_ms)), y: noise.map(() => top * 1.15), name: "noise: the host took the core", marker: { symbol: "x-thin", size: 7, line: { width: 1.5, color: ink } }, text: noise.map((call) => `${call.strategy}: ${ns(call.took_ns)}, core lost for ${ns(call.lost_ns)}`), hovertemplate: "%{x|%H:%M:%S} %{text}<extra></extra>" },
      { type: "scatter", mode: "markers", x: marks.map((event) => new Date(event.at_ms)), y: marks.map(() => top * 1.4), name: "gap, resync, order", marker: { symbol: "triangle-down", size: 10, color: marks.map((event) => (event.kind === "control" ? warn : bad)) }, text: marks.map((event) => `${MARKS[event.kind]}: ${event.text}`), hovertemplate: "%{x|%H:%M:%S} %{text}<extra></extra>" },
    ], {
      yaxis: { type: "log", title: { text: `${measure} time` }, ...nsTicks(map.edges_ns[0] || 1, top) },
      xaxis: { title: { text: "UTC" }, type: "date" },
      showlegend: true,
    }, `${name}${measure}${span}`);
    if (!chart.isWired) {
      chart.isWired = true;
      chart.on("plotly_click", (event) => inspect(new Date(event.points[0].x).getTime()));
    }
  }
  async function inspect(ms) {
    const { ticks } = await ask("/api/latency/slowest?window_s=43200&limit=1000");
    const near = ticks.filter((tick) => Math.abs(tick.at_ms - ms) <= Math.max(span * 10, 1500)).slice(0, 10);
    replace(detail, near.length
      ? el("table", {}, el("thead", {}, el("tr", {}, ["time (UTC)", "symbol", "event", "feed", "ring", "state", "strategies", "response"].map((head) => el("th", {}, head)))),
        el("tbody", {}, near.map((tick) => el("tr", {}, [new Date(tick.at_ms).toISOString().slice(11, 23), tick.symbol ?? "timer", tick.seq, ns(tick.enqueued_ns), ns(tick.dequeued_ns - tick.enqueued_ns), ns(tick.applied_ns - tick.dequeued_ns), ns(tick.decided_ns - tick.applied_ns), ns(tick.decided_ns)].map((cell) => el("td", {}, cell))))))
      : el("div", { class: "empty" }, "no slow event is kept of that time"));
  }
  return { update: choose, start: load, unmount: () => { isOver = true; clearTimeout(timer); } };
}
