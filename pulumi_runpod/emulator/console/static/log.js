// The log of one worker, live. It is no live region: lines are read when somebody goes there.

import { byId, h, keyed, text, time } from "./dom.js";

const KEPT = 500;

let shown = "";

export function mount({ choose }) {
  byId("log-worker").addEventListener("change", (event) => choose(event.target.value));
  byId("log-follow").addEventListener("change", (event) => { if (event.target.checked) toEnd(); });
}

// Offers workers that run and those that are gone; returns the one to read: `wanted` while it is known, else the newest.
export function offer({ active, gone }, names, wanted) {
  const select = byId("log-worker");
  const known = [...active.map((worker) => [worker, ""]), ...gone.map((worker) => [worker, " (gone)"])];
  const chosen = known.some(([worker]) => worker.id === wanted) ? wanted : (known[0]?.[0].id ?? "");
  keyed(select, known, ([worker]) => worker.id, ([worker]) => h("option", { value: worker.id }),
    (option, [worker, remark]) => text(option, `${worker.id}, ${names.get(worker.endpointId) ?? ""}${remark}`));
  if (select.value !== chosen) select.value = chosen;
  select.disabled = known.length === 0;
  if (!chosen) clear();
  return chosen;
}

function clear() {
  shown = "";
  byId("log").hidden = true;
  byId("log").replaceChildren();
  text(byId("log-empty"), "No worker to read from yet: one starts when a job comes, or at once with workers.min above 0.");
  byId("log-empty").hidden = false;
}

export function add({ workerId, lines, skipped, fresh }) {
  const log = byId("log");
  if (workerId !== shown || fresh) {
    shown = workerId;
    log.replaceChildren();
    log.setAttribute("aria-label", `Log of worker ${workerId}`);
  }
  if (!workerId) return;
  log.hidden = false;
  byId("log-empty").hidden = true;
  const news = lines.map(([moment, source, line]) => h("div", { class: `line ${source}` },
    h("time", {}, time(moment)), h("span", { class: "source" }, source), h("span", { class: "said" }, line)));
  if (skipped) news.unshift(h("div", { class: "line muted" }, `… ${skipped} lines before`));
  log.append(...news);
  while (log.childElementCount > KEPT) log.firstElementChild.remove();
  if (byId("log-follow").checked) toEnd();
}

function toEnd() {
  const log = byId("log");
  log.scrollTop = log.scrollHeight;
}
