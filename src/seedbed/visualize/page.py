"""The page: sentences, pictures and charts in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seedbed import figures, pages
from seedbed.data import Dataset
from seedbed.visualize.drawing import ThemedPng

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

PAIRS = ("overview", "classes")
"""Sections whose two grids stand side by side."""

DESCRIPTIONS = {
    "training_example": "Training images with their labels",
    "validation_example": "Validation images with their labels",
    "class_means": "Mean image of each class",
    "class_variation": "Standard deviation of each pixel, class by class",
    "duplicates": "Pairs of like training images",
    "other_label": "Pairs of like images with different labels",
    "leakage": "Pairs of like images across parts",
}


def of(
    dataset: Dataset, said: Mapping[str, Sequence[str]], grids: Mapping[str, ThemedPng], charts: Mapping[str, AnyChart]
) -> str:
    """The whole page.

    Args:
        dataset: for its name and protocol.
        said: section -> sentences, plain text.
        grids: name -> PNG for light and dark pages.
        charts: name -> chart.
    """
    spec = dataset.spec
    return pages.render(
        "visualize.html.jinja",
        figures.embedded({name: figures.specification(chart) for name, chart in charts.items()}),
        title=f"A look at {spec.name}",
        sections=[_section(name, said[name], grids, charts) for name in SECTIONS],
        command=f"seedbed visualize --data {spec.name} --protocol {spec.protocol}",
        digest=spec.digest,
    )


def _section(
    name: str, sentences: Sequence[str], grids: Mapping[str, ThemedPng], charts: Mapping[str, AnyChart]
) -> dict[str, Any]:
    heading, shown = SECTIONS[name]
    return {
        "name": name,
        "heading": heading,
        "sentences": sentences,
        "pictures": [_picture(grids[each], DESCRIPTIONS[each]) for each in shown if each in grids],
        "charts": [each for each in shown if each in charts],
        "pair": name in PAIRS,
    }


def _picture(grid: ThemedPng, description: str) -> dict[str, str]:
    return {"description": description, **{mode: figures.picture_address(content) for mode, content in grid.items()}}
