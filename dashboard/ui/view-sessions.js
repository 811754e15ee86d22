// Sessions that lie here: running, logged, recorded; and whether a recording can be proved.

import { el, panel, replace } from "./dom.js";
import { bytes, day } from "./format.js";
import { ask } from "./live.js";
import { Table } from "./table.js";

export const title = "Sessions";
export const topics = [];

export function mount(root) {
  const table = new Table(
    [
      { name: "session", text: true, value: (row) => row.session, show: (row) => el("code", {}, row.session), memo: (row) => row.session },
      { name: "kind", text: true, value: (row) => row.kind, show: (row) => row.kind, tone: (row) => (row.kind === "running" ? "good" : "") },
      { name: "written (UTC)", text: true, value: (row) => row.modified, show: (row) => (row.modified ? day(row.modified) : "now") },
      { name: "size", value: (row) => row.bytes, show: (row) => (row.bytes ? bytes(row.bytes) : "\u2013") },
      { name: "digest", text: true, value: (row) => row.digest, show: (row) => el("code", { title: row.digest ?? "" }, row.digest ? (row.digest.length > 40 ? `${row.digest.slice(0, 16)}\u2026` : row.digest) : "\u2013"), memo: (row) => row.digest },
      { name: "prove it", text: true, show: (row) => (row.replay ? el("code", {}, row.replay) : "\u2013"), memo: (row) => row.replay },
      { name: "path", text: true, value: (row) => row.path, show: (row) => row.path },
    ],
    { key: (row) => `${row.kind}/${row.path}/${row.session}`, name: "sessions" },
  );
  replace(root, el("div", { class: "grid" }, panel("w12", "Sessions", "a recording replays to the same bytes: the digest of its replay is the one in the tape", table.element, el("div", { class: "row" }, table.csvButton()))));
  const load = async () => {
    try {
      table.update(await ask("/api/sessions"));
    } catch {
      // Shown when it can be had.
    }
  };
  return { update: (change) => { if (change?.isWhole) load(); }, start: load };
}
