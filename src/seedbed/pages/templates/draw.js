const wantsDark = matchMedia("(prefers-color-scheme: dark)");
const themes = JSON.parse(document.getElementById("themes").textContent);
const actions = { export: true, source: false, compiled: false, editor: false };

async function draw() {
  const mode = wantsDark.matches ? "dark" : "light";
  for (const place of document.querySelectorAll("[data-chart]")) {
    const spec = JSON.parse(document.getElementById(place.dataset.chart).textContent);
    spec.config = themes[mode];
    await vegaEmbed(place, spec, { ast: true, renderer: "svg", actions, tooltip: { theme: mode } });
  }
  document.body.dataset.drawn = mode;
}

function unfold() {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
}

addEventListener("beforeprint", unfold);
wantsDark.addEventListener("change", draw);
draw();
