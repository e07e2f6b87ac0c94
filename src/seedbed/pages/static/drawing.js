/** Draw or open a picture, and see what networks answer: the picture as they see it, probabilities, and every layer. */

import { element, onceAFrame } from "./elements.js";
import { isOnMaps, paintActivation, paintImage, paintSaliency, paintWeights } from "./pictures.js";
import { moved, prepare } from "./prepare.js";
import { opened, Sketch } from "./sketch.js";

/** @import { Activation, Description, Network, Tensor } from "./network.js" */
/** @import { Rgba, Target } from "./prepare.js" */

/**
 * A network on the page.
 * @typedef {Description & Target & {name: string, title: string, facts: string,
 *   layers: {name: string, kind: string, output_shape: number[]}[]}} Shown
 */

/** What `Network.run` gives; a network that the server computes has no layers. @typedef {{probabilities: ArrayLike<number>,
 * layers?: Activation[], saliency?: (label: number) => Float32Array}} Reply */

/** @typedef {(image: Float32Array) => Reply | Promise<Reply>} Ask */

const SIDE = 280;

/** A network's answer to the picture. */
export class Panel {
  /** @param {Shown} shown @param {Ask} ask */
  constructor(shown, ask) {
    this.shown = shown;
    this.ask = ask;
    this.number = 0;
    const picture = () => element("canvas", { class: "pixels", role: "img" });
    this.seen = picture();
    this.seen.setAttribute("aria-label", "The picture as the network sees it");
    this.gradient = picture();
    this.gradient.setAttribute("aria-label", "Pixels that speak for the answer (blue) and against it (orange)");
    this.steps = element("p", { class: "quiet steps" });
    this.bars = shown.classes.map((name) => bar(name));
    /** Probabilities of the last answer. */
    this.probabilities = Float32Array.from(shown.classes, () => 0);
    this.best = element("p", { class: "best", role: "status" });
    this.layers = new Map(shown.layers.filter((layer) => layer.kind !== "flatten").map((layer) => [layer.name, picture()]));
    this.inside = element("details", { class: "inside" }, element("summary", {}, "What each layer gives"), ...this.#rows());
    this.inside.addEventListener("toggle", () => this.onOpen());
    this.root = element(
      "section",
      { class: "panel" },
      element("h2", {}, shown.name),
      element("p", { class: "quiet" }, shown.facts),
      element("div", { class: "seen" }, this.seen, this.gradient, this.steps),
      this.best,
      element("table", { class: "bars" }, element("tbody", {}, ...this.bars.map(({ row }) => row))),
      this.inside,
    );
    /** Called when the layers are opened, so that they are painted. */
    this.onOpen = () => {};
  }

  *#rows() {
    for (const { name, kind, output_shape: shape } of this.shown.layers) {
      const canvas = this.layers.get(name);
      if (!canvas) continue;
      canvas.setAttribute("aria-label", `Output of ${name}`);
      const caption = element("figcaption", {}, `${name}: ${kind}, ${shape.join(" x ")}`);
      yield element("figure", { class: shape.length === 3 ? "layer maps" : "layer" }, caption, canvas);
    }
  }

  /**
   * @param {Rgba} picture
   * @param {{across: number, down: number, degrees: number}} change
   * @param {boolean} explained whether the pixels that matter are shown
   */
  async show(picture, change, explained) {
    const { image_shape: shape } = this.shown;
    const prepared = prepare(picture, this.shown);
    const still = change.across === 0 && change.down === 0 && change.degrees === 0;
    await this.look(still ? prepared.values : moved(prepared.values, shape, change), prepared.steps.join(" "), explained);
  }

