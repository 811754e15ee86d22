// Elements. Whatever comes from outside becomes text, never markup.

export function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  set(element, attributes || {});
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Changes text only where it differs, so that a selection survives.
export function text(element, value) {
  const shown = String(value);
  if (element.textContent !== shown) element.textContent = shown;
  return element;
}

export function panel(width, title, note, ...children) {
  return el("section", { class: `panel ${width}` }, title ? el("h2", {}, title, note ? el("small", {}, note) : null) : null, ...children);
}

export const empty = (message) => el("div", { class: "empty" }, message);

export function stat(label, value, tone) {
  return el("div", { class: "stat" }, el("span", {}, label), el("b", { class: tone || "", title: String(value) }, value));
}

export function keyed(pairs) {
  return el("dl", { class: "kv" }, pairs.map(([key, value]) => [el("dt", {}, key), el("dd", {}, value)]));
}

// Seconds to look back, for `pick`.
export const WINDOWS = [[60, "1 min"], [600, "10 min"], [3600, "1 h"], [43200, "12 h"]];

// A labelled choice; options are pairs of value and words.
export function pick(label, options, value, change) {
  const made = el("select", { "aria-label": label, onchange: () => change(made.value) }, options.map(([id, words]) => el("option", { value: id, selected: String(id) === String(value) }, words)));
  return el("label", {}, label, made);
}

export function toast(message, isBad) {
  const toasts = document.getElementById("toasts");
  const shown = el("div", { class: isBad ? "toast bad" : "toast" }, message);
  toasts.append(shown);
  setTimeout(() => shown.remove(), 6000);
}

const SVG = "http:" + "//www.w3.org/2000/svg";

// A line of text height. The colour says whether it ends above where it began.
export function sparkline(values) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", "0 0 110 22");
  svg.setAttribute("aria-hidden", "true");
  if (values.length < 2) return svg;
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  const points = values.map((value, at) => `${((at * 108) / (values.length - 1) + 1).toFixed(1)},${(20 - ((value - low) * 18) / span).toFixed(1)}`);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", points.join(" "));
  line.setAttribute("fill", "none");
  line.setAttribute("stroke-width", "1.5");
  line.setAttribute("stroke", values.at(-1) >= values[0] ? "var(--up)" : "var(--down)");
  svg.append(line);
  return svg;
}

export function download(name, kind, body) {
  const link = el("a", { href: URL.createObjectURL(new Blob([body], { type: kind })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
