// Jobs: the newest as a table with their images, one at a time in full, and a form that sends one.

import { blob, call } from "./connection.js";
import { attribute, badge, byId, cell, count, dateTime, duration, h, keyed, rowHead, say, setBadge, table, text } from "./dom.js";

const EXAMPLE = { input: { prompt: "a red fox in the snow", width: 512, height: 512, num_inference_steps: 4, seed: 1 } };
const FINAL = new Set(["COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"]);

const rows = h("tbody");
let names = new Map();
let endpoints = [];
let now = () => 0;
let newest = [];

// Images are fetched when their row comes into sight, once each.
const sight = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    sight.unobserve(target);
    load(target, target.dataset.source);
  }
});

async function load(image, source) {
  try {
    const url = URL.createObjectURL(await blob(source));
    image.addEventListener("load", () => URL.revokeObjectURL(url), { once: true });
    image.src = url;
    image.hidden = false;
  } catch {
    image.replaceWith(h("span", { class: "muted" }, "no image"));
  }
}

export function mount() {
  byId("jobs").append(table("Jobs, newest first", [["Job"], ["Status"], ["Worker"], ["Waited", "number"], ["Ran", "number"], ["Result"]], rows));
  byId("job-close").addEventListener("click", () => byId("job-dialog").close());
  byId("send-body").value = JSON.stringify(EXAMPLE, null, 2);
  byId("send-form").addEventListener("submit", send);
}

export function know(list, clock) {
  endpoints = list;
  now = clock;
  names = new Map(list.map((endpoint) => [endpoint.id, endpoint.name]));
  const queues = list.filter((endpoint) => endpoint.type === "QUEUE");
  byId("send").hidden = queues.length === 0;
  keyed(byId("send-endpoint"), queues, (endpoint) => endpoint.id, (endpoint) => h("option", { value: endpoint.id }),
    (option, endpoint) => text(option, endpoint.name));
}

export function show(list, selected) {
  newest = list;
  byId("jobs").hidden = list.length === 0;
  byId("jobs-empty").hidden = list.length > 0;
  if (list.length === 0) hint(selected);
  keyed(rows, list, (job) => `${job.id} ${job.retries}`, row, update);
  waits();
}

function hint(selected) {
  const endpoint = endpoints.find((candidate) => candidate.id === selected)
    ?? endpoints.find((candidate) => candidate.type === "QUEUE") ?? endpoints[0];
  const { run, base } = endpoint?.requestUrls ?? {};
  const queued = run ? "Send one with the form above, or from a shell:" : "Deploy a queue endpoint first; its jobs are listed here.";
  text(byId("jobs-hint"), base ? "A load balancer has none: requests go straight to its workers, as from a shell:" : queued);
  byId("jobs-command-block").hidden = !run && !base;
  text(byId("jobs-command"), base ? `curl ${base}/ -H "Authorization: Bearer $RUNPOD_API_KEY"` : `curl ${run} -H "Authorization: Bearer $RUNPOD_API_KEY" \\\n  -H 'Content-Type: application/json' -d '{"input": {"prompt": "a red fox"}}'`);
}

function row(job) {
  return h("tr", { role: "row" },
    rowHead("Job", h("button", { type: "button", class: "link", onclick: () => open(job), "aria-label": `Job ${job.id}, details` }, h("code", {}, job.id.slice(0, 13))),
      h("span", { class: "muted" })),
    cell("Status", null, badge()), cell("Worker", null, h("code")), cell("Waited", "number"), cell("Ran", "number"),
    cell("Result", "result", h("span")));
}

function update(element, job) {
  const [head, status, worker, , , result] = element.children;
  text(head.children[1], names.get(job.endpointId) ?? "deleted endpoint");
  setBadge(status.firstChild, job.status);
  text(worker.firstChild, job.workerId ?? "–");
  if (job.image && FINAL.has(job.status)) {
    if (result.firstChild.tagName !== "IMG") result.replaceChildren(picture(job, 0, "thumb"));
  } else if (result.firstChild.tagName !== "IMG") {
    text(result.firstChild, job.error ?? (job.output === null ? "" : shorten(job)));
    attribute(result.firstChild, "class", job.error === null ? "output" : "output problem");
  }
}

const shorten = (job) => job.outputLength > job.output.length ? `${job.output}…` : job.output;

