// Playground: the form starts trainings; figures, curves, weights and the drawn picture's answers follow them.

import { drawChart, fetchJson, post } from "./app.js";
import { computed, drawing, Panel, weightPictures } from "./drawing.js";
import { element } from "./elements.js";
import { listen } from "./events.js";
import { Network, readSafetensors } from "./network.js";

/** @import { Reply, Shown } from "./drawing.js" */

/** @typedef {{name: string, group: string, seed: number, epochs: number}} Trained */

const TYPED = 350;

const WORDS = {
  off: "The trainer starts when a setting changes, or with Start.",
  warming: "Loads and compiles; Start can be pressed already.",
  ready: "Ready: the first epoch follows at once.",
  training: "Training.",
  stopping: "Saving.",
  paused: "Paused; everything is saved.",
};

/** @param {string} id */
function part(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

const form = /** @type {HTMLFormElement} */ (part("settings"));

function asked() {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string" && value !== "") query.append(name, value);
  return query.toString();
}

/** What is watched: the first run of each setting, with its newest network.
 * @type {Map<string, {shown: Shown, network: Network | null, epoch: number, fetching: boolean, due: boolean}>} */
const watched = new Map();

/** @type {ReturnType<typeof drawing> | null} */
let sheet = null;

/** @param {Trained[]} runs */
async function watch(runs) {
  const groups = new Map(runs.toReversed().map((run) => [run.group, run.name]));
  const names = [...groups.values()].toReversed();
  watched.clear();
  const panels = await Promise.all(names.map(async (name) => {
    /** @type {Shown} */
    const shown = await fetchJson(`/api/playground/networks/${encodeURIComponent(name)}`);
    const seen = { shown, network: /** @type {Network | null} */ (null), epoch: 0, fetching: false, due: false };
    watched.set(name, seen);
    /** @type {(image: Float32Array) => Reply} */
    const ask = (image) => {
      if (seen.network) return /** @type {Reply} */ (computed(seen.network)(image));
      return { probabilities: shown.classes.map(() => 1 / shown.classes.length) };
    };
    return new Panel(shown, ask);
  }));
  sheet = drawing(part("drawing"), panels);
  part("weights").replaceChildren();
  part("watched").hidden = false;
  for (const name of names) fetchWeights(name);
}

/** Fetch the newest weights of a run; while they are on their way, further news become one. @param {string} name */
async function fetchWeights(name) {
  const seen = watched.get(name);
  if (!seen) return;
  seen.due = true;
  if (seen.fetching) return;
  seen.fetching = true;
  while (seen.due) {
    seen.due = false;
    const answer = await fetch(`/api/playground/weights/${encodeURIComponent(name)}`);
    if (answer.status !== 200) break; // 204: the first epoch is not over
    const weights = readSafetensors(await answer.arrayBuffer());
    seen.network = new Network(seen.shown, weights);
    seen.epoch = Number(answer.headers.get("x-epoch"));
    showWeights(name, weights);
    sheet?.show();
  }
  seen.fetching = false;
}

/** @param {string} name @param {Record<string, import("./network.js").Tensor>} weights */
function showWeights(name, weights) {
  const seen = watched.get(name);
  if (!seen) return;
  const [picture] = weightPictures(seen.shown, weights, 1);
  const caption = picture.querySelector("figcaption");
  if (caption) caption.textContent = `${name} at epoch ${seen.epoch}: ${caption.textContent}`;
  picture.dataset.run = name;
  const before = [...part("weights").children].find((each) => /** @type {HTMLElement} */ (each).dataset.run === name);
  if (before) before.replaceWith(picture);
  else part("weights").append(picture);
}

/** What the trainer does, by the newest news of it; and how often there was news.
 * @type {{phase: keyof typeof WORDS, message: string, heard: number}} */
const trainer = { phase: "off", message: "", heard: 0 };

function showPhase() {
  const { phase, message } = trainer;
  part("phase").textContent = message || WORDS[phase];
  const busy = phase === "training" || phase === "stopping";
  /** @type {HTMLButtonElement} */ (part("start")).disabled = busy;
  part("pause").hidden = phase !== "training";
  part("stop").hidden = !(phase === "training" || phase === "paused");
  part("resume").hidden = phase !== "paused";
  part("again").hidden = busy || watched.size === 0;
}

/** @param {Record<string, Record<string, number>[]>} rows @param {Trained[]} runs */
function showProgress(rows, runs) {
  const items = runs.flatMap((run) => {
    const link = element("a", { href: `/run?name=${encodeURIComponent(run.name)}` }, run.name);
    const row = rows[run.name]?.at(-1);
    if (!row) return [element("li", {}, link, `: before the first of ${run.epochs} epochs`)];
    const share = (/** @type {number | null} */ value) => (value === null ? "not finite" : `${(100 * value).toFixed(1)} %`);
    const [training, validation] = [share(row.train_accuracy), share(row.validation_accuracy)];
    const text = `: epoch ${rows[run.name].length} of ${run.epochs}, training ${training}, validation ${validation}`;
    return [element("li", {}, link, text)];
  });
  part("progress").replaceChildren(...items);
}

/** Where to go from a finished training. */
function showNext() {
  const { runs, finished } = session;
  const groups = [...new Set(runs.map((run) => run.group))];
  part("next").hidden = !finished;
  part("compare").hidden = groups.length < 2;
  for (const link of part("next").querySelectorAll("a")) {
    link.href = `/${link.dataset.view}?${new URLSearchParams(groups.map((group) => ["name", group]))}`;
  }
}

/** @type {{runs: Trained[], rows: Record<string, Record<string, number>[]>, finished: boolean}} */
let session = { runs: [], rows: {}, finished: false };

/**
 * Show a whole state of the trainer. An answer may be older than what was heard while it was on its way: then the phase
 * stays, and so do the epochs that it does not have.
 * @param {any} state
 * @param {number} heard how much had been heard when the state was asked for
 */
async function showSession(state, heard = trainer.heard) {
  const names = state.runs.map((/** @type {Trained} */ run) => run.name).join();
  const other = names !== session.runs.map((run) => run.name).join();
  const newer = Object.entries(session.rows).filter(([name, rows]) => rows.length > (state.rows[name]?.length ?? Infinity));
  session = { runs: state.runs, rows: { ...state.rows, ...Object.fromEntries(newer) }, finished: state.finished };
  if (heard === trainer.heard) Object.assign(trainer, { phase: state.phase, message: state.message });
  showPhase();
  showNext();
  if (other) {
    part("curves").hidden = true; // until the new training has an epoch
    part("curves").querySelector(".chart")?.replaceChildren();
    await watch(state.runs);
  }
  showProgress(session.rows, session.runs);
  showPhase();
  if (Object.values(session.rows).some((rows) => rows.length)) showCurves();
}

function showCurves() {
  const figure = part("curves");
  figure.hidden = false;
  figure.dataset.chartOf = "/api/playground/charts/curves";
  drawChart(figure);
}

async function reload() {
  const heard = trainer.heard;
  showSession((await fetchJson("/api/playground")).session, heard);
}

/** @param {() => Promise<any>} work */
async function attempt(work) {
  const error = part("error");
  try {
    await work();
    error.textContent = "";
  } catch (reason) {
    error.textContent = reason instanceof Error ? reason.message : String(reason);
  }
}

async function start() {
  await post(`/api/playground/start?${asked()}`);
  await reload();
}

listen("playground", (news) => {
  if (news.phase) {
    Object.assign(trainer, { phase: news.phase, message: news.message, heard: trainer.heard + 1 });
    showPhase();
    if (news.phase === "training" || news.phase === "warming" || news.phase === "paused") reload();
  }
  const rows = Object.entries(news.rows ?? {});
  if (rows.some(([name]) => (session.rows[name]?.length ?? 0) < news.epoch - 1)) {
    reload(); // epochs were missed, as those of a run that was trained before under another name
    return;
  }
  for (const [name, row] of rows) {
    session.rows[name] = [...(session.rows[name] ?? []).slice(0, news.epoch - 1), row];
  }
  if (news.rows) {
    showProgress(session.rows, session.runs);
    showCurves();
  }
  if (news.weights) fetchWeights(news.weights);
});
listen("reset", () => attempt(reload));

part("start").addEventListener("click", () => attempt(start));
part("pause").addEventListener("click", () => attempt(() => post("/api/playground/stop")));
part("stop").addEventListener("click", () => attempt(() => post("/api/playground/stop?for_good=true")));
part("resume").addEventListener("click", () => attempt(() => post("/api/playground/resume")));
part("again").addEventListener("click", () => attempt(async () => {
  const seed = /** @type {HTMLInputElement} */ (part("seed"));
  const seeds = /** @type {HTMLInputElement} */ (part("seeds"));
  seed.value = String(Number(seed.value) + Number(seeds.value));
  seed.dispatchEvent(new Event("input", { bubbles: true }));
  await start();
}));

/** @type {ReturnType<typeof setTimeout> | undefined} */
let typing;

function prepare() {
  clearTimeout(typing);
  typing = setTimeout(() => post(`/api/playground/prepare?${asked()}`).catch(() => {}), TYPED); // the page shows the error
}

form.addEventListener("input", prepare);
prepare();
showSession(JSON.parse(part("phase").dataset.session ?? "{}"));
