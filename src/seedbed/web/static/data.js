// The view of data: surveys on request, and images of points that are clicked.

import { post, refreshNow } from "./app.js";
import { listen } from "./events.js";

document.addEventListener("click", async (event) => {
  const button = /** @type {HTMLButtonElement | null} */ (/** @type {Element} */ (event.target).closest("[data-survey]"));
  if (!button) return;
  button.disabled = true;
  try {
    await post("/api/data/survey", { data: button.dataset.survey });
    await refreshNow();
  } catch (error) {
    button.disabled = false;
    button.textContent = error instanceof Error ? error.message : String(error);
  }
});

listen("data", (news) => {
  const survey = document.getElementById("survey");
  if (!survey || survey.dataset.name !== news.data) return;
  const status = survey.querySelector("[role=status]");
  if (news.done) refreshNow();
  else if (status && news.kind === "survey") status.textContent = `Working: ${news.doing}.`;
});

document.addEventListener("drawn", (event) => {
  const figure = /** @type {HTMLElement} */ (event.target);
  if (!figure.classList.contains("points")) return;
  /** @type {CustomEvent} */ (event).detail.view.addEventListener("click", (/** @type {any} */ _, /** @type {any} */ item) => {
    if (item?.datum?.image) show(item.datum);
  });
});

/** @param {{image: string, class: string}} point */
function show(point) {
  const place = document.getElementById("point");
  if (!place) return;
  const image = document.createElement("img");
  image.className = "pixels large";
  image.src = point.image;
  image.alt = `Image of ${point.class}`;
  place.replaceChildren(image, point.class);
}
