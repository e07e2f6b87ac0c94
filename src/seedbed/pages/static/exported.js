/** The page of one exported network, which holds the network's description and its weights. */

import { computed, drawing, Panel, weightPictures } from "./drawing.js";
import { Network, readSafetensors } from "./network.js";

/** @param {string} id */
function held(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

const description = JSON.parse(held("description").textContent ?? "");
const letters = atob(held("tensors").textContent ?? "");
const weights = readSafetensors(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)).buffer);
drawing(held("drawing"), [new Panel(description, computed(new Network(description, weights)))]);
const paint = () => held("weights").replaceChildren(...weightPictures(description, weights));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
paint();