  /**
   * Show the answer to an image.
   * @param {Float32Array} image pixels as stored
   * @param {string} about what is to be said of it
   * @param {boolean} [explained] whether the pixels that matter are shown
   */
  async look(image, about, explained = false) {
    const { image_shape: shape, pictures } = this.shown;
    paintImage(this.seen, image, shape, pictures);
    this.steps.textContent = about;
    const number = ++this.number;
    const reply = await this.ask(image);
    if (number !== this.number) return; // a later picture was shown in the meantime
    this.#answer(reply);
    if (image.every((value) => value === image[0])) this.best.textContent = "Draw something";
    const saliency = explained ? reply.saliency : undefined;
    this.gradient.hidden = !saliency;
    if (saliency) paintSaliency(this.gradient, saliency(this.label), shape);
    if (this.inside.open) this.#paint(reply.layers ?? []);
  }

  /** Number of the most probable class. */
  get label() {
    return this.probabilities.indexOf(Math.max(...this.probabilities));
  }

  /** @param {Reply} reply */
  #answer({ probabilities }) {
    this.probabilities = Float32Array.from(probabilities);
    const { label } = this;
    this.bars.forEach(({ row, share, text }, i) => {
      row.dataset.share = String(probabilities[i]);
      row.classList.toggle("first", i === label);
      share.style.width = `${100 * probabilities[i]}%`;
      text.textContent = percent(probabilities[i]);
    });
    this.best.textContent = `${this.shown.classes[label]}, ${percent(probabilities[label])} sure`;
  }

  /** @param {Activation[]} layers */
  #paint(layers) {
    for (const layer of layers) {
      const canvas = this.layers.get(layer.name);
      if (canvas) paintActivation(canvas, layer);
    }
  }
}

/** @param {string} name */
function bar(name) {
  const share = element("div", {});
  const text = element("td", {});
  return { share, text, row: element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, share), text) };
}

/** @param {number} share */
function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/** The function that computes a network in the browser. @param {Network} network @returns {Ask} */
export function computed(network) {
  return (image) => ({ ...network.run(image), saliency: (label) => network.saliency(label) });
}

/**
 * The sheet with its buttons and sliders, and the panels of all networks.
 * @param {HTMLElement} root
 * @param {Panel[]} panels at least one
 */
export function drawing(root, panels) {
  const { image_shape: shape, border } = panels[0].shown;
  const dark = border.mean < 0.5;
  const canvas = element("canvas", {
    class: "sheet",
    width: SIDE,
    height: Math.round((SIDE * shape[0]) / shape[1]),
    role: "application",
    "aria-label": "Sheet to draw on: arrow keys move the pen, the space bar lowers and lifts it, Delete clears the sheet",
  });
  /** @type {Rgba | null} */
  let file = null;
  const sliders = {
    across: slider("Shift to the right", -shape[1] / 2, shape[1] / 2, "pixels"),
    down: slider("Shift down", -shape[0] / 2, shape[0] / 2, "pixels"),
    degrees: slider("Turn", -90, 90, "degrees"),
  };
  const explain = element("input", { type: "checkbox" });
  const show = onceAFrame(() => {
    const [across, down, degrees] = [sliders.across, sliders.down, sliders.degrees].map(({ input }) => Number(input.value));
    for (const panel of panels) panel.show(file ?? sketch.picture, { across, down, degrees }, explain.checked);
  });
  const style = { paper: dark ? "#000000" : "#ffffff", ink: dark ? "#ffffff" : "#000000", pen: penOf(shape) };
  const sketch = new Sketch(canvas, style, () => {
    file = null;
    show();
  });
  const [reading, open] = fileInput(async (blob) => {
    file = await opened(blob);
    show();
  });
  const back = () => {
    for (const { input } of Object.values(sliders)) input.value = "0";
    for (const { input } of Object.values(sliders)) input.dispatchEvent(new Event("input"));
  };
  const controls = [
    element("button", { type: "button", onclick: () => sketch.clear() }, "Clear"),
    element("button", { type: "button", onclick: back }, "Undo shifts and turn"),
    reading,
  ];
  for (const { input } of Object.values(sliders)) input.addEventListener("input", show);
  explain.addEventListener("input", show);
  for (const panel of panels) panel.onOpen = show;
  acceptFiles(root, open);
  root.replaceChildren(
    element(
      "div",
      { class: "sheets" },
      canvas,
      element("div", { class: "buttons" }, ...controls),
      ...Object.values(sliders).map(({ row }) => row),
      element("label", { class: "tick" }, explain, "Show the pixels that speak for the answer (blue) and against it (orange)"),
    ),
    element("div", { class: "panels" }, ...panels.map((panel) => panel.root)),
  );
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  return { show, sketch };
}

