"""The formats of a write-up: Markdown, a notebook, a Word document, and the printed page."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from seedbed.errors import SpecError
from seedbed.report.document import Bullets, Element, Heading, Image, Paragraph

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PRINTING = 120.0
"""Time after which printing a page is given up (s)."""

PICTURE_WIDTH = 5.9
"""Width of the pictures of a Word document at most (inches)."""

Written = Callable[[Sequence[Element], Path], bytes]


def markdown(elements: Sequence[Element], figures: Path) -> bytes:
    """Write a document as Markdown.

    Args:
        figures: folder of the pictures, relative to the document.
    """
    return ("\n\n".join(_markdown(element, figures) for element in elements) + "\n").encode()


def _markdown(element: Element, figures: Path) -> str:
    match element:
        case Heading(level, text):
            return f"{'#' * level} {_escaped(text)}"
        case Paragraph(text, quoted):
            return f"> {_escaped(text)}" if quoted else _escaped(text)
        case Bullets(items):
            return "\n".join(f"- {_escaped(item)}" for item in items)
        case Image(name, caption):
            return f"![{_escaped(caption)}]({(figures / name).as_posix()}.png)"


def _escaped(text: str) -> str:
    """Plain text in Markdown; code between backticks stays as it is."""
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\*_<>\[\]])", r"\\\1", part) for part in re.split("(`[^`]*`)", text)
    )


def notebook(elements: Sequence[Element], figures: Path) -> bytes:
    """Write a document as a Jupyter notebook: a cell per heading, and one of code that reads the results.

    Raises:
        SpecError: nbformat is not installed.
    """
    try:
        import nbformat
    except ModuleNotFoundError:
        raise _missing("ipynb", "nbformat", "notebook") from None
    library: Any = nbformat  # it has no types
    cells: list[list[Element]] = []
    for element in elements:
        if isinstance(element, Heading) or not cells:
            cells.append([])
        cells[-1].append(element)
    texts = [library.v4.new_markdown_cell(markdown(cell, figures).decode().strip()) for cell in cells]
    reading = f'import json\n\nresults = json.load(open("{figures.parent.as_posix()}/results.json"))\nresults["cards"]'
    made = library.v4.new_notebook(cells=[*texts, library.v4.new_code_cell(reading)])
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"  # random ones would change with every report
    return str(library.writes(made)).encode()


def word(elements: Sequence[Element], figures: Path) -> bytes:
    """Write a document for Word, with its pictures inside.

    Args:
        figures: folder of the pictures.

    Raises:
        SpecError: python-docx is not installed.
    """
    try:
        import docx
    except ModuleNotFoundError:
        raise _missing("docx", "python-docx", "docx") from None
    made = docx.Document()
    for element in elements:
        _add(made, element, figures)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _add(made: Any, element: Element, figures: Path) -> None:
    from docx.shared import Inches

    match element:
        case Heading(level, text):
            made.add_heading(text, level - 1)
        case Paragraph(text, quoted):
            made.add_paragraph(text.replace("`", ""), style="Quote" if quoted else None)
        case Bullets(items):
            for item in items:
                made.add_paragraph(item.replace("`", ""), style="List Bullet")
        case Image(name, caption):
            picture = made.add_picture(str(figures / f"{name}.png"))
            if picture.width > (most := Inches(PICTURE_WIDTH)):
                picture.height, picture.width = round(picture.height * most / picture.width), most
            if caption:
                made.add_paragraph(caption, style="Caption")


def _missing(suffix: str, library: str, extra: str) -> SpecError:
    return SpecError(f"--format {suffix} needs {library}, which is not installed: pip install 'seedbed[{extra}]'.")


def printed(page: Path) -> bytes:
    """Print a page as PDF by a browser of the Chromium family.

    Raises:
        SpecError: there is none, or it could not print.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SpecError(f"--format pdf needs Chromium or Chrome, and none was found. Open {page} in any browser and print it.")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "page.pdf"
        arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder}/profile",
            "--no-pdf-header-footer",
        ]
        arguments += ["--virtual-time-budget=20000", f"--print-to-pdf={out}", page.resolve().as_uri()]
        try:
            subprocess.run([browser, *arguments], capture_output=True, timeout=PRINTING, check=True)
            return out.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise SpecError(
                f"{browser} could not print {page} ({type(error).__name__}). Open it in a browser and print it."
            ) from None


FORMATS: dict[str, Written] = {"md": markdown, "ipynb": notebook, "docx": word}
"""Suffix -> function that writes a document to edit."""
