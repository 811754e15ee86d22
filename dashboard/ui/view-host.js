// The machine and the program on it.

import { el, keyed, panel, replace, stat } from "./dom.js";
import { bytes, count, day, fixed, ns, words } from "./format.js";
import { live } from "./live.js";

export const title = "Host";
export const topics = ["host"];

export function mount(root) {
  const stats = el("div", { class: "stats w12" });
  const findings = el("div");
  const threads = el("tbody");
  const feed = el("div");
  const queues = el("div");
  const session = el("div");
  const heads = ["thread", "core", "waits by", "turns", "hiccups", "lost in all", "longest"];
  replace(
    root,
    el("div", { class: "grid" },
      stats,
      panel("w7", "Pinned threads", "a hiccup: the core was lost for 5 \u00b5s and more between two idle turns; known of threads that spin",
        el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, heads.map((name, at) => el("th", { class: at === 0 ? "text" : "", scope: "col" }, name)))), threads)), el("h2", {}, "Rings"), queues),
      panel("w5", "Feed", "since the start", feed),
      panel("w7", "What the doctor would mend", "paperwire doctor has all forty checks", findings),
      panel("w5", "Session", null, session)),
  );
  let seen = "";
  const update = () => {
    const host = live.get("host");
    const run = live.get("session");
    if (!host || !run) return;
    replace(stats,
      stat("doctor", host.grade, host.grade <= "B" ? "good" : host.grade === "C" ? "warn" : "bad"),
      stat("hot allocations", count(host.hot_allocs_total), host.hot_allocs_total ? "bad" : "good"),
      stat("resident memory", bytes(host.rss_bytes)),
      stat("probes, per event", host.probe_ns === null ? "\u2013" : ns(host.probe_ns)),
      stat("this page, of a core", host.page_cpu_pct === null ? "\u2013" : `${fixed(host.page_cpu_pct, 1)} %`),
      stat("listeners", count(host.page_clients)),
      stat("recording lost", count(host.recording_lost), host.recording_lost ? "bad" : ""),
      stat("history, rows waiting", host.history ? `${count(host.history.waiting)}${host.history.is_reachable ? "" : " (store away)"}` : "off", host.history && !host.history.is_reachable ? "bad" : ""),
      stat("history lag, ms", host.history ? count(host.history.lag_ms) : "\u2013"));
    replace(threads, host.threads.map((of) => el("tr", {}, el("td", { class: "text" }, of.name), [of.core ?? "any", of.wait, count(of.steps), of.hiccups === null ? "\u2013" : count(of.hiccups), of.hiccups === null ? "\u2013" : ns(of.hiccup_total_ns), of.hiccups === null ? "\u2013" : ns(of.hiccup_max_ns)].map((cell) => el("td", {}, cell)))));
    replace(queues, host.queues.map((of) => el("div", { class: "meter", title: `${of.len} of ${of.capacity}` }, el("span", {}, words(of.name)), el("div", { class: "track" }, el("i", { style: `left:0;width:${Math.min(100, (of.high_water * 100) / of.capacity)}%;opacity:.4` }), el("i", { style: `left:0;width:${Math.min(100, (of.len * 100) / of.capacity)}%` })), el("span", {}, `\u2264 ${count(of.high_water)}`))));
    replace(feed, keyed(Object.entries(host.feed).map(([name, value]) => [words(name), el("span", { class: value && /bad|malformed|gaps|missed|dropped|conflated|disconnects|resyncs/.test(name) ? "down" : "" }, count(value))])));
    replace(session, keyed([["session", el("code", {}, run.session)], ["source", run.source], ["started", day(run.started)], ["machine", host.fingerprint], ["configuration", el("code", {}, run.config_sha256.slice(0, 16))], ["digest", el("code", {}, run.digest.slice(0, 16))], ["tape", run.tape ?? "not recorded"], ["money is made under", run.conditions]]));
    const now = JSON.stringify(host.findings);
    if (now !== seen) {
      seen = now;
      replace(findings, host.findings.length ? host.findings.map((of) => el("div", { class: `finding ${of.grade}` }, el("b", {}, `${of.number}. ${of.name}`), ` \u2013 ${of.read}`, el("div", { class: "dim" }, of.why), of.fix ? el("code", {}, of.fix) : null)) : el("div", { class: "empty" }, "nothing"));
    }
  };
  return { update };
}
