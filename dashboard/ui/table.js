// A table that is sorted by a click, keeps its rows while values change, and can be taken away as CSV.

import { download, el } from "./dom.js";

// Columns: { name, title?, text? (left), value(row) for sorting and CSV, show(row) node or text, tone?(row) }.
export class Table {
  constructor(columns, { key, name, order }) {
    Object.assign(this, { columns, key, name, order: order ?? null, rows: [], shown: new Map() });
    this.head = el("tr", {}, columns.map((column, at) => this.header(column, at)));
    this.body = el("tbody");
    this.element = el("div", { class: "scroll" }, el("table", {}, el("thead", {}, this.head), this.body));
    this.mark();
  }

  header(column, at) {
    const button = el("button", { type: "button", title: column.title, onclick: () => this.sort(at) }, column.name);
    return el("th", { class: column.text ? "text" : "", scope: "col" }, column.value ? button : column.name);
  }

  sort(at) {
    const isSame = this.order?.at === at;
    this.order = { at, down: isSame ? !this.order.down : !this.columns[at].text };
    this.mark();
    this.update(this.rows);
  }

  mark() {
    [...this.head.children].forEach((cell, at) => {
      const isIt = this.order?.at === at;
      cell.setAttribute("aria-sort", isIt ? (this.order.down ? "descending" : "ascending") : "none");
    });
  }

  sorted(rows) {
    if (!this.order) return rows;
    const { at, down } = this.order;
    const value = this.columns[at].value;
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === y) return 0;
      if (x === null || x === undefined) return 1;
      if (y === null || y === undefined) return -1;
      const sign = typeof x === "string" ? x.localeCompare(y) : x - y;
      return down ? -sign : sign;
    };
    return [...rows].sort(compare);
  }

  update(rows) {
    this.rows = rows;
    const seen = new Set();
    const order = this.sorted(rows).map((row) => {
      const key = String(this.key(row));
      seen.add(key);
      let shown = this.shown.get(key);
      if (!shown) {
        shown = { cells: this.columns.map((column) => el("td", { class: column.text ? "text" : "" })), memo: [] };
        shown.row = el("tr", {}, shown.cells);
        this.shown.set(key, shown);
      }
      this.columns.forEach((column, at) => this.fill(column, row, shown, at));
      return shown.row;
    });
    for (const [key, shown] of this.shown) {
      if (!seen.has(key)) {
        shown.row.remove();
        this.shown.delete(key);
      }
    }
    order.forEach((row, at) => {
      if (this.body.children[at] !== row) this.body.insertBefore(row, this.body.children[at] ?? null);
    });
  }

  fill(column, row, shown, at) {
    const value = column.show(row);
    const tone = `${column.text ? "text " : ""}${column.wrap ? "wrap " : ""}${column.tone?.(row) ?? ""}`.trim();
    const cell = shown.cells[at];
    if (cell.className !== tone) cell.className = tone;
    if (value instanceof Node) {
      const memo = column.memo?.(row);
      if (memo !== undefined && shown.memo[at] === memo) return;
      shown.memo[at] = memo;
      cell.replaceChildren(value);
    } else if (cell.textContent !== String(value)) {
      cell.textContent = value;
    }
  }

  csv() {
    const columns = this.columns.filter((column) => column.value);
    // A leading = + - @ would be a formula to a spreadsheet.
    const cell = (value) => {
      const text = value === null || value === undefined ? "" : String(value);
      const safe = typeof value === "string" && /^[=+\-@]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
      return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    const lines = [columns.map((column) => cell(column.csv ?? column.name)), ...this.sorted(this.rows).map((row) => columns.map((column) => cell(column.value(row))))];
    download(`${this.name}.csv`, "text/csv", lines.map((line) => line.join(",")).join("\n") + "\n");
  }

  csvButton() {
    return el("button", { type: "button", onclick: () => this.csv() }, "CSV");
  }
}
