// Whose tail is worse in this run, and how sure that is.

import { el, empty, panel, pick, replace, WINDOWS } from "./dom.js";
import { count, fixed, ns } from "./format.js";
import { colour, dash, draw, fade, nsTicks, savePng } from "./chart.js";
import { ask, live } from "./live.js";

export const title = "Compare";
export const topics = [];
const REFRESH_MS = 5000;
const NINES = [0, 90, 99, 99.9, 99.99, 99.999];
const nines = (percentile) => -Math.log10(1 - Math.min(percentile, 99.9995) / 100);

export function mount(root, params, go) {
  const names = () => live.strategies().map((row) => row.name);
  let chosen = (params.get("names") ?? "").split(",").filter(Boolean).slice(0, 6);
  let measure = params.get("measure") === "response" ? "response" : "service";
  let span = Number(params.get("window")) || 600;
  let isLog = params.get("log") === "1";
  let withoutHost = params.get("nohost") === "1";
  let picked = "";
  let timer = 0;
  let isOver = false;

  const chips = el("div", { class: "row", role: "group", "aria-label": "Strategies" });
  const chart = el("div", { class: "chart high" });
  const summary = el("div", { class: "words" });
  const tables = el("div");
  const noise = el("p", { class: "dim" });
  const button = (label, isOn, change) => {
    const made = el("button", { type: "button", "aria-pressed": String(isOn()) }, label);
    made.addEventListener("click", () => {
      change();
      made.setAttribute("aria-pressed", String(isOn()));
      link();
    });
    return made;
  };
  const link = () => go("compare", { names: chosen.join(","), measure, window: span, ...(isLog ? { log: 1 } : {}), ...(withoutHost ? { nohost: 1 } : {}) });
  replace(
    root,
    el("div", { class: "grid" },
      panel("w12", "Compare tails", "percentiles of the same seconds; bands hold with 95 %",
        chips,
        el("div", { class: "row" },
          pick("measure", [["service", "service (work alone)"], ["response", "response (from arrival)"]], measure, (value) => { measure = value; link(); }),
          pick("window", WINDOWS, span, (value) => { span = Number(value); link(); }),
          button("log scale", () => isLog, () => { isLog = !isLog; }),
          button("without the host's calls", () => withoutHost, () => { withoutHost = !withoutHost; }),
          el("span", { class: "spacer" }),
          el("button", { type: "button", onclick: () => savePng(chart, "paperwire-tails") }, "PNG"),
          el("a", { href: "/api/latency/hdr", download: "paperwire.hlog" }, "HDR log")),
        chart, noise),
      panel("w12", "Verdict", "the second against the first, in this run", summary, tables)),
  );

  const choose = () => {
    const all = names();
    if (!chosen.length && all.length) chosen = all.slice(0, 2);
    const now = `${all.join()}|${chosen.join()}`;
    if (now === picked) return;
    picked = now;
    const chip = (name) => {
      const box = el("input", { type: "checkbox", checked: chosen.includes(name) });
      box.addEventListener("change", () => {
        chosen = box.checked ? [...chosen, name].slice(-6) : chosen.filter((other) => other !== name);
        link();
      });
      return el("label", { class: "chip" }, box, name);
    };
    replace(chips, all.map(chip));
  };

  async function load() {
    clearTimeout(timer);
    if (isOver) return;
    try {
      choose();
      const known = chosen.filter((name) => names().includes(name));
      if (known.length) await show(known);
    } catch (error) {
      replace(summary, empty(error.message));
    }
    if (!isOver) timer = setTimeout(load, REFRESH_MS);
  }

  async function show(known) {
    const list = known.map(encodeURIComponent).join(",");
    const spectrum = await ask(`/api/latency/spectrum?names=${list}&measure=${measure}&window_s=${span}`);
    if (isOver) return;
    const x = spectrum.percentiles.map(nines);
    const traces = [];
    let top = 0;
    spectrum.lines.forEach((line, at) => {
      const ink = colour(chosen.indexOf(line.name));
      const values = withoutHost && line.without_host_ns.length ? line.without_host_ns : line.ns;
      // Beyond the last observation a percentile is the maximum again and says nothing.
      const reach = Math.max(1, spectrum.percentiles.filter((p) => line.count * (1 - p / 100) >= 1).length);
      const cut = (of) => of.slice(0, reach);
      top = Math.max(top, ...cut(values));
      if (line.low_ns.length) {
        traces.push({ x: [...cut(x), ...cut(x).reverse()], y: [...cut(line.low_ns), ...cut(line.high_ns).reverse()], fill: "toself", fillcolor: fade(ink, 0.16), line: { width: 0 }, hoverinfo: "skip", showlegend: false, legendgroup: line.name });
      }
      traces.push({
        x: cut(x), y: cut(values), name: line.name, legendgroup: line.name, mode: "lines", line: { color: ink, dash: dash(at), width: 2 },
        customdata: cut(spectrum.percentiles).map((p, i) => [`p${Number(p.toFixed(3))}`, ns(values[i]), line.low_ns.length ? `${ns(line.low_ns[i])} to ${ns(line.high_ns[i])}` : "too few seconds"]),
        hovertemplate: "%{customdata[0]} <b>%{customdata[1]}</b><br>95 %: %{customdata[2]}<extra>%{fullData.name}</extra>",
      });
    });
    draw(chart, traces, {
      xaxis: { title: { text: "percentile" }, tickvals: NINES.map(nines), ticktext: NINES.map(String), range: [0, 5.05] },
      yaxis: { title: { text: `${measure} time` }, type: isLog ? "log" : "linear", rangemode: "tozero", ...(isLog ? nsTicks(10, top) : linearTicks(top)) },
    }, `${list}${measure}${span}${isLog}`);
    noise.textContent = withoutHost
      ? "Calls during which the core was taken away are left out. Percentiles of all calls are what your orders would have met."
      : `All calls, the host's doing included; ${count(spectrum.seconds)} s.`;
    if (known.length >= 2) await judge(known);
    else replace(summary, empty("choose a second strategy to compare with"));
  }

  async function judge(known) {
    const results = await Promise.all(known.slice(1).map((name) => ask(`/api/latency/compare?a=${encodeURIComponent(known[0])}&b=${encodeURIComponent(name)}&window_s=${span}`)));
    if (isOver) return;
    const layout = results.find((of) => of.layout)?.layout;
    replace(summary, results.map((of) => of.words.map((sentence) => el("p", {}, sentence))),
      el("p", { class: "dim" }, `${count(results[0].parts)} parts of ${count(results[0].part_s)} s, ${count(results[0].ticks[0])} calls of ${known[0]}. One process cannot tell what another would have given. `, layout ?? ""),
      results.map((of) => el("p", { class: "dim" }, "Of the strategies instead of this run: ", el("code", {}, of.command))));
    replace(tables, results.map((of) => [el("h2", {}, `${of.b} against ${of.a}`), table(of)]));
  }

  return {
    update: () => { if (!picked || picked.startsWith("|")) load(); },
    unmount: () => { isOver = true; clearTimeout(timer); },
    start: load,
  };
}

