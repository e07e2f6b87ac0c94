// Charts: Vega-Lite from the server, drawn in the colours of the page, each with its numbers as a table and as CSV.

import { element } from "./elements.js";
import { fitted, narrower } from "./narrow.js";
import { listsOf, outlined } from "./outlined.js";

/** @typedef {{columns: string[], rows: Record<string, any>[]}} Numbers */

const MOST_ROWS = 500;
/** Points from which on a chart is pixels instead of elements, and its lines are shapes. */
const MANY_POINTS = 20_000;
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 40rem)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const stamp = document.querySelector('meta[name="seedbed-stamp"]')?.getAttribute("content") ?? "";

/** @type {Promise<void> | null} */
let library = null;
/** @type {Promise<Record<string, any>> | null} */
let themes = null;
/** @type {WeakMap<Element, {spec: any, view: any}>} */
const drawn = new WeakMap();

/** What draws charts is a megabyte: it is loaded with the first chart. */
function loaded() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `/static/vega.js?v=${stamp}`;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error("What draws the charts could not be loaded."));
    document.head.append(script);
  });
  return library;
}

function themed() {
  themes ??= fetch(`/static/themes.json?v=${stamp}`).then((answer) => answer.json());
  return themes;
}

/**
 * Draw a specification into a figure, or draw it again; what was drawn before stays until the new picture is there.
 * @param {HTMLElement} figure element with an element `.chart` in it
 * @param {any} asked the specification, or a promise of it: what draws charts is loaded meanwhile
 */
export async function draw(figure, asked) {
  const place = /** @type {HTMLElement} */ (figure.querySelector(".chart"));
  const [spec, themesByMode] = await Promise.all([asked, themed(), loaded()]);
  const mode = dark.matches ? "dark" : "light";
  const made = document.createElement("div");
  const many = pointsOf(spec) > MANY_POINTS;
  /** @param {any} shown */
  const embed = (shown) => vegaEmbed(made, { ...shown, config: { ...themesByMode[mode], aria: false } }, {
    ast: true,
    renderer: many ? "canvas" : "svg",
    actions: { export: true, source: false, compiled: false, editor: false },
    downloadFileName: figure.id.replace("chart-", ""),
    defaultStyle: false,
    forceActionsMenu: true, // without its style it would be a list that covers the page
    tooltip: { theme: mode, disableDefaultStyle: true },
    hover: !still.matches,
  });
  const fit = narrow.matches ? fitted(spec, place.clientWidth) : spec;
  const first = many ? outlined(fit, themesByMode[mode].line) : fit;
  let result = await embed(first);
  const excess = Number(made.querySelector("svg.marks")?.getAttribute("width") ?? 0) - place.clientWidth;
  const second = narrow.matches && excess > 0 ? narrower(first, excess + 4) : null;
  if (second) {
    result.view.finalize();
    result = await embed(second);
  }
  drawn.get(figure)?.view.finalize();
  drawn.set(figure, { spec, view: result.view });
  place.replaceChildren(made);
  if (place.scrollWidth > place.clientWidth) place.tabIndex = 0; // what scrolls must be reached by keyboard
  else place.removeAttribute("tabindex");
  const title = titleOf(spec);
  plainPicture(made, title);
  made.querySelector("summary")?.setAttribute("aria-label", "Save the chart");
  if (title) figure.setAttribute("aria-label", `Chart: ${title}. The table below it holds its numbers.`);
  figure.querySelector(".waiting")?.remove();
  numbersBelow(figure);
  figure.dataset.drawn = mode;
  figure.dispatchEvent(new CustomEvent("drawn", { bubbles: true, detail: { view: result.view } }));
}

/** One picture for screen readers, whose numbers are in the table; not a tree of all its marks, whose words take half the time. @param {Element} made @param {string} title */
function plainPicture(made, title) {
  const svg = made.querySelector("svg.marks");
  if (!svg) return;
  for (const part of svg.querySelectorAll("[role], [aria-roledescription], [aria-label]")) {
    for (const name of ["role", "aria-roledescription", "aria-label"]) part.removeAttribute(name);
  }
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title || "Chart");
}

/**
 * Say in a figure why it has no chart.
 * @param {HTMLElement} figure
 * @param {string} reason
 */
export function explain(figure, reason) {
  figure.querySelector(".waiting")?.remove();
  const text = document.createElement("p");
  text.className = "quiet";
  text.textContent = reason;
  figure.querySelector(".chart")?.replaceChildren(text);
  figure.querySelector(".numbers")?.remove();
  figure.dataset.drawn = "none";
}

/** @param {any} spec */
function titleOf(spec) {
  const text = spec.title?.text ?? spec.title ?? "";
  return Array.isArray(text) ? text.join(" ") : String(text);
}

