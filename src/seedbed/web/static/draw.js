// Draw: the selected networks on one sheet. Those of our families are computed here, others by the server.

import { fetchJson, post } from "./app.js";
import { computed, drawing, Panel } from "./drawing.js";
import { FAMILIES, Network } from "./network.js";
import { pictureOf } from "./pictures.js";
import { weightsOf } from "./weights.js";

/** @import { Ask, Shown } from "./drawing.js" */

/** Ask the server for an answer to each image. @param {Shown} shown @returns {Ask} */
function asked(shown) {
  return async (image) => {
    const picture = await pictureOf(image, shown.image_shape, shown.pictures);
    const answer = await post(`/api/draw/predict/${encodeURIComponent(shown.name)}?invert=no`, picture);
    return { probabilities: shown.classes.map((name) => answer.probabilities[name] ?? 0) };
  };
}

/** @param {string} name */
async function panelOf(name) {
  /** @type {Shown} */
  const shown = await fetchJson(`/api/draw/networks/${encodeURIComponent(name)}`);
  if (!FAMILIES.includes(shown.model.family)) return new Panel(shown, asked(shown));
  return new Panel(shown, computed(new Network(shown, await weightsOf(name))));
}

const root = document.getElementById("drawing");
if (root) {
  const names = JSON.parse(root.dataset.networks ?? "[]");
  Promise.all(names.map(panelOf)).then(
    (panels) => panels.length && drawing(root, panels),
    (error) => root.replaceChildren(error.message),
  );
}
