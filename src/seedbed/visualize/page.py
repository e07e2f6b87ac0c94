"""The page: sentences, pictures and charts in one file. All text from outside is escaped here, where it enters HTML."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from seedbed import figures
from seedbed.data import Dataset
from seedbed.figures.theme import COLOURS, FONT
from seedbed.visualize.drawing import Grid

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "overview": ("Examples", ("training_example", "validation_example")),
    "balance": ("Balance of the classes", ("class_balance",)),
    "classes": ("What a class has in common", ("class_means", "class_variation")),
    "pixels": ("Pixels", ()),
    "duplicates": ("Duplicates", ("duplicates", "other_label")),
    "leakage": ("Leakage", ("leakage",)),
    "embedding": ("Images in a plane", ("embedding_pca", "embedding_tsne")),
}
"""Section -> heading and the pictures below its sentences."""

BESIDE = ("overview", "classes")
"""Sections whose two grids stand beside each other."""

DESCRIPTIONS = {
    "training_example": "Training images with their labels",
    "validation_example": "Validation images with their labels",
    "class_means": "Mean image of each class",
    "class_variation": "Standard deviation of each pixel, class by class",
    "duplicates": "Pairs of like training images",
    "other_label": "Pairs of like images with different labels",
    "leakage": "Pairs of like images across parts",
}

_LIGHT, _DARK = COLOURS["light"], COLOURS["dark"]
STYLE = f"""
:root {{ color-scheme: light dark; --paper: {_LIGHT["paper"]}; --ink: {_LIGHT["ink"]}; --quiet: {_LIGHT["quiet"]};
  --line: {_LIGHT["grid"]}; --accent: {_LIGHT["accent"]}; }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: {_DARK["paper"]}; --ink: {_DARK["ink"]}; --quiet: {_DARK["quiet"]};
  --line: {_DARK["grid"]}; --accent: {_DARK["accent"]}; }} }}
body {{ margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 {FONT}; }}
h1 {{ font-size: 1.9rem; margin: 0 0 0.3rem; }}
h2 {{ font-size: 1.25rem; margin: 0 0 0.6rem; }}
section {{ border-top: 1px solid var(--line); padding-top: 1.6rem; margin-top: 2rem; }}
p {{ margin: 0 0 0.6rem; max-width: 46rem; }}
nav {{ color: var(--quiet); font-size: 0.95rem; margin: 0.8rem 0 0; }}
nav a {{ color: var(--accent); text-decoration: none; margin-right: 1.1rem; white-space: nowrap; }}
nav a:hover {{ text-decoration: underline; }}
.figures {{ display: flex; flex-wrap: wrap; gap: 0.8rem; align-items: flex-start; margin: 0.8rem 0 0 -14px; }}
.figures img {{ max-width: 100%; height: auto; display: block; }}
.figures.two img {{ width: 35rem; }}
.chart {{ max-width: 100%; overflow-x: auto; }}
.vega-embed {{ padding-right: 0 !important; }}
.vega-embed summary {{ opacity: 0.35 !important; }}
footer {{ color: var(--quiet); font-size: 0.9rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }}
"""


def of(dataset: Dataset, said: Mapping[str, Sequence[str]], grids: Mapping[str, Grid], charts: Mapping[str, AnyChart]) -> str:
    """The whole page.

    Args:
        dataset: for its name and protocol.
        said: section -> sentences, plain text.
        grids: name -> PNG for light and dark pages.
        charts: name -> chart.
    """
    order = {name: i for i, name in enumerate(charts)}
    sections = [_section(name, said[name], grids, order) for name in SECTIONS]
    links = "".join(f'<a href="#{name}">{heading}</a>' for name, (heading, _) in SECTIONS.items())
    title = f"A look at {dataset.spec.name}"
    command = f"seedbed visualize --data {dataset.spec.name} --protocol {dataset.spec.protocol}"
    body = [
        f"<header><h1>{html.escape(title)}</h1><nav>{links}</nav></header>",
        "<main>",
        *sections,
        f"</main><footer>Made by <code>{html.escape(command)}</code>; data {html.escape(dataset.spec.digest[:16])}.</footer>",
    ]
    specs = [figures.specification(chart) for chart in charts.values()]
    return figures.page(title, "\n".join(body), specs, style=STYLE)


def _section(name: str, sentences: Sequence[str], grids: Mapping[str, Grid], charts: Mapping[str, int]) -> str:
    heading, pictures = SECTIONS[name]
    text = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences)
    shown = [_picture(grids[one], DESCRIPTIONS[one]) for one in pictures if one in grids]
    shown += [figures.place(charts[one]) for one in pictures if one in charts]
    two = " two" if name in BESIDE else ""
    below = f'<div class="figures{two}">{"".join(shown)}</div>' if shown else ""
    return f'<section id="{name}"><h2>{heading}</h2>{text}{below}</section>'


def _picture(grid: Grid, description: str) -> str:
    light, dark = (figures.picture_address(grid[mode]) for mode in ("light", "dark"))
    image = f'<img src="{light}" alt="{html.escape(description)}">'
    return f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">{image}</picture>'
