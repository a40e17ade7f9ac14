// The clock and the faults: what a person does to the local RunPod, through its control API.

import { call } from "./connection.js";
import { byId, duration, h, keyed, plural, say, text } from "./dom.js";

// Kind: what happens, and the fields that it has besides `times`.
const KINDS = {
  "worker.crash": ["A worker is killed once it has taken a job.", ["target"]],
  "worker.hang": ["A worker takes a job and never reports.", ["target"]],
  "worker.out_of_memory": ["A worker is killed for memory while it runs a job.", ["target"]],
  "worker.start_crash": ["A worker ends before its first job: a crash loop.", ["target"]],
  "worker.image_missing": ["The image cannot be pulled.", ["target"]],
  "worker.slow_pull": ["The image pull takes longer.", ["target", "factor"]],
  "worker.wrong_cuda": ["The host's CUDA is too old for the image.", ["target"]],
  stock_out: ["No GPU of a pool can be had: workers are throttled.", ["pool"]],
  scale_down: ["The platform lowers workers.max, as after idle days.", ["target"]],
  "http.status": ["A call is answered with an error, undone.", ["path", "status"]],
  "http.rate_limit": ["A call is answered 429 with Retry-After.", ["path", "retryAfter"]],
  "http.delay": ["A call waits before it is done.", ["path", "delay"]],
  "http.cut_before": ["The connection is cut before a call is done.", ["path"]],
  "http.cut_after": ["A call is done, then its connection is cut.", ["path"]],
  "http.truncate": ["Half of an answer arrives.", ["path"]],
  "http.content_type": ["The right answer comes as text/html.", ["path"]],
};
const FIELDS = {
  target: ["Endpoint", () => select([["*", "all"], ...endpoints.map(({ id, name }) => [id, name])])],
  pool: ["Pool", () => select([["*", "all"], ...pools().map((pool) => [pool, pool])])],
  path: ["Path (glob)", () => h("input", { value: "/v2/*", required: true, spellcheck: "false", autocapitalize: "off" })],
  status: ["Status", () => h("input", { type: "number", value: 503, min: 400, max: 599, required: true })],
  retryAfter: ["Retry-After, s", () => h("input", { type: "number", value: 1, min: 0, max: 86400, required: true })],
  delay: ["Delay, s", () => h("input", { type: "number", value: 1, min: 0, max: 3600, step: "any", required: true })],
  factor: ["Times as long", () => h("input", { type: "number", value: 10, min: 1, step: "any", required: true })],
  times: ["How often", () => select([["1", "once"], ["3", "3 times"], ["10", "10 times"], ["", "until turned off"]])],
};

let endpoints = [];
let clock = { frozen: false };

const pools = () => [...new Set(endpoints.flatMap(({ gpu }) => gpu?.pools ?? []))];

const select = (choices) => h("select", {}, ...choices.map(([value, label]) => h("option", { value }, label)));

export function mount() {
  byId("fault-kind").append(...[["Workers", /^worker/], ["Platform", /^(stock|scale)/], ["HTTP", /^http/]].map(([label, pattern]) =>
    h("optgroup", { label }, ...Object.keys(KINDS).filter((kind) => pattern.test(kind)).map((kind) => h("option", { value: kind }, kind)))));
  byId("fault-kind").addEventListener("change", describe);
  byId("fault-form").addEventListener("submit", arm);
  byId("faults-clear").addEventListener("click", () => act("fault-problem", "All faults are off", "DELETE", "/_emulator/faults"));
  byId("freeze").addEventListener("click", () => act("clock-problem", clock.frozen ? "The clock flows" : "The clock is frozen", "POST", "/_emulator/clock", { freeze: !clock.frozen }));
  byId("clock-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const seconds = Number(byId("advance").value) * Number(byId("advance-unit").value);
    act("clock-problem", `The clock is advanced by ${duration(seconds * 1000)}`, "POST", "/_emulator/clock", { advance: seconds });
  });
  describe();
}

async function act(problem, done, ...request) {
  text(byId(problem), "");
  try {
    await call(...request);
    say(done);
  } catch (failure) {
    text(byId(problem), failure.message);
  }
}

export function showClock(told) {
  clock = told;
  byId("frozen").hidden = !told.frozen;
  text(byId("freeze"), told.frozen ? "Let it flow" : "Freeze");
  const ahead = told.ahead > 1 ? `It flows, ${duration(told.ahead * 1000)} ahead of this machine's.` : "It flows with this machine's.";
  text(byId("clock-state"), told.frozen ? "It stands still until it is advanced or flows again." : ahead);
}

// What endpoints there are to strike.
export function know(list) {
  const before = JSON.stringify(endpoints.map(({ id, name, gpu }) => [id, name, gpu?.pools]));
  endpoints = list;
  if (before !== JSON.stringify(list.map(({ id, name, gpu }) => [id, name, gpu?.pools])) && !byId("fault-fields").contains(document.activeElement)) describe();
}

function describe() {
  const [about, fields] = KINDS[byId("fault-kind").value];
  text(byId("fault-about"), about);
  byId("fault-fields").replaceChildren(...[...fields, "times"].map((name) => {
    const [label, make] = FIELDS[name];
    const input = make();
    input.id = `fault-${name}`;
    input.name = name;
    return h("div", { class: "field" }, h("label", { for: input.id }, label), input);
  }));
}

function arm(event) {
  event.preventDefault();
  const fault = { kind: byId("fault-kind").value };
  for (const { name, value } of byId("fault-fields").querySelectorAll("input, select")) {
    if (name === "times") fault.times = value === "" ? null : Number(value);
    else if (name === "pool") fault.target = value;
    else fault[name] = name === "path" || name === "target" ? value : Number(value);
  }
  act("fault-problem", `Fault ${fault.kind} is on`, "POST", "/_emulator/faults", fault);
}

export function faults(list) {
  byId("faults-empty").hidden = list.length > 0;
  byId("faults-clear").hidden = list.length < 2;
  const names = new Map(endpoints.map(({ id, name }) => [id, name]));
  keyed(byId("faults"), list, (fault) => fault.id, (fault) => h("li", {},
    h("div", {}, h("strong", {}, fault.kind), h("span", { class: "muted where" }), h("span", { class: "muted fired" })),
    h("button", { type: "button", class: "quiet small", "aria-label": `Turn off ${fault.kind} (${fault.id})`, onclick: () => turnOff(fault) }, "Turn off")),
  (item, fault) => {
    const where = fault.kind.startsWith("http.") ? fault.path : fault.target === "*" ? "everywhere" : (names.get(fault.target) ?? fault.target);
    text(item.querySelector(".where"), where);
    const left = fault.left === null ? "until turned off" : fault.left === 0 ? "used up" : `${plural(fault.left, "time")} to go`;
    text(item.querySelector(".fired"), `struck ${plural(fault.taken, "time")}, ${left}`);
    item.classList.toggle("used", fault.left === 0);
  });
}

async function turnOff(fault) {
  // The button goes with its fault: the focus must not fall off the page.
  byId("fault-kind").focus();
  await act("fault-problem", `Fault ${fault.kind} is off`, "DELETE", `/_emulator/faults/${fault.id}`);
}
