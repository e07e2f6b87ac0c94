// What every page does: it follows the runs without reloading, swaps its main part for forms and links that ask for that,
// keeps the selection in the address, and draws its charts.

import { draw, explain } from "./charts.js";
import { connect, listen } from "./events.js";

const PAUSE = 200;

/** @param {string} name */
function meta(name) {
  return document.querySelector(`meta[name="seedbed-${name}"]`)?.getAttribute("content") ?? "";
}

/**
 * Get JSON from the server.
 * @param {string} address
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 * @throws {Error} with the server's explanation
 */
export async function fetchJson(address, options) {
  const answer = await fetch(address, options);
  const values = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(values.error ?? `The server answered ${answer.status}.`);
  return values;
}

/**
 * Ask for a change; only pages of this server know the token that allows it.
 * @param {string} address
 * @param {any} [values] JSON values, or a Blob
 */
export function post(address, values = {}) {
  const blob = values instanceof Blob;
  /** @type {Record<string, string>} */
  const headers = { "x-seedbed-token": meta("token") };
  if (!blob) headers["content-type"] = "application/json";
  return fetchJson(address, { method: "POST", headers, body: blob ? values : JSON.stringify(values) });
}

// Charts

/** @type {WeakMap<Element, {busy: boolean, again: boolean}>} */
const drawing = new WeakMap();

/**
 * Draw the charts below an element whose address changed or whose values may have: those in sight at once, then the others in
 * turn.
 * @param {ParentNode} place
 * @param {string} [topic] only those that follow this topic
 */
async function drawCharts(place, topic) {
  /** @type {NodeListOf<HTMLElement>} */
  const found = place.querySelectorAll(topic ? `[data-chart-of][data-follows="${topic}"]` : "[data-chart-of]");
  const charts = [...found];
  const near = new Set(charts.filter(isInSight));
  await Promise.all([...near].map(drawChart));
  for (const chart of charts) if (!near.has(chart) && chart.isConnected) await drawChart(chart);
}

/** @param {Element} element */
function isInSight(element) {
  const { top, bottom, height } = element.getBoundingClientRect();
  return height > 0 && bottom > 0 && top < innerHeight;
}

/** Draw a chart; while it is being drawn, further wishes become one. @param {HTMLElement} figure */
export async function drawChart(figure) {
  const state = drawing.get(figure) ?? { busy: false, again: false };
  drawing.set(figure, state);
  if (state.busy) {
    state.again = true;
    return;
  }
  state.busy = true;
  do {
    state.again = false;
    try {
      await draw(figure, fetchJson(/** @type {string} */ (figure.dataset.chartOf)));
    } catch (error) {
      explain(figure, error instanceof Error ? error.message : String(error));
    }
  } while (state.again);
  state.busy = false;
}

// The main part