function picture(job, number, kind) {
  const image = h("img", { class: kind, alt: `Image ${number + 1} of job ${job.id.slice(0, 13)}`, "data-source": `${pathOf(job)}/images/${number}`, width: 64, height: 64 });
  if (kind === "thumb") sight.observe(image);
  return image;
}

const pathOf = (job) => `/console/endpoints/${encodeURIComponent(job.endpointId)}/jobs/${encodeURIComponent(job.id)}`;

// Waiting and running jobs go on by the clock, without news.
export function waits() {
  for (const job of newest) {
    const element = [...rows.children].find((candidate) => candidate.dataset.key === `${job.id} ${job.retries}`);
    if (!element) continue;
    const waited = (job.startedAt ?? job.finishedAt ?? now()) - job.queuedAt;
    const ran = job.startedAt === null ? null : (job.finishedAt ?? now()) - job.startedAt;
    text(element.children[3], duration(grain(waited, job)));
    text(element.children[4], ran === null ? "–" : duration(grain(ran, job)));
  }
}

const grain = (seconds, job) => FINAL.has(job.status) ? seconds * 1000 : Math.max(0, Math.round(seconds)) * 1000;

// One job in full.

async function open(job) {
  const dialog = byId("job-dialog");
  text(byId("job-title"), `Job ${job.id}`);
  byId("job-body").replaceChildren(h("p", { class: "muted" }, "Reading …"));
  dialog.showModal();
  try {
    await fill(job);
  } catch (failure) {
    byId("job-body").replaceChildren(h("p", { class: "problem" }, failure.message));
  }
}

async function fill(job) {
  const told = await call("GET", pathOf(job));
  const state = badge();
  setBadge(state, told.job.status);
  const endpoint = endpoints.find((candidate) => candidate.id === job.endpointId);
  const facts = [
    ["Status", state], ["Endpoint", endpoint?.name ?? job.endpointId], ["Worker", told.job.workerId ?? "none yet"],
    ["Accepted", dateTime(told.job.createdAt)], ["Waited", duration(told.job.delayTime)], ["Ran", duration(told.job.executionTime)],
    ["Retries", count(told.job.retries ?? 0)], ["Kept until", dateTime(told.job.expiresAt)],
  ];
  const images = Array.from({ length: told.images }, (_, number) => picture(job, number, "full"));
  byId("job-body").replaceChildren(...[
    h("dl", { class: "facts" }, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    told.job.error ? h("div", {}, h("h3", {}, "Error"), h("pre", { class: "problem", tabindex: "0" }, told.job.error)) : null,
    images.length ? h("div", { class: "images" }, ...images) : null,
    told.output === null ? null : h("div", {}, h("h3", {}, "Output"), h("pre", { tabindex: "0" }, told.output)),
    h("h3", {}, "Request"), h("pre", { tabindex: "0" }, told.request),
    endpoint ? actions(job, told.job, endpoint) : null,
  ].filter(Boolean));
  for (const image of images) load(image, image.dataset.source);
}

function actions(job, told, { requestUrls }) {
  const offer = [];
  if (!FINAL.has(told.status)) offer.push(["Cancel this job", requestUrls.cancel, "cancelled"]);
  if (told.status === "FAILED" || told.status === "TIMED_OUT") offer.push(["Try again", requestUrls.retry, "queued again"]);
  return h("p", { class: "row" }, ...offer.map(([label, url, done]) => h("button", {
    type: "button",
    onclick: async () => {
      try {
        await call("POST", pathIn(url, job.id));
        say(`Job ${done}`);
        byId("job-dialog").close();
      } catch (failure) {
        byId("job-body").prepend(h("p", { class: "problem", role: "alert" }, failure.message));
      }
    },
  }, label)));
}

// The page may be open under another name of this machine than the one in the URLs: only their path counts here.
const pathIn = (url, jobId = "") => new URL(url.replace("{job_id}", encodeURIComponent(jobId))).pathname;

async function send(event) {
  event.preventDefault();
  const problem = byId("send-problem");
  text(problem, "");
  let body;
  try {
    body = JSON.parse(byId("send-body").value);
  } catch (failure) {
    text(problem, `This is no JSON: ${failure.message}`);
    byId("send-body").focus();
    return;
  }
  const endpoint = endpoints.find((candidate) => candidate.id === byId("send-endpoint").value);
  if (!endpoint) return;
  try {
    const job = await call("POST", pathIn(endpoint.requestUrls.run), body);
    say(`Job ${job.id.slice(0, 13)} sent to ${endpoint.name}`);
  } catch (failure) {
    text(problem, failure.message);
  }
}
