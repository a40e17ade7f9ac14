// Endpoints, workers, cold starts and cost: what the feed tells, as tables.

import { attribute, badge, byId, cell, count, dollars, duration, h, keyed, plural, rowHead, setBadge, table, text } from "./dom.js";

const STATUSES = ["RUNNING", "IDLE", "INITIALIZING", "THROTTLED", "UNHEALTHY"];
const PHASES = ["image pull", "container start", "load"];
const PHASE_WORDS = { throttled: "throttled", pulling: "pulling image", starting: "starting container", loading: "loading" };

const rows = {};

// `readLog(workerId)` shows the log of a worker.
export function mount({ readLog }) {
  const bodies = {
    endpoints: ["Endpoints", [["Endpoint"], ["Release"], ["Scaling"], ["Workers"], ["Queue"], ["Ended"]]],
    workers: ["Workers", [["Worker"], ["State"], ["Release"], ["Hardware"], ["Up for", "number"], ["Jobs", "number"], ["Log"]]],
    cold: ["Cold starts, newest first", [["Worker"], ...PHASES.map((name) => [name, "number"]), ["Total", "number"], ["Phases"]]],
    cost: ["Cost by endpoint", [["Endpoint"], ["Starts", "number"], ["Per hour now", "number"], ["So far", "number"]]],
  };
  for (const [id, [caption, columns]] of Object.entries(bodies)) {
    rows[id] = h("tbody");
    byId(id).append(table(caption, columns, rows[id]));
  }
  rows.readLog = readLog;
  byId("cold-legend").append(...PHASES.map((name, index) => h("span", { class: `phase-key phase-${index}` }, name)));
}

function show(id, items) {
  byId(id).hidden = items.length === 0;
  byId(`${id}-empty`).hidden = items.length > 0;
}

export function endpoints(list) {
  show("endpoints", list);
  keyed(rows.endpoints, list, (endpoint) => endpoint.id, () => h("tr", { role: "row" },
    rowHead("Endpoint", h("span", { class: "name" }), h("code", { class: "id" }), h("code", { class: "image" })),
    cell("Release"), cell("Scaling", null, h("span"), h("span", { class: "muted" })),
    cell("Workers", null, h("ul", { class: "states" })), cell("Queue"), cell("Ended")), (row, endpoint) => {
    const [head, release, scaling, workers, queue, ended] = row.children;
    text(head.children[0], endpoint.name);
    text(head.children[1], endpoint.id);
    text(head.children[2], shortImage(endpoint.image));
    attribute(head.children[2], "title", endpoint.image);
    text(release, `v${endpoint.version}${endpoint.outdated ? `, ${plural(endpoint.outdated, "worker")} outdated` : ""}`);
    text(scaling.children[0], scalingWords(endpoint));
    text(scaling.children[1], `${endpoint.limits.min}–${endpoint.limits.max} workers, ${hardware(endpoint)}`);
    states(workers.firstChild, endpoint.workers);
    text(queue, `${count(endpoint.queued)} waiting, ${count(endpoint.running)} running`);
    const failed = endpoint.failed ? `, ${count(endpoint.failed)} failed` : "";
    text(ended, `${count(endpoint.completed)} ${endpoint.type === "LOAD_BALANCER" ? "answered" : "completed"}${failed}${endpoint.retried ? `, ${plural(endpoint.retried, "retry", "retries")}` : ""}`);
  });
}

// A digest is 64 characters that nobody reads: its beginning tells releases apart.
function shortImage(image) {
  return image.replace(/(@sha256:[0-9a-f]{8})[0-9a-f]{56}$/, "$1…") || "no image";
}

function scalingWords({ type, scaling }) {
  const words = scaling.type === "QUEUE_DELAY"
    ? `A worker more when a job waits ${scaling.queueDelay} s`
    : `A worker for every ${plural(scaling.requestCount, "request")}`;
  return type === "LOAD_BALANCER" ? `Load balancer: ${words.toLowerCase()}` : words;
}

function hardware({ gpu, cpu }) {
  if (gpu) return `${gpu.count > 1 ? `${gpu.count} × ` : ""}${gpu.pools.join(" or ")}`;
  return (cpu ?? []).map((flavor) => `${flavor.id} with ${flavor.vcpuCount} vCPU`).join(" or ") || "no hardware";
}