/** @param {string} address */
async function fetchPage(address) {
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Something to find the focused element by in the page that comes. */
function focused() {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const key = element.id ? `#${CSS.escape(element.id)}` : null;
  const href = element.getAttribute("href");
  return key ?? (href ? `[href="${CSS.escape(href)}"]` : null);
}

/** Number of the newest wish to see the page anew; what an older one fetched is out of date. */
let turn = 0;
let swapping = false;

/**
 * Show another state of this page in place, and its address in the browser's.
 * @param {string} address
 * @param {boolean} [remember] whether it becomes an entry of the history
 */
export async function swap(address, remember = true) {
  const mine = ++turn;
  const focus = focused();
  swapping = true;
  const page = await fetchPage(address).finally(() => (swapping = mine !== turn));
  if (mine !== turn || !page.querySelector("main")) return;
  if (remember) history.pushState(null, "", address);
  showPage(page, focus);
}

/** Put the main part of a page that was fetched in the place of this one. @param {Document} page @param {string | null} focus */
function showPage(page, focus) {
  const here = /** @type {HTMLElement} */ (document.querySelector("main"));
  const there = /** @type {HTMLElement} */ (page.querySelector("main"));
  here.replaceChildren(...there.childNodes);
  document.title = page.title;
  swapNavigation(page);
  if (focus) /** @type {HTMLElement | null} */ (document.querySelector(focus))?.focus();
  showTarget();
  drawCharts(here);
  unread();
}

/** Scroll to what the address names after `#`, once it is there. */
export function showTarget() {
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

/** The selection is part of the links to other views. @param {Document} page */
function swapNavigation(page) {
  const fresh = page.querySelectorAll("header nav a");
  document.querySelectorAll("header nav a").forEach((link, place) => {
    const href = fresh[place]?.getAttribute("href");
    if (href) link.setAttribute("href", href);
  });
}

/**
 * Bring the page to the state of its address, without touching what the user works in: elements with `data-live` and an id
 * are replaced where they differ, and charts whose address changed are drawn again.
 */
export async function refreshNow() {
  if (swapping) return;
  const mine = ++turn;
  const page = await fetchPage(location.href);
  const focus = focused();
  if (mine !== turn) return;
  const left = page.querySelector("[data-unread]"); // also where this page shows all as it was before
  const instead = document.querySelector("[data-instead]");
  if (instead && page.querySelector("main") && !page.getElementById(instead.id)) {
    return showPage(page, focus); // the first run is there, or all are read: the view itself has another form
  }
  for (const element of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(element.id);
    if (!fresh || fresh.isEqualNode(element)) continue;
    element.replaceWith(fresh);
    drawCharts(fresh);
  }
  for (const figure of document.querySelectorAll("[data-chart-of]")) {
    const fresh = page.getElementById(figure.id)?.dataset.chartOf;
    const chart = /** @type {HTMLElement} */ (figure);
    if (fresh && fresh !== chart.dataset.chartOf) {
      chart.dataset.chartOf = fresh;
      drawChart(chart);
    }
  }
  swapNavigation(page);
  if (focus && document.activeElement === document.body) {
    /** @type {HTMLElement | null} */ (document.querySelector(focus))?.focus();
  }
  if (left) changed();
}

/** The server reads runs for as long as a page may wait; what it left out comes with the next look. */
function unread() {
  if (document.querySelector("[data-unread]")) changed();
}

/**
 * Give the page another address, as a form or a selection asks for it, and follow it in place.
 * @param {string | URL} address
 */
export function readdress(address) {
  history.replaceState(null, "", address);
  return refreshNow();
}

// Live

let following = false;
let missed = false;

/** Follow what runs changed: soon, one look at a time, and once more where something changed meanwhile. */
async function changed() {
  missed = true;
  if (following || document.hidden) return;
  following = true;
  while (missed && !document.hidden) {
    missed = false;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    try {
      await refreshNow();
      drawCharts(document, "runs");
    } catch {
      missed = true; // the server is gone; `online` comes back to it
      break;
    }
  }
  following = false;
}

function online() {
  const status = document.getElementById("connection");
  if (status) status.textContent = "";
  if (missed) changed();
}

listen("runs", changed);
listen("reset", changed);
listen("online", online);
listen("offline", () => {
  missed = true;
  const status = document.getElementById("connection");
  if (status) status.textContent = "The server does not answer.";
});
document.addEventListener("visibilitychange", () => {
  if (missed) changed();
});

// Forms, links, selection

/** @param {HTMLFormElement} form @param {HTMLElement | null} [button] */
function addressOf(form, button) {
  const values = new FormData(form, button);
  const query = new URLSearchParams();
  for (const [name, value] of values) if (typeof value === "string" && value) query.append(name, value);
  const place = button?.getAttribute("formaction") ?? form.getAttribute("action") ?? location.pathname;
  return query.size ? `${place}?${query}` : place;
}

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const button = event.submitter;
  if (form.method !== "get") return;
  event.preventDefault();
  const address = addressOf(form, button);
  if (form.hasAttribute("data-swap") && !button?.hasAttribute("formaction")) swap(address);
  else location.assign(address);
});

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;

document.addEventListener("input", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  const form = field.form;
  if (!form?.hasAttribute("data-swap") || field.name === "name") return;
  clearTimeout(typing);
  typing = setTimeout(() => readdress(addressOf(form)), field.type === "range" ? 20 : 150);
});

document.addEventListener("click", (event) => {
  const clicked = /** @type {Element} */ (event.target);
  const link = /** @type {HTMLAnchorElement | null} */ (clicked.closest("a[data-swap]"));
  if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    swap(link.href);
  }
  const copied = /** @type {HTMLElement | null} */ (clicked.closest("[data-copy]"));
  if (copied) copy(copied);
});

/** @param {HTMLElement} button */
async function copy(button) {
  const text = document.getElementById(button.dataset.copy ?? "")?.textContent ?? "";
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy it";
  }
  setTimeout(() => (button.textContent = label), 1500);
}

/**
 * The selected names after a row was ticked or not. What covers the row's runs is split into the others; a group of which all
 * runs are selected is selected by its own name, since views take it as one setting with its seeds.
 * @param {string[]} names
 * @param {string} row name of a run or a group
 * @param {boolean} ticked
 * @param {Record<string, string[]>} covers name of a group or a sweep -> its runs
 */
export function reselected(names, row, ticked, covers) {
  const runsOf = (/** @type {string} */ name) => covers[name] ?? [name];
  const chosen = new Set(ticked ? [...names, row] : names);
  const left = runsOf(row);
  for (const name of ticked ? [] : names) {
    const runs = runsOf(name);
    if (!left.some((run) => runs.includes(run))) continue;
    chosen.delete(name);
    for (const run of runs) if (!left.includes(run)) chosen.add(run);
  }
  for (const [group, runs] of Object.entries(covers)) {
    if (!runs.every((run) => chosen.has(run))) continue;
    for (const run of runs) chosen.delete(run);
    chosen.add(group);
  }
  return [...chosen];
}

document.addEventListener("change", (event) => {
  const box = /** @type {HTMLInputElement} */ (event.target);
  if (!box.matches("[data-select]")) return;
  const here = new URL(location.href);
  const covers = JSON.parse(box.form?.dataset.covers ?? "{}");
  const names = reselected(here.searchParams.getAll("name"), box.value, box.checked, covers);
  here.searchParams.delete("name");
  for (const name of names) here.searchParams.append("name", name);
  readdress(here);
});

addEventListener("popstate", () => swap(location.href, false));

drawCharts(document);
unread();
connect();
