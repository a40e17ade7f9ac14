// Building and changing elements. Text reaches the page as text nodes alone: nothing that a job, a log or a name says is
// ever read as markup, and the policy of the page forbids the functions that would.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

// Writes only what differs: an element that stays the same is not laid out again, nor read out again.
export function text(element, value) {
  const told = String(value);
  if (element.textContent !== told) element.textContent = told;
}

export function attribute(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

// One child of `parent` per item, in order. Elements are kept by key, so that focus and scroll stay where they are; the
// one that has the focus stays, too, when its item is gone.
export function keyed(parent, items, keyOf, create, update) {
  const keys = items.map((item) => String(keyOf(item)));
  const wanted = new Set(keys);
  const kept = new Map();
  for (const child of [...parent.children]) {
    if (wanted.has(child.dataset.key)) kept.set(child.dataset.key, child);
    else if (!child.contains(document.activeElement)) child.remove();
  }
  let next = parent.firstElementChild;
  items.forEach((item, index) => {
    let child = kept.get(keys[index]);
    if (!child) {
      child = create(item);
      child.dataset.key = keys[index];
    }
    update(child, item);
    while (next && !wanted.has(next.dataset.key)) next = next.nextElementSibling;
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  });
}

// A table whose rows become cards on a narrow screen. The roles are written out, since `display` takes them away.
export function table(caption, columns, rows) {
  const head = h("tr", { role: "row" }, ...columns.map(([name, kind]) =>
    h("th", { role: "columnheader", scope: "col", class: kind }, name)));
  return h("table", { role: "table" },
    h("caption", { class: "visually-hidden" }, caption),
    h("thead", { role: "rowgroup" }, head),
    fill(rows, { role: "rowgroup" }, []));
}

export function cell(column, kind, ...children) {
  return h("td", { role: "cell", "data-label": column, class: kind }, ...children);
}

export function rowHead(column, ...children) {
  return h("th", { role: "rowheader", scope: "row", "data-label": column }, ...children);
}

const GLYPHS = {
  RUNNING: "●", IDLE: "○", INITIALIZING: "◔", THROTTLED: "◫", UNHEALTHY: "✕",
  IN_QUEUE: "○", IN_PROGRESS: "◔", COMPLETED: "✓", FAILED: "✕", CANCELLED: "⊘", TIMED_OUT: "⧗",
};

// A status in words, with a sign and a colour beside them.
export function badge() {
  return h("span", { class: "badge" }, h("span", { "aria-hidden": "true", class: "glyph" }), h("span", {}));
}

export function setBadge(element, status, words) {
  attribute(element, "data-status", status);
  text(element.children[0], GLYPHS[status] ?? "·");
  text(element.children[1], words ?? status.toLowerCase().replaceAll("_", " "));
}

// Texts.

const twoDigits = (number) => String(number).padStart(2, "0");

export function dateTime(seconds) {
  const date = new Date(seconds * 1000);
  return `${date.getUTCFullYear()}-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())} ${time(seconds)} UTC`;
}

export function time(seconds) {
  const date = new Date(seconds * 1000);
  return [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(twoDigits).join(":");
}

export function duration(milliseconds) {
  if (milliseconds == null) return "–";
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1).replace(".0", "")} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86400).toFixed(1)} days`;
}

export function dollars(usd) {
  return `$${usd.toFixed(usd === 0 || usd >= 1 ? 2 : 4)}`;
}

export const count = (number) => number.toLocaleString("en-US");

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

let silence = 0;

// Tells a screen reader once. Called for what a person did, and when the connection is lost; never for live figures.
export function say(message) {
  const region = byId("said");
  region.textContent = "";
  clearTimeout(silence);
  silence = setTimeout(() => { region.textContent = message; }, 50);
}
