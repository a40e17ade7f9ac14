// The key, calls with it, and the one stream of news. A hidden page holds no stream.

const STORED = "local-runpod-key";
const DEFAULT_KEY = "local";
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const currentKey = () => sessionStorage.getItem(STORED) ?? DEFAULT_KEY;

export const keepKey = (key) => sessionStorage.setItem(STORED, key);

export const hasOwnKey = () => sessionStorage.getItem(STORED) !== null;

export const forgetKey = () => sessionStorage.removeItem(STORED);

export async function call(method, path, body) {
  const answer = await request(method, path, body);
  const told = await answer.text();
  return told ? JSON.parse(told) : null;
}

export async function blob(path) {
  return (await request("GET", path)).blob();
}

async function request(method, path, body, signal) {
  const headers = { Authorization: `Bearer ${currentKey()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, signal, credentials: "omit", body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new Refusal(0, "The local RunPod does not answer. Is it running?");
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new Refusal(answer.status, told.detail ?? told.error ?? `${answer.status} ${answer.statusText}`);
}

export class Stream {
  #selection = { endpoint: "", worker: "" };
  #paused = false;
  #attempt = 0;
  #abort = null;
  #timer = 0;

  // `news(sections)` for each event, `state("live" | "connecting" | "lost" | "paused", message)`, and `locked(message)` when the
  // key does not open the server.
  constructor({ news, state, locked }) {
    Object.assign(this, { news, state, locked });
    document.addEventListener("visibilitychange", () => this.#turn());
    // A page that may be shown again by the Back button must not hold the server's connection meanwhile.
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", (event) => { if (event.persisted) this.#turn(); });
  }

  show(selection) {
    this.#selection = selection;
    this.#attempt = 0;
    this.#turn();
  }

  pause(paused) {
    this.#paused = paused;
    this.#turn();
  }

  #turn() {
    this.#close();
    if (this.#paused) this.state("paused");
    else if (!document.hidden) this.#open();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = null;
  }

  async #open() {
    const abort = this.#abort = new AbortController();
    try {
      const query = new URLSearchParams(this.#selection);
      const answer = await request("GET", `/console/feed?${query}`, undefined, abort.signal);
      this.state("live");
      await this.#read(answer.body);
      throw new Refusal(0, "The local RunPod has closed the connection.");
    } catch (failure) {
      if (abort.signal.aborted) return;
      this.#abort = null;
      if (failure.status === 401) {
        this.locked(failure.message);
        return;
      }
      const message = failure instanceof Refusal ? failure.message : "The connection is lost.";
      this.state("lost", message);
      const wait = RETRY_MS[Math.min(this.#attempt++, RETRY_MS.length - 1)];
      this.#timer = setTimeout(() => this.#turn(), wait);
    }
  }

  async #read(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) {
        if (!event.startsWith("data: ")) continue;
        this.#attempt = 0;
        this.news(JSON.parse(event.slice(6)));
      }
    }
  }
}
