// Orders to strategies: always asked for once more, always answered.

import { el, toast } from "./dom.js";
import { post } from "./live.js";

const VERBS = [
  ["pause", "takes no new entries; resting entries are cancelled. Exits, stops and margin go on."],
  ["resume", "takes entries again, also after a halt."],
  ["flatten", "cancels every order and closes every position at the market."],
  ["reset", "starts again from its capital; a halt ends, a pause and what the strategy has learned stay."],
  ["kill", "is flattened and halted until a resume or reset."],
];

export function controls(target) {
  const button = ([verb, does]) =>
    el("button", { type: "button", class: verb === "kill" ? "danger" : "", title: `${target} ${does}`, "data-verb": verb, onclick: () => confirm(target, verb, does) }, verb);
  return el("div", { class: "row", role: "group", "aria-label": `Controls of ${target}` }, VERBS.map(button));
}

function confirm(target, verb, does) {
  const dialog = el("dialog", { "aria-label": `${verb} ${target}` });
  const close = () => {
    dialog.close();
    dialog.remove();
  };
  const order = async () => {
    close();
    try {
      await post("/api/control", { target, verb, confirm: target });
      toast(`${verb} ${target}: ordered`);
    } catch (error) {
      toast(`${verb} ${target}: ${error.message}`, true);
    }
  };
  const who = target === "all" ? "Every strategy" : target;
  dialog.append(
    el("h2", {}, `${verb} ${target}?`),
    el("p", {}, `${who} ${does}`),
    el("div", { class: "row" }, el("button", { type: "button", onclick: close }, "cancel"), el("button", { type: "button", class: "danger confirm", onclick: order }, `${verb} ${target}`)),
  );
  dialog.addEventListener("cancel", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
