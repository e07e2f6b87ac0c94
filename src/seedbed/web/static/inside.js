// Network: the weights of an epoch, an image layer by layer, and the training images that excite a unit.

import { fetchJson, showTarget } from "./app.js";
import { computed, Panel, weightPictures } from "./drawing.js";
import { element } from "./elements.js";
import { Network } from "./network.js";
import { paintImage } from "./pictures.js";
import { weightsOf } from "./weights.js";

/** @import { Shown } from "./drawing.js" */

/** Training images among which the most exciting ones are looked for. */
const SEARCHED = 2000;
const FOUND = 12;

/** Milliseconds of computing between two looks at what the user does. */
const TURN = 24;

/** Milliseconds between two pictures of the most exciting images so far. */
const SHOWN = 250;

/** @template {HTMLElement} Kind @param {string} id @param {new () => Kind} kind @returns {Kind} */
function part(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page lacks #${id}.`);
  return found;
}

/** Keep what is looked at in the address. @param {string} name @param {string | number} value */
function remember(name, value) {
  const here = new URL(location.href);
  here.searchParams.set(name, String(value));
  history.replaceState(null, "", here);
}

/** @param {string} run @param {string} query @returns {Promise<{pixels: Float32Array, labels: number[]}>} */
async function imagesOf(run, query) {
  const answer = await fetch(`/api/inside/images/${encodeURIComponent(run)}?${query}`);
  if (!answer.ok) throw new Error((await answer.json()).error);
  const labels = (answer.headers.get("x-labels") ?? "").split(",").map(Number);
  return { pixels: new Float32Array(await answer.arrayBuffer()), labels };
}

/** @param {string} run */
async function start(run) {
  /** @type {Shown} */
  const shown = await fetchJson(`/api/draw/networks/${encodeURIComponent(run)}`);
  const epoch = part("epoch", HTMLInputElement);
  const names = JSON.parse(epoch.dataset.epochs ?? "[]");
  const image = part("image", HTMLInputElement);
  const [layer, unit] = [part("layer", HTMLSelectElement), part("unit", HTMLInputElement)];
  /** @type {Map<string, Promise<Record<string, import("./network.js").Tensor>>>} */
  const loaded = new Map();
  let panel = new Panel(shown, () => ({ probabilities: [] }));
  let network = /** @type {Network | null} */ (null);
  let turn = 0;
  let arrived = false;

  async function load() {
    const name = names[Number(epoch.value)];
    const mine = ++turn;
    part("epoch-name", HTMLOutputElement).textContent = name;
    remember("epoch", name);
    const weights = await (loaded.get(name) ?? loaded.set(name, weightsOf(run, name)).get(name));
    if (mine !== turn || !weights) return;
    network = new Network(shown, weights);
    part("weights", HTMLDivElement).replaceChildren(...weightPictures(shown, weights));
    panel = new Panel(shown, computed(network));
    panel.inside.open = true;
    panel.onOpen = look;
    part("activations", HTMLDivElement).replaceChildren(panel.root);
    await look();
    if (!arrived) showTarget();
    arrived = true;
    await excite();
  }

  async function look() {
    const number = Number(image.value);
    remember("image", number);
    const { pixels, labels } = await imagesOf(run, `part=validation&start=${number}`);
    const about = `Validation image ${number}: its class is ${shown.classes[labels[0]]}.`;
    await panel.look(pixels, `${about} Beside it, the pixels that speak for the answer (blue) and against it (orange).`, true);
  }

  let searching = 0;
  /** @type {Promise<{pixels: Float32Array, labels: number[]}> | null} */
  let searched = null;

  async function excite() {
    const mine = ++searching;
    const status = part("excite-status", HTMLParagraphElement);
    const units = Number(layer.selectedOptions[0]?.dataset.units ?? 1);
    unit.max = String(units - 1);
    const chosen = Math.min(Number(unit.value), units - 1);
    remember("layer", layer.value);
    remember("unit", chosen);
    searched ??= imagesOf(run, `part=training&count=${SEARCHED}`);
    const { pixels, labels } = await searched;
    const size = shown.image_shape.reduce((product, side) => product * side, 1);
    /** @type {number[]} */
    const scores = [];
    /** @param {number} number */
    const imageAt = (number) => pixels.subarray(number * size, (number + 1) * size);
    const show = () => {
      const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, FOUND);
      const items = order.map((number) => {
        const canvas = element("canvas", { class: "pixels", role: "img", "aria-label": `Training image ${number}` });
        paintImage(canvas, imageAt(number), shown.image_shape, shown.pictures);
        return element("li", {}, canvas, `${shown.classes[labels[number]]}: ${scores[number].toPrecision(3)}`);
      });
      part("excite", HTMLUListElement).replaceChildren(...items);
    };
    let [turned, painted] = [performance.now(), performance.now()];
    while (scores.length < labels.length) {
      if (mine !== searching || !network) return;
      scores.push(strongest(network.output(imageAt(scores.length), layer.value), units, chosen));
      const now = performance.now();
      if (now - turned < TURN) continue;
      if (now - painted > SHOWN) {
        status.textContent = `These are the largest of ${scores.length} training images; ${labels.length} are looked at.`;
        show();
        painted = now;
      }
      await new Promise((resolve) => setTimeout(resolve));
      turned = performance.now();
    }
    status.textContent = `Of the first ${labels.length} training images these make ${layer.value}, unit ${chosen}, largest.`;
    show();
  }

  epoch.addEventListener("input", load);
  image.addEventListener("input", look);
  layer.addEventListener("input", excite);
  unit.addEventListener("input", excite);
  for (const form of document.querySelectorAll("main form")) form.addEventListener("submit", (event) => event.preventDefault());
  await load();
}

/** The largest output of a unit over the places of its map. @param {Float32Array} values @param {number} units @param {number} unit */
function strongest(values, units, unit) {
  let most = -Infinity;
  for (let at = unit; at < values.length; at += units) most = Math.max(most, values[at]);
  return most;
}

const run = document.getElementById("run")?.dataset.name;
if (run && document.getElementById("epoch")) {
  start(run).catch((error) => document.getElementById("weights")?.replaceChildren(error.message));
}