function states(list, counts) {
  const present = STATUSES.map((status, index) => [status, counts[index]]).filter(([, number]) => number > 0);
  keyed(list, present.length ? present : [["NONE", 0]], ([status]) => status, () => h("li", {}, badge()),
    (item, [status, number]) => setBadge(item.firstChild, status, status === "NONE" ? "none" : `${number} ${status.toLowerCase()}`));
}

let newestWorkers = [];
let clockNow = () => 0;

export function workers(list, names, now) {
  clockNow = now;
  newestWorkers = list;
  show("workers", list);
  keyed(rows.workers, list, (worker) => worker.id, (worker) => h("tr", { role: "row" },
    rowHead("Worker", h("code"), h("span", { class: "muted" })), cell("State", null, badge()), cell("Release"), cell("Hardware"),
    cell("Up for", "number"), cell("Jobs", "number"),
    cell("Log", null, h("button", { type: "button", class: "quiet small", onclick: () => rows.readLog(worker.id), "aria-label": `Read the log of worker ${worker.id}` }, "Log"))),
  (row, worker) => {
    const [head, state, release, hardwareCell, , jobs] = row.children;
    text(head.children[0], worker.id);
    text(head.children[1], names.get(worker.endpointId) ?? "");
    setBadge(state.firstChild, worker.status, worker.status === "INITIALIZING" ? PHASE_WORDS[worker.phase] : undefined);
    text(release, `v${worker.version}${worker.outdated ? " (outdated)" : ""}`);
    text(hardwareCell, placed(worker));
    text(jobs, worker.jobs);
  });
  uptimes();
}

function placed({ gpuTypeId, gpuCount, vcpuCount, dataCenterId }) {
  if (!dataCenterId) return "no room found yet";
  const what = gpuTypeId ? `${gpuCount > 1 ? `${gpuCount} × ` : ""}${gpuTypeId.replace(/^NVIDIA (GeForce )?/, "")}` : `${vcpuCount} vCPU`;
  return `${what}, ${dataCenterId}`;
}

export function uptimes() {
  for (const worker of newestWorkers) {
    const row = [...rows.workers.children].find((candidate) => candidate.dataset.key === worker.id);
    if (row) text(row.children[4], worker.startedAt === null ? "–" : duration(Math.max(0, Math.round(clockNow() - worker.startedAt)) * 1000));
  }
}

export function coldStarts(list) {
  show("cold", list);
  byId("cold-legend").hidden = list.length === 0;
  const longest = Math.max(1, ...list.map((start) => total(start)));
  keyed(rows.cold, list, (start) => `${start.workerId} ${start.beganAt}`, (start) => h("tr", { role: "row" },
    rowHead("Worker", h("code", { title: start.workerId }, start.workerId.slice(0, 8))),
    ...start.phasesMs.map((ms, index) => cell(PHASES[index], "number", duration(ms))),
    cell("Total", "number strong", duration(total(start))),
    h("td", { role: "cell", class: "bars", "aria-hidden": "true" },
      h("span", { class: "phases" }, ...start.phasesMs.map((_, index) => h("span", { class: `phase-${index}` }))))),
  (row, start) => {
    [...row.lastChild.firstChild.children].forEach((bar, index) => {
      bar.style.width = `${(start.phasesMs[index] / longest) * 100}%`;
    });
  });
}

const total = (start) => start.phasesMs.reduce((sum, ms) => sum + ms, 0);

export function cost(told) {
  show("cost", told.endpoints);
  keyed(rows.cost, told.endpoints, (entry) => entry.id, () => h("tr", { role: "row" }, rowHead("Endpoint"),
    cell("Starts", "number"), cell("Per hour now", "number"), cell("So far", "number strong")), (row, entry) => {
    text(row.children[0], entry.name ?? `${entry.id} (deleted)`);
    text(row.children[1], count(entry.starts));
    text(row.children[2], dollars(entry.usdPerHour));
    text(row.children[3], dollars(entry.usd));
  });
}

const figures = new Map();

// The row of figures at the top: `[name, value, remark]` each.
export function overview(told) {
  for (const [place, [name, value, remark]] of told.entries()) {
    if (!figures.has(place)) {
      const entry = h("div", {}, h("dt"), h("dd", {}, h("strong"), h("span", { class: "muted" })));
      figures.set(place, entry);
      byId("figures").append(entry);
    }
    const [term, { children: [strong, muted] }] = figures.get(place).children;
    text(term, name);
    text(strong, value);
    text(muted, remark);
  }
}
