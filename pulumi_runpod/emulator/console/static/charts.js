// Small charts over time, drawn as SVG: axes with units, a sentence that says what they show, and a table for those who
// want figures. Lines differ by dash as well as by colour.

import { attribute, byId, cell, count, duration, h, keyed, plural, rowHead, s, table, text, time } from "./dom.js";

const HEIGHT = 150;
const PAD = { left: 44, right: 10, top: 10, bottom: 24 };
const BUCKET_S = 2;
const SPAN_S = 300;
const TABLE_STEP_S = 30;
const STATES = ["running", "idle", "initializing", "throttled", "unhealthy"];

// `[begin, queued, running, workers, ended, p50, p95]` per bucket, oldest first.
let buckets = [];
const charts = [];

export function take({ full, buckets: news }) {
  const first = news.length ? news[0][0] : Infinity;
  buckets = (full ? news : [...buckets.filter((bucket) => bucket[0] < first), ...news]).slice(-SPAN_S / BUCKET_S);
  for (const chart of charts) chart.draw();
}

export function clear() {
  buckets = [];
  for (const chart of charts) chart.draw();
}

export function mount() {
  charts.push(
    new Chart({
      id: "queue", title: "Queue", unit: "jobs", columns: ["Waiting", "Running"], shown: count,
      lines: [["waiting", (b) => b[1]], ["running", (b) => b[2]]], step: true,
      sentence: () => buckets.length
        ? `${plural(last(1), "job")} waiting and ${count(last(2))} running now; at most ${count(most(1))} waited.`
        : "No news yet.",
    }),
    new Chart({
      id: "latency", title: "Latency of ended jobs", unit: "queued to ended", columns: ["Median", "95th percentile"],
      shown: duration, lines: [["median", (b) => b[5]], ["95th percentile", (b) => b[6]]],
      sentence: () => {
        const ended = buckets.reduce((sum, bucket) => sum + bucket[4], 0);
        const newest = buckets.findLast((bucket) => bucket[5] !== null);
        if (!newest) return "No job has ended in these five minutes.";
        return `${plural(ended, "job")} ended. Latest: median ${duration(newest[5])}, 95th percentile ${duration(newest[6])}.`;
      },
    }),
    new Chart({
      id: "workers", title: "Workers", unit: "by state", columns: STATES, shown: count, stacked: true,
      lines: STATES.map((state, index) => [state, (b) => b[3]?.[index] ?? null]),
      sentence: () => {
        const now = buckets.at(-1)?.[3] ?? [];
        const told = STATES.map((state, index) => [now[index], state]).filter(([number]) => number)
          .map(([number, state]) => `${number} ${state}`);
        return told.length ? `${told.join(", ")} now.` : "No worker now.";
      },
    }),
  );
  byId("charts").append(...charts.map((chart) => chart.element));
  new ResizeObserver(() => charts.forEach((chart) => chart.draw())).observe(byId("charts"));
}

const last = (index) => buckets.at(-1)[index];
const most = (index) => Math.max(...buckets.map((bucket) => bucket[index]));

class Chart {
  #waiting = false;

