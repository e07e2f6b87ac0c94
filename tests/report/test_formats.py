"""Documents to edit: Markdown, notebook and Word hold the same headings, sentences and pictures."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import nbformat
import pytest
from PIL import Image as Picture

from seedbed.errors import SpecError
from seedbed.report import formats
from seedbed.report.document import Bullets, Heading, Image, Paragraph
from seedbed.report.formats import markdown, notebook, printed, word

ELEMENTS = [
    Heading(1, "A <title>"),
    Paragraph("Costs 2 * 3_4 points; run `seedbed study x_y`."),
    Heading(2, "A question?"),
    Paragraph("I predicted: much.", quoted=True),
    Bullets(["First.", "Second."]),
    Image("means", "The means."),
]


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    folder = tmp_path / "report" / "figures"
    folder.mkdir(parents=True)
    Picture.new("RGB", (2400, 300), "white").save(folder / "means.png")
    return folder


def test_markdown_escapes_text_but_not_code_and_places_pictures():
    text = markdown(ELEMENTS, Path("report/figures")).decode()
    assert "# A \\<title\\>" in text
    assert "2 \\* 3\\_4 points; run `seedbed study x_y`." in text
    assert "> I predicted: much." in text
    assert "- First.\n- Second." in text
    assert "![The means.](report/figures/means.png)" in text


def test_a_notebook_has_a_cell_per_heading_and_reads_the_results():
    made = nbformat.reads(notebook(ELEMENTS, Path("report/figures")).decode(), as_version=4)
    nbformat.validate(made)
    assert [cell.cell_type for cell in made.cells] == ["markdown", "markdown", "code"]
    assert made.cells[1].source.startswith("## A question?")
    assert "report/results.json" in made.cells[2].source
    assert notebook(ELEMENTS, Path("report/figures")) == notebook(ELEMENTS, Path("report/figures"))


def test_a_word_document_holds_text_and_pictures_within_its_page(figures):
    made = docx.Document(io.BytesIO(word(ELEMENTS, figures)))
    texts = [(paragraph.style.name, paragraph.text) for paragraph in made.paragraphs]
    assert ("Title", "A <title>") in texts
    assert ("Heading 1", "A question?") in texts
    assert ("Quote", "I predicted: much.") in texts
    assert ("List Bullet", "Second.") in texts
    [shape] = made.inline_shapes
    assert shape.width.inches == pytest.approx(formats.PICTURE_WIDTH, rel=1e-3)
    assert shape.height.inches == pytest.approx(formats.PICTURE_WIDTH / 8, rel=1e-2)


def test_without_a_browser_the_message_says_how_to_print(monkeypatch, tmp_path):
    monkeypatch.setattr(formats, "BROWSERS", ("no-such-browser",))
    with pytest.raises(SpecError, match=r"Open .* in any browser and print it"):
        printed(tmp_path / "page.html")


def test_a_browser_that_fails_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(formats, "BROWSERS", ("false",))
    with pytest.raises(SpecError, match="false could not print"):
        printed(tmp_path / "page.html")
