// The frame: status, navigation, login, and one view at a time by the address.

import { el, replace, text, toast } from "./dom.js";
import { ago, clock, count } from "./format.js";
import { forget, redraw } from "./chart.js";
import { ask, connect, live, post, subscribe } from "./live.js";
import * as overview from "./view-overview.js";
import * as compare from "./view-compare.js";
import * as waterfall from "./view-waterfall.js";
import * as heatmap from "./view-heatmap.js";
import * as host from "./view-host.js";
import * as market from "./view-market.js";
import * as strategy from "./view-strategy.js";
import * as regime from "./view-regime.js";
import * as trades from "./view-trades.js";
import * as sessions from "./view-sessions.js";

const VIEWS = { overview, compare, waterfall, heatmap, market, strategy, trades, regime, host, sessions };
const main = document.getElementById("main");
let shown = null;
let current = "";

function go(view, params) {
  const query = new URLSearchParams(params).toString();
  location.hash = `#/${view}${query ? `?${query}` : ""}`;
}

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const name = VIEWS[path] ? path : "overview";
  const hash = `${name}?${query ?? ""}`;
  if (hash === current) return;
  current = hash;
  shown?.unmount?.();
  forget(main);
  const view = VIEWS[name];
  document.title = `${view.title} \u2013 Paperwire`;
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  subscribe(view.topics);
  shown = view.mount(main, new URLSearchParams(query ?? ""), go);
  shown.update({ isWhole: false, fills: [] });
  shown.start?.();
}

const strip = {};

function buildStrip() {
  const item = (key, label, more) => {
    strip[key] = el("span", {}, "\u2013");
    return el("span", { class: `item ${more ?? ""}` }, el("span", {}, label), strip[key]);
  };
  strip.mode = el("span", { class: "badge dim", id: "mode" }, "\u2026");
  strip.link = el("span", { class: "badge dim", id: "link" }, "connecting");
  const theme = el("button", { type: "button", title: "light or dark", onclick: toggleTheme }, "\u25d0");
  theme.setAttribute("aria-label", "Toggle light and dark");
  replace(
    document.getElementById("strip"),
    el("a", { class: "brand", href: "#/overview" }, "Paperwire"), strip.mode, strip.link,
    item("clock", "UTC"), item("sync", "clock", "optional"), item("doctor", "doctor"), item("drops", "drops"), item("uptime", "up", "optional"), item("source", "source", "optional"),
    el("span", { class: "spacer" }), item("session", "session", "optional"), theme,
  );
  replace(document.getElementById("nav"), Object.entries(VIEWS).map(([name, view]) => el("a", { href: `#/${name}`, "data-view": name }, view.title)));
}

function showStrip() {
  const session = live.get("session");
  const isOpen = live.isOpen();
  text(strip.link, isOpen ? "connected" : "reconnecting");
  strip.link.className = `badge ${isOpen ? "good" : "bad"}`;
  if (!session) return;
  const mode = isOpen ? session.mode : "STALE";
  text(strip.mode, mode);
  strip.mode.className = `badge ${mode === "LIVE" ? "good" : mode === "REPLAY" ? "warn" : "bad"}`;
  text(strip.clock, clock(session.now));
  text(strip.sync, session.clock_synced === null ? "unknown" : session.clock_synced ? "synced" : "not synced");
  strip.sync.className = session.clock_synced ? "" : "warn";
  text(strip.doctor, session.doctor_grade);
  strip.doctor.className = session.doctor_grade <= "B" ? "good" : session.doctor_grade === "C" ? "warn" : "bad";
  text(strip.drops, count(session.drops));
  strip.drops.className = session.drops ? "bad" : "good";
  text(strip.uptime, ago(session.uptime_s * 1000));
  text(strip.source, session.source);
  text(strip.session, session.session);
}

function toggleTheme() {
  setTheme(document.documentElement.dataset.theme === "light" ? "dark" : "light");
  redraw();
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // Private windows forget it.
  }
}

function firstTheme() {
  try {
    const kept = localStorage.getItem("theme");
    if (kept) return kept;
  } catch {
    // As if nothing was kept.
  }
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

function login() {
  shown?.unmount?.();
  shown = null;
  current = "";
  const token = el("input", { type: "password", id: "token", autocomplete: "current-password", "aria-label": "Token" });
  const form = el("form", { class: "panel login" }, el("h1", {}, "Paperwire"), el("p", { class: "dim" }, "The token of this run (dashboard.token):"), token, el("button", { type: "submit" }, "Log in"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await post("/login", { token: token.value });
      begin();
    } catch (error) {
      toast(error.message, true);
    }
  });
  replace(main, form);
  token.focus();
}

let isListening = false;

async function begin() {
  try {
    const { is_in: isIn } = await ask("/api/login");
    if (!isIn) {
      login();
      return;
    }
  } catch {
    setTimeout(begin, 1000);
    return;
  }
  if (!isListening) {
    isListening = true;
    live.onChange((change) => {
      if (change.isLogin) {
        login();
        return;
      }
      if (change.over) toast(change.over, true);
      showStrip();
      shown?.update(change);
    });
  }
  route();
  connect();
}

setTheme(firstTheme());
buildStrip();
addEventListener("hashchange", route);
begin();