/** Rows as a part draws them: those with lists of values are taken apart. @param {any} part @returns {Record<string, any>[]} */
function rowsOf(part) {
  const lists = listsOf(part);
  if (!lists.length) return part.data.values;
  return part.data.values.flatMap((/** @type {Record<string, any>} */ row) =>
    row[lists[0]].map((/** @type {any} */ _, /** @type {number} */ place) => ({
      ...row,
      ...Object.fromEntries(lists.map((name) => [name, row[name][place]])),
    })),
  );
}

/** The parts of a specification that hold rows, wherever they are. @param {any} spec @returns {any[]} */
function partsOf(spec) {
  /** @type {any[]} */
  const parts = Object.values(spec.datasets ?? {}).filter(Array.isArray).map((values) => ({ data: { values } }));
  /** @param {any} part */
  const walk = (part) => {
    if (!part || typeof part !== "object") return;
    if (Array.isArray(part.data?.values)) parts.push(part);
    for (const name of ["layer", "hconcat", "vconcat", "concat"]) if (Array.isArray(part[name])) part[name].forEach(walk);
    if (part.spec) walk(part.spec);
  };
  walk(spec);
  return parts;
}

/** @param {any} spec @returns {number} */
function pointsOf(spec) {
  return partsOf(spec).reduce((sum, part) => {
    const [list] = listsOf(part);
    const { values } = part.data;
    return list ? values.reduce((/** @type {number} */ count, /** @type {any} */ row) => count + row[list].length, sum) : sum + values.length;
  }, 0);
}

/** Rows that hold measured values, each once, under all their columns. @param {any} spec @returns {Numbers} */
function numbersOf(spec) {
  const every = partsOf(spec).flatMap(rowsOf);
  const rows = every.filter((row) => typeof row === "object" && "mean" in row);
  const chosen = rows.length ? rows : every;
  const once = new Map(chosen.map((row) => [JSON.stringify(row), row]));
  const list = [...once.values()];
  const columns = [...new Set(list.flatMap((row) => Object.keys(row)))].filter((name) => name !== "image");
  return { columns, rows: list };
}

/** @param {any} value */
function cell(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
}

/** @param {Numbers} numbers */
export function csv(numbers) {
  /** @param {any} value */
  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [numbers.columns, ...numbers.rows.map((row) => numbers.columns.map((name) => row[name]))];
  return lines.map((line) => line.map(quoted).join(",")).join("\n") + "\n";
}

/** The numbers of what is drawn; a fold that stays while the chart follows a training, so that it can be opened. @param {HTMLElement} figure */
function numbersBelow(figure) {
  const fold = /** @type {HTMLDetailsElement} */ (figure.querySelector(".numbers") ?? foldOf(figure));
  if (fold.open) fillNumbers(figure, fold);
}

/** @param {HTMLElement} figure */
function numbersOfFigure(figure) {
  return numbersOf(drawn.get(figure)?.spec ?? {});
}

/** @param {HTMLElement} figure */
function foldOf(figure) {
  const name = figure.id.replace("chart-", "");
  const fold = element("details", { class: "numbers" }, element("summary", {}, "Numbers"));
  const save = element("button", { type: "button" }, "Save as CSV");
  save.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(numbersOfFigure(figure))], { type: "text/csv" }));
    link.download = `${name}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  });
  const label = `Numbers of the chart: ${name.replaceAll("_", " ")}`;
  const grid = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, element("table", {}));
  fold.append(save, grid, element("p", { class: "quiet" }));
  fold.addEventListener("toggle", () => fold.open && fillNumbers(figure, fold));
  figure.append(fold);
  return fold;
}

/** @param {HTMLElement} figure @param {HTMLElement} fold */
function fillNumbers(figure, fold) {
  const { columns, rows } = numbersOfFigure(figure);
  const shown = rows.slice(0, MOST_ROWS);
  const grid = document.createElement("table");
  const head = grid.createTHead().insertRow();
  for (const column of columns) head.append(element("th", { scope: "col" }, column));
  const body = grid.createTBody();
  for (const row of shown) {
    const line = body.insertRow();
    for (const column of columns) line.insertCell().textContent = cell(row[column]);
  }
  fold.querySelector("table")?.replaceWith(grid);
  const hidden = rows.length - shown.length;
  const rest = /** @type {HTMLElement} */ (fold.querySelector("p"));
  rest.textContent = hidden ? `${hidden} more rows are in the CSV.` : "";
}

for (const look of [dark, narrow]) {
  look.addEventListener("change", () => {
    for (const figure of document.querySelectorAll("figure.drawn")) {
      const known = drawn.get(figure);
      if (known) draw(/** @type {HTMLElement} */ (figure), known.spec);
    }
  });
}
