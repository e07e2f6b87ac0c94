// Weights of runs, from the server.

import { readSafetensors } from "./network.js";

/** @param {string} name @param {string} [epoch] "best", "last", or the number of a kept one */
export async function weightsOf(name, epoch = "best") {
  const answer = await fetch(`/api/draw/weights/${encodeURIComponent(name)}?epoch=${encodeURIComponent(epoch)}`);
  if (!answer.ok) throw new Error((await answer.json()).error);
  return readSafetensors(await answer.arrayBuffer());
}