/** Width of a stroke in pixels of the sheet: two of the image's pixels. @param {number[]} shape */
function penOf(shape) {
  return Math.max(SIDE / 16, (2 * SIDE) / Math.max(shape[1], 16));
}

/** @param {string} title @param {number} low @param {number} high @param {string} unit */
function slider(title, low, high, unit) {
  const input = element("input", { type: "range", min: Math.ceil(low), max: Math.floor(high), step: 0.5, value: 0 });
  const output = element("output", {}, "0");
  input.addEventListener("input", () => (output.textContent = input.value));
  return { input, row: element("label", { class: "slider" }, `${title} (${unit})`, input, output) };
}

/** A button that opens a picture. @param {(file: Blob) => Promise<void>} take
 * @returns {[HTMLElement, (file: Blob) => void]} the button, and a function for files that come otherwise */
function fileInput(take) {
  const message = element("span", { class: "quiet", role: "status" }, "or drop one anywhere");
  const open = (/** @type {Blob} */ file) => {
    take(file).then(
      () => (message.textContent = "or drop one anywhere"),
      () => (message.textContent = "This file is no picture that the browser can read."),
    );
  };
  const input = element("input", { type: "file", accept: "image/*" });
  input.addEventListener("change", () => input.files?.[0] && open(input.files[0]));
  return [element("label", { class: "file" }, "Open a picture ", input, message), open];
}

/** @param {HTMLElement} root @param {(file: Blob) => void} open */
function acceptFiles(root, open) {
  root.addEventListener("dragover", (event) => event.preventDefault());
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) open(file);
  });
}

/**
 * The weights of layers as pictures.
 * @param {Description & {layers?: {kind: string, output_shape: number[]}[]}} description
 * @param {Record<string, Tensor>} weights
 * @param {number} [most] number of arrays, from the first on
 */
export function weightPictures(description, weights, most = Infinity) {
  const kernels = Object.entries(weights).filter(([name]) => name.endsWith("kernel"));
  kernels.sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })); // convolutions first
  const layers = description.layers ?? [];
  const flattened = layers.findIndex(({ kind }) => kind === "flatten");
  const maps = flattened > 0 ? layers[flattened - 1].output_shape : null;
  return kernels.slice(0, most).map(([name, kernel], number) => {
    const canvas = element("canvas", { class: "pixels", role: "img", "aria-label": `Weights ${name}` });
    const own = number > 0 && isOnMaps(kernel, maps) ? maps : null;
    paintWeights(canvas, kernel, number === 0 ? description.image_shape : null, own);
    const caption = own ? `${name}: ${own[2]} maps (columns) to ${kernel.shape[1]} outputs (rows)` : captionOf(name, kernel, number === 0);
    return element("figure", { class: "weights" }, element("figcaption", {}, caption), canvas);
  });
}

/** @param {string} name @param {Tensor} kernel @param {boolean} first */
function captionOf(name, { shape }, first) {
  const units = shape[shape.length - 1];
  if (first) return `${name}: ${units} ${shape.length === 2 ? "units, each as an image" : "filters"}`;
  if (shape.length === 4 && shape[0] > 1) return `${name}: ${shape[2]} channels (rows) to ${units} filters (columns)`;
  return `${name}: ${shape.slice(-2)[0]} inputs (columns) to ${units} outputs (rows)`;
}