function linearTicks(top) {
  const step = 10 ** Math.floor(Math.log10(Math.max(top, 10)));
  const by = top / step > 5 ? step : top / step > 2 ? step / 2 : step / 5;
  const tickvals = Array.from({ length: Math.ceil(top / by) + 1 }, (_, at) => at * by);
  return { tickvals, ticktext: tickvals.map((value) => (value ? ns(value) : "0")) };
}

function table(of) {
  const range = (value) => (value ? `${fixed(value.low, 3)} to ${fixed(value.high, 3)}` : "\u2013");
  const row = (kind) => (cell) =>
    el("tr", { class: `verdict-${cell.verdict.split(" ")[0]}` },
      el("td", { class: "text" }, `${kind} ${cell.percentile}`), el("td", {}, ns(cell.a_ns)), el("td", {}, ns(cell.b_ns)), el("td", {}, fixed(cell.ratio, 3)),
      el("td", {}, range(cell.interval)), el("td", {}, range(cell.layout)), el("td", { class: "text" }, cell.verdict));
  const heads = ["", of.a, of.b, "ratio", "in this run", "in another process", `${of.b} is`];
  return el("div", { class: "scroll" }, el("table", { class: "verdicts" },
    el("thead", {}, el("tr", {}, heads.map((name, at) => el("th", { class: at === 0 || at === 6 ? "text" : "", scope: "col" }, name)))),
    el("tbody", {}, of.service.map(row("service")), of.response.map(row("response")))));
}
