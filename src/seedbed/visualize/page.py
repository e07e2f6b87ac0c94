"""The page: sentences, pictures and charts in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from seedbed import figures, pages
from seedbed.data import Dataset
from seedbed.visualize.drawing import ThemedPng

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "overview": ("Examples", ("training_example", "validation_example")),
    "balance": ("Balance of the classes", ("class_balance",)),
    "classes": ("What the images of a class have in common", ("class_means", "class_variation")),
    "pixels": ("Pixels", ()),
    "duplicates": ("Duplicates", ("duplicates", "other_label")),
    "leakage": ("Leakage", ("leakage",)),
    "embedding": ("Images in a plane", ("embedding_pca", "embedding_tsne")),
}
"""Section -> heading and the pictures below its sentences."""

PAIRS = ("overview", "classes")
"""Sections whose two grids are side by side."""

DESCRIPTIONS = {
    "training_example": "Training images with their labels",
    "validation_example": "Validation images with their labels",
    "class_means": "Mean image of each class",
    "class_variation": "Standard deviation of each pixel, class by class",
    "duplicates": "Pairs of similar training images",
    "other_label": "Pairs of similar images with different labels",
    "leakage": "Pairs of similar images across parts",
}


def of(
    dataset: Dataset,
    sentences: Mapping[str, Sequence[str]],
    grids: Mapping[str, ThemedPng],
    charts: Mapping[str, AnyChart],
) -> str:
    """Render the page.

    Args:
        dataset: data set, for its name and protocol.
        sentences: section -> sentences, plain text.
        grids: name -> PNG for light and dark pages.
        charts: name -> chart.
    """
    spec = dataset.spec
    sections = [
        {
            "name": name,
            "heading": heading,
            "sentences": sentences[name],
            "pictures": [
                {
                    "description": DESCRIPTIONS[picture],
                    **{mode: figures.picture_address(png) for mode, png in grids[picture].items()},
                }
                for picture in shown
                if picture in grids
            ],
            "charts": [chart for chart in shown if chart in charts],
            "pair": name in PAIRS,
        }
        for name, (heading, shown) in SECTIONS.items()
    ]
    return pages.render(
        "visualize.html.jinja",
        figures.embedded({name: figures.specification(chart) for name, chart in charts.items()}),
        title=f"A look at {spec.name}",
        sections=sections,
        command=f"seedbed visualize --data {spec.name} --protocol {spec.protocol}",
        digest=spec.digest,
    )
