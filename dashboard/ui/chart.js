// Charts by plotly, in the page's colours. Lines differ by colour and by dash, so that no colour is needed.

import { ns } from "./format.js";

// Okabe and Ito's palette; the dark one on light ground.
const DARK = ["#56b4e9", "#e69f00", "#2bbf8e", "#f0e442", "#cc79a7", "#ff7b54", "#9aa7ff", "#dfe5ec"];
const LIGHT = ["#0067a5", "#a85a00", "#007a57", "#8a6d00", "#a03c78", "#b93a10", "#4a55c0", "#1a2129"];
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const drawn = new Set();

const isLight = () => document.documentElement.dataset.theme === "light";
const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const colour = (index) => (isLight() ? LIGHT : DARK)[index % DARK.length];
export const dash = (index) => DASHES[index % DASHES.length];
export const tones = () => ({ up: variable("--up"), down: variable("--down"), text: variable("--text"), warn: variable("--warn"), bad: variable("--bad") });

export const fade = (hex, alpha) => hex + Math.round(alpha * 255).toString(16).padStart(2, "0");

// Draws or redraws; zoom and hidden lines survive as long as `key` stays the same.
export function draw(element, traces, layout, key) {
  if (!window.Plotly || !element.isConnected) return;
  const axis = { gridcolor: variable("--grid"), zerolinecolor: variable("--line"), linecolor: variable("--line"), automargin: true };
  const whole = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: variable("--text"), size: 12, family: "system-ui, sans-serif" },
    margin: { l: 56, r: 16, t: 12, b: 44 },
    hoverlabel: { bgcolor: variable("--panel-2"), bordercolor: variable("--line"), font: { color: variable("--text") } },
    legend: { orientation: "h", y: 1.12, x: 0, traceorder: "normal" },
    uirevision: key ?? "same",
    ...layout,
  };
  for (const name of Object.keys(whole)) {
    if (/^[xy]axis/.test(name)) whole[name] = { ...axis, ...whole[name] };
  }
  whole.xaxis ??= axis;
  whole.yaxis ??= axis;
  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  element.redraw = () => draw(element, traces, layout, key);
  drawn.add(element);
  window.Plotly.react(element, traces, whole, config);
}

export function forget(root) {
  for (const element of [...drawn]) {
    if (root.contains(element) || !element.isConnected) {
      drawn.delete(element);
      window.Plotly?.purge(element);
    }
  }
}

// After a change of the theme.
export function redraw() {
  for (const element of drawn) element.redraw();
}

export async function savePng(element, name) {
  if (!element.data) return;
  const url = await window.Plotly.toImage(element, { format: "png", width: 1400, height: 700, scale: 2 });
  const link = document.createElement("a");
  link.href = url;
  link.download = `${name}.png`;
  link.click();
}

// Ticks of an axis of nanoseconds, on whole powers of ten.
export function nsTicks(low, high) {
  const tickvals = [];
  for (let power = Math.floor(Math.log10(Math.max(low, 1))); power <= Math.ceil(Math.log10(Math.max(high, 2))); power += 1) {
    for (const step of [1, 2, 5]) tickvals.push(step * 10 ** power);
  }
  const inside = tickvals.filter((value) => value >= low / 2 && value <= high * 2);
  const shown = inside.length > 10 ? inside.filter((value) => /^1/.test(String(value))) : inside;
  return { tickvals: shown, ticktext: shown.map(ns) };
}
