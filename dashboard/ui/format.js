// Numbers and times as people read them. Everything that is not known is a dash.

export const DASH = "\u2013";
const known = (value) => value !== null && value !== undefined && value !== "" && Number.isFinite(Number(value));

export function fixed(value, digits = 2) {
  return known(value) ? Number(value).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }) : DASH;
}

export function signed(value, digits = 2) {
  if (!known(value)) return DASH;
  const number = Number(value);
  const text = fixed(Math.abs(number), digits);
  if (Number(text.replaceAll(",", "")) === 0) return text;
  return (number > 0 ? "+" : "\u2212") + text;
}

export const count = (value) => (known(value) ? Number(value).toLocaleString("en-US") : DASH);
export const pct = (value, digits = 2) => (known(value) ? `${fixed(value, digits)} %` : DASH);

// Money of a small account: cents, and four digits while it is below ten cents.
export const cash = (value) => signed(value, known(value) && Math.abs(Number(value)) < 0.1 ? 4 : 2);

export function ns(value) {
  if (!known(value)) return DASH;
  const number = Number(value);
  const units = [[1e9, "s"], [1e6, "ms"], [1e3, "\u00b5s"]];
  for (const [unit, name] of units) {
    if (number >= unit) {
      const scaled = number / unit;
      return `${scaled.toFixed(scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2)} ${name}`;
    }
  }
  return `${Math.round(number)} ns`;
}

export const tone = (value) => (!known(value) || Number(value) === 0 ? "" : Number(value) > 0 ? "up" : "down");

// An instant in RFC 3339 as its time of day.
export const clock = (text) => (text ? text.slice(11, 19) : DASH);
export const clockMs = (ms) => new Date(ms).toISOString().slice(11, 19);
export const day = (text) => (text ? `${text.slice(0, 10)} ${text.slice(11, 19)}` : DASH);

export function ago(ms) {
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d`;
}

export function bytes(value) {
  if (!known(value)) return DASH;
  const units = ["B", "kB", "MB", "GB"];
  let number = Number(value);
  let unit = 0;
  while (number >= 1000 && unit < units.length - 1) {
    number /= 1000;
    unit += 1;
  }
  return `${unit ? number.toFixed(1) : number} ${units[unit]}`;
}

export const words = (text) => (text ? String(text).replaceAll("_", " ") : DASH);
