// The state of the program as the server pushes it, and questions to the server.

const state = { pieces: new Map(), fills: [], seq: 0, isOpen: false, at: null };
const listeners = new Set();
let socket = null;
let wait = 500;
let topics = ["session", "aggregate", "strategy", "trade"];
let heard = 0;

export const live = {
  get: (key) => state.pieces.get(key),
  all: (topic) => [...state.pieces].filter(([key]) => key.startsWith(`${topic}/`)).map(([, value]) => value),
  strategies: () => live.all("strategy").sort((a, b) => a.rank - b.rank || a.name.localeCompare(b.name)),
  markets: () => live.all("market"),
  fills: () => state.fills,
  isOpen: () => state.isOpen,
  onChange(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

// A refusal of the server, in its words.
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function ask(path, options = {}) {
  const answer = await fetch(path, { credentials: "same-origin", ...options });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, problem.message || `the server answers ${answer.status}`);
}

export const post = (path, body) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body ?? {}) });

function tell(change) {
  for (const listener of [...listeners]) listener(change);
}

function merge(data) {
  const keys = Object.keys(data);
  for (const key of keys) state.pieces.set(key, data[key]);
  return keys;
}

const FILLS_MAX = 500;

function onMessage(message) {
  heard = Date.now();
  switch (message.type) {
    case "initial_state":
      state.pieces.clear();
      state.fills = message.recent_trades.length ? message.recent_trades : state.fills;
      state.seq = message.seq;
      state.at = message.timestamp;
      tell({ keys: merge(message.data), isWhole: true, fills: [] });
      break;
    case "state_update":
      // Pieces are whole values; a number that was skipped is no loss, one that is ahead of ours is.
      if (message.since > state.seq) {
        socket.send(JSON.stringify({ op: "resync" }));
        return;
      }
      state.seq = message.seq;
      state.at = message.timestamp;
      tell({ keys: merge(message.data), isWhole: false, fills: [] });
      break;
    case "trade":
      state.fills = [...state.fills, message.data].slice(-FILLS_MAX);
      tell({ keys: [], isWhole: false, fills: [message.data] });
      break;
    case "shutdown":
      tell({ keys: [], isWhole: false, fills: [], over: message.message });
      break;
    default:
  }
}

export function subscribe(wanted) {
  topics = [...new Set(["session", "aggregate", "strategy", "trade", ...wanted])];
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ op: "subscribe", topics }));
}

export async function connect() {
  try {
    const { ticket } = await post("/api/ws-ticket");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/ws/live?ticket=${ticket}`);
  } catch (error) {
    if (error.status === 401) {
      tell({ keys: [], fills: [], isLogin: true });
      return;
    }
    again();
    return;
  }
  socket.onopen = () => {
    wait = 500;
    heard = Date.now();
    state.isOpen = true;
    socket.send(JSON.stringify({ op: "subscribe", topics }));
    tell({ keys: [], fills: [] });
  };
  socket.onmessage = (event) => onMessage(JSON.parse(event.data));
  socket.onclose = () => {
    if (state.isOpen) {
      state.isOpen = false;
      tell({ keys: [], fills: [] });
    }
    again();
  };
}

function again() {
  setTimeout(connect, wait + Math.random() * 250);
  wait = Math.min(wait * 2, 5000);
}

// The server sends a sign of life each five seconds; a connection without one is dead.
setInterval(() => {
  if (state.isOpen && Date.now() - heard > 15000) socket.close();
}, 2000);