  constructor(options) {
    Object.assign(this, options);
    this.caption = h("figcaption", { id: `chart-${this.id}` });
    this.svg = s("svg", { role: "img", "aria-labelledby": `chart-${this.id}`, height: HEIGHT });
    this.readout = h("p", { class: "readout", "aria-hidden": "true" });
    const legend = h("ul", { class: "legend" }, ...this.lines.map(([name], index) =>
      h("li", { class: this.#series(index) }, this.#key(), name)));
    this.rows = h("tbody");
    this.details = h("details", { ontoggle: () => this.#fillTable() },
      h("summary", {}, "As a table"),
      table(`${this.title}, every ${TABLE_STEP_S} seconds`, [["Time (UTC)"], ...this.columns.map((name) => [name, "number"])], this.rows));
    this.element = h("figure", {},
      h("h3", {}, this.title, h("span", { class: "unit" }, ` ${this.unit}`)), legend, this.svg, this.readout, this.caption, this.details);
    this.svg.addEventListener("pointermove", (event) => this.#point(event));
    this.svg.addEventListener("pointerleave", () => { this.readout.textContent = ""; this.cursor?.remove(); });
  }

  draw() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#paint();
      text(this.caption, this.sentence());
      if (this.details.open) this.#fillTable();
    });
  }

  #series(index) {
    return this.stacked ? `area state-${STATES[index]}` : `line series-${index}`;
  }

  #key() {
    return s("svg", { class: "swatch", width: this.stacked ? 10 : 22, height: 10, "aria-hidden": "true" },
      this.stacked ? s("rect", { width: 10, height: 10, rx: 2 }) : s("path", { d: "M0 5H22" }));
  }

  #paint() {
    const width = this.svg.parentElement.clientWidth;
    if (!width) return;
    const right = buckets.length ? buckets.at(-1)[0] + BUCKET_S : SPAN_S;
    const left = right - SPAN_S;
    const x = this.x = (moment) => PAD.left + ((moment - left) / SPAN_S) * (width - PAD.left - PAD.right);
    const values = buckets.map((bucket) => this.lines.map(([, value]) => value(bucket)));
    const tops = values.map((row) => this.stacked ? row.reduce((sum, value) => sum + (value ?? 0), 0) : Math.max(0, ...row.map((v) => v ?? 0)));
    const ticks = axis(Math.max(0, ...tops), this.id === "latency");
    const high = ticks.at(-1);
    const y = (value) => HEIGHT - PAD.bottom - (value / high) * (HEIGHT - PAD.top - PAD.bottom);
    const parts = ticks.map((tick) => s("g", { class: "tick" },
      s("path", { d: `M${PAD.left} ${y(tick)}H${width - PAD.right}` }),
      s("text", { x: PAD.left - 6, y: y(tick) + 4, "text-anchor": "end" }, this.shown(tick))));
    for (let ago = 0; ago < SPAN_S; ago += 120) {
      const label = ago === 0 ? "now" : `−${ago / 60} min`;
      parts.push(s("text", {
        class: "tick", x: x(right - ago), y: HEIGHT - 6, "text-anchor": ago === 0 ? "end" : "middle",
      }, label));
    }
    this.lines.forEach((_, index) => {
      const d = this.stacked ? this.#area(values, index, x, y) : this.#line(values, index, x, y);
      parts.push(s("path", { class: this.#series(index), d }));
    });
    attribute(this.svg, "width", width);
    attribute(this.svg, "viewBox", `0 0 ${width} ${HEIGHT}`);
    this.svg.replaceChildren(...parts);
  }

  #line(values, index, x, y) {
    let d = "";
    let drawn = false;
    buckets.forEach((bucket, at) => {
      const value = values[at][index];
      if (value === null) return;
      const alone = !drawn || (!this.step && bucket[0] - buckets[drawn - 1][0] > 30);
      const [px, py] = [x(bucket[0] + BUCKET_S / 2).toFixed(1), y(value).toFixed(1)];
      // A point without a neighbour is a dot: a line of no length with round ends.
      d += alone ? `M${px} ${py}h0` : this.step ? `H${px}V${py}` : `L${px} ${py}`;
      drawn = at + 1;
    });
    return d;
  }

  #area(values, index, x, y) {
    const sum = (row, upto) => row.slice(0, upto).reduce((total, value) => total + value, 0);
    return buckets.map((bucket, at) => {
      const row = values[at];
      if (!row[index]) return "";
      const [from, to] = [x(bucket[0]).toFixed(1), x(bucket[0] + BUCKET_S).toFixed(1)];
      return `M${from} ${y(sum(row, index)).toFixed(1)}V${y(sum(row, index + 1)).toFixed(1)}H${to}V${y(sum(row, index)).toFixed(1)}Z`;
    }).join("");
  }

  #point(event) {
    if (!buckets.length || !this.x) return;
    const at = event.clientX - this.svg.getBoundingClientRect().left;
    const bucket = buckets.reduce((best, candidate) =>
      Math.abs(this.x(candidate[0] + BUCKET_S / 2) - at) < Math.abs(this.x(best[0] + BUCKET_S / 2) - at) ? candidate : best);
    this.cursor?.remove();
    const px = this.x(bucket[0] + BUCKET_S / 2);
    this.cursor = s("path", { class: "cursor", d: `M${px} ${PAD.top}V${HEIGHT - PAD.bottom}` });
    this.svg.append(this.cursor);
    const told = this.lines.map(([name, value]) => [name, value(bucket)]).filter(([, value]) => value !== null);
    text(this.readout, `${time(bucket[0])}: ${told.map(([name, value]) => `${name} ${this.shown(value)}`).join(", ") || "nothing"}`);
  }

  #fillTable() {
    if (!this.details.open) return;
    const shown = buckets.filter((bucket) => bucket[0] % TABLE_STEP_S === 0).reverse();
    keyed(this.rows, shown, (bucket) => bucket[0],
      (bucket) => h("tr", { role: "row" }, rowHead("Time (UTC)", time(bucket[0])), ...this.columns.map((name) => cell(name, "number"))),
      (row, bucket) => this.lines.forEach(([, value], index) => {
        const figure = value(bucket);
        text(row.children[index + 1], figure === null ? "–" : this.shown(figure));
      }));
  }
}

// From 0 to a round figure that is not below `most`, in steps of 1, 2 or 5 times a power of ten.
function axis(most, milliseconds) {
  const least = milliseconds ? 10 : 1;
  const rough = Math.max(most, least) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].find((factor) => factor * power >= rough) * power, 1);
  const ticks = [];
  for (let tick = 0; ; tick += step) {
    ticks.push(tick);
    if (tick >= most && tick > 0) return ticks;
  }
}
