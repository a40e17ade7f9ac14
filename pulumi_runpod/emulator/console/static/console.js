// The page: what it was told last, what it shows of it, and who draws which part.

import * as charts from "./charts.js";
import { forgetKey, hasOwnKey, keepKey, Stream } from "./connection.js";
import * as controls from "./controls.js";
import { attribute, byId, count, dateTime, dollars, h, keyed, plural, say, text } from "./dom.js";
import * as jobs from "./jobs.js";
import * as log from "./log.js";
import * as panels from "./panels.js";

const known = { endpoints: [], workers: { active: [], gone: [] }, cost: null, clock: { frozen: false, ahead: 0 } };
const selection = { endpoint: "", worker: "" };
let connection = "connecting";

const now = () => known.clock.frozen ? known.clock.now : Date.now() / 1000 + known.clock.ahead;

const stream = new Stream({
  news(sections) {
    byId("content").hidden = false;
    byId("key-section").hidden = true;
    draw(sections);
  },
  state(told, message) {
    if (told === "lost" && connection === "live") say(`Connection lost. ${message}`);
    if (told === "live" && connection === "lost") say("Connected again");
    connection = told;
    const words = { live: "Live", connecting: "Connecting", paused: "Paused", lost: message };
    attribute(byId("connection"), "data-state", told);
    text(byId("connection-text"), words[told]);
  },
  locked(message) {
    attribute(byId("connection"), "data-state", "lost");
    text(byId("connection-text"), "Key needed");
    text(byId("key-problem"), hasOwnKey() ? `This key does not open the server: ${message}.` : "");
    forgetKey();
    byId("content").hidden = true;
    byId("key-section").hidden = false;
    byId("key").focus();
  },
});

function draw(sections) {
  if (sections.clock) {
    known.clock = sections.clock;
    controls.showClock(sections.clock);
  }
  if (sections.endpoints) {
    known.endpoints = sections.endpoints;
    panels.endpoints(sections.endpoints);
    jobs.know(sections.endpoints, now);
    controls.know(sections.endpoints);
    pick();
    const origin = location.origin;
    text(byId("deploy-command"), `export RUNPOD_API_BASE_URL=${origin} RUNPOD_API_KEY=${hasOwnKey() ? "YOUR_KEY" : "local"}\npulumi up`);
  }
  if (sections.workers) known.workers = sections.workers;
  if (sections.workers || sections.endpoints) drawWorkers();
  if (sections.cost) {
    known.cost = sections.cost;
    panels.cost(sections.cost);
  }
  if (sections.jobs) jobs.show(sections.jobs, selection.endpoint);
  if (sections.faults) controls.faults(sections.faults);
  if (sections.coldStarts) panels.coldStarts(sections.coldStarts);
  if (sections.history) charts.take(sections.history);
  if (sections.logs) log.add({ ...sections.logs, fresh: Boolean(sections.clock && sections.cost) });
  overview();
  tick();
}

function drawWorkers() {
  const names = new Map(known.endpoints.map(({ id, name }) => [id, name]));
  const mine = (worker) => selection.endpoint === "" || worker.endpointId === selection.endpoint;
  const active = known.workers.active.filter(mine);
  panels.workers(active, names, now);
  const reason = known.workers.uncontained;
  byId("workers-uncontained").hidden = !reason;
  text(byId("workers-uncontained"), reason ? `Workers run as processes alone, where --worker names one: ${reason}.` : "");
  text(byId("workers-hint"), known.endpoints.length
    ? "No worker runs. One starts when a job comes, or at once with workers.min above 0."
    : "Workers of your endpoints are listed here.");
  const wanted = log.offer({ active, gone: known.workers.gone.filter(mine) }, names, selection.worker);
  if (wanted !== selection.worker) choose({ worker: wanted });
}

function pick() {
  const select = byId("endpoint");
  const choices = [{ id: "", name: "all endpoints" }, ...known.endpoints];
  keyed(select, choices, ({ id }) => id, ({ id }) => h("option", { value: id }), (option, { name }) => text(option, name));
  byId("endpoint").parentElement.hidden = known.endpoints.length < 2;
  if (!choices.some(({ id }) => id === selection.endpoint)) choose({ endpoint: "", worker: "" });
  if (select.value !== selection.endpoint) select.value = selection.endpoint;
}

function choose(changes) {
  Object.assign(selection, changes);
  stream.show({ ...selection });
}

function overview() {
  const sum = (of) => known.endpoints.reduce((total, endpoint) => total + of(endpoint), 0);
  const [running, idle, initializing, throttled, unhealthy] = [0, 1, 2, 3, 4].map((index) => sum(({ workers }) => workers[index]));
  const others = [[idle, "idle"], [initializing, "starting"], [throttled, "throttled"], [unhealthy, "unhealthy"]]
    .filter(([number]) => number).map(([number, word]) => `${number} ${word}`);
  const failed = sum(({ failed: number }) => number);
  const balancers = known.endpoints.filter(({ type }) => type === "LOAD_BALANCER").length;
  const what = balancers === 0 ? "Jobs" : balancers < known.endpoints.length ? "Jobs and requests" : "Requests";
  panels.overview([
    ["Endpoints", count(known.endpoints.length), known.endpoints.length ? "deployed" : "none deployed"],
    ["Workers running", count(running), others.join(", ") || "no others"],
    [`${what} waiting`, count(sum(({ queued }) => queued)), `${count(sum(({ running: number }) => number))} in progress`],
    [`${what} completed`, count(sum(({ completed }) => completed)), failed ? `${count(failed)} failed` : "none failed"],
    ["Cost so far", dollars(known.cost?.usd ?? 0), `${dollars(known.cost?.usdPerHour ?? 0)} per hour now`],
  ]);
}

// What goes on by the clock alone, without a word from the server.
function tick() {
  text(byId("now"), dateTime(now()));
  panels.uptimes();
  jobs.waits();
}

panels.mount({
  readLog(worker) {
    choose({ worker });
    byId("log-worker").value = worker;
    byId("log-title").scrollIntoView({ block: "nearest" });
    byId("log").focus();
  },
});
charts.mount();
jobs.mount();
log.mount({ choose: (worker) => choose({ worker }) });
controls.mount();

byId("endpoint").addEventListener("change", (event) => {
  charts.clear();
  choose({ endpoint: event.target.value, worker: "" });
});
byId("pause").addEventListener("click", () => {
  const paused = byId("pause").getAttribute("aria-pressed") !== "true";
  attribute(byId("pause"), "aria-pressed", String(paused));
  stream.pause(paused);
});
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keepKey(byId("key").value);
  byId("key").value = "";
  stream.show({ ...selection });
});
setInterval(() => { if (!document.hidden && connection !== "paused") tick(); }, 1000);
stream.show({ ...selection });
