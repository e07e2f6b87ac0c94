from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seedbed import data, storage
from seedbed.cli.frame import run
from seedbed.data.parts import Part, Pictures
from seedbed.specs import DataSpec
from seedbed.visualize import VisualizeReport, visualize

HOSTILE = ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "a & b")


class NoLabels:
    """Labels of a test part that nobody may read."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the test part's labels were asked for {name}")


class NoPictures(Pictures):
    """Counts which test images are taken."""

    taken: list[int]

    def take(self, rows, out=None):
        self.taken.append(len(rows))
        return super().take(rows, out)


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> tuple[data.Dataset, VisualizeReport]:
    """Digits with hostile class names, a leaked validation image, and a test part whose labels cannot be read."""
    whole = data.load(DataSpec(name="digits", first=205))
    images = whole.train.store.copy()
    images[whole.validation.rows[0]] = images[whole.train.rows[0]]
    pictures = Pictures(images)
    train, validation = (replace(part, pictures=pictures) for part in (whole.train, whole.validation))
    test = Part(pictures, whole.test.rows, NoLabels())
    changed = replace(whole, train=train, validation=validation, test=test, classes=(*HOSTILE, *whole.classes[3:]))
    out = tmp_path_factory.mktemp("out") / "img"
    out.mkdir()
    storage.write_json(out / "results.json", {"figures": ["drawn_before.png"]})
    for name in ("drawn_before.png", "holiday.png"):
        (out / name).write_bytes(b"a picture")
    return changed, visualize(changed, out)


def test_the_exercises_two_grids_and_every_other_picture_are_written(looked):
    _, report = looked
    assert {"training_example", "validation_example", "class_balance", "class_means", "leakage", "embedding_tsne"} <= set(
        report.pictures
    )
    assert report.pictures["training_example"].name == "training_example.png"
    for path in report.pictures.values():
        assert path.read_bytes().startswith(b"\x89PNG")


def test_pictures_of_an_earlier_survey_go_and_the_users_own_stay(looked):
    _, report = looked
    folder = report.page.parent
    assert not (folder / "drawn_before.png").exists()
    assert (folder / "holiday.png").read_bytes() == b"a picture"
    assert storage.read_json(folder / "results.json")["figures"] == sorted(path.name for path in report.pictures.values())


def test_the_leaked_image_is_found_and_told(looked):
    dataset, report = looked
    assert report.survey.duplicates.exact.affected["validation"] == 1
    assert f"Of {len(dataset.validation)} validation images, 1 (" in " ".join(report.sentences["leakage"])


def test_sentences_are_computed_from_the_figures(looked):
    dataset, report = looked
    counts = np.bincount(dataset.train.labels)
    assert f"has {counts.max() / counts.min():.2f} times as many" in report.sentences["balance"][0]
    assert f"{len(dataset.train):,} training" in report.sentences["overview"][0]


def test_the_page_shows_hostile_names_as_text_and_asks_no_network(looked):
    page = looked[1].page.read_text(encoding="utf-8")
    for script in re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL):
        page = page.replace(script, "")
    assert not any(name in page for name in HOSTILE)
    assert set(re.findall(r'(?:src|srcset)="([^"]{5})', page)) == {"data:"}
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))
    assert "default-src 'none'" in page


def test_the_page_has_every_sentence_and_every_picture(looked):
    _, report = looked
    page = report.page.read_text(encoding="utf-8")
    charts = {"class_balance", "embedding_pca", "embedding_tsne"}
    assert page.count("<picture>") == len(set(report.pictures) - charts)
    assert page.count('data-chart="') == len(charts)
    assert page.count("<p>") == sum(map(len, report.sentences.values()))


def test_what_a_killed_process_left_of_its_files_is_gone(looked, tmp_path: Path):
    left = tmp_path / f"{storage.TEMPORARY}0123456789ab-index.html"
    left.touch()
    report = visualize(looked[0], tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "results.json",
        *(path.name for path in (report.page, *report.pictures.values())),
    }


def test_no_test_image_is_drawn(looked, tmp_path: Path):
    """The same data with another test part give the same pictures, byte for byte, but for what is told of leakage."""
    dataset, report = looked
    other = NoPictures(dataset.test.store[dataset.test.rows[::-1]])
    other.taken = []
    again = visualize(replace(dataset, test=Part(other, np.arange(len(dataset.test)), NoLabels())), tmp_path)
    assert other.taken
    for name, path in report.pictures.items():
        assert path.read_bytes() == again.pictures[name].read_bytes()


def test_json_is_one_object_on_stdout_and_progress_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["visualize", "--data", "digits", "--out", str(tmp_path / "o"), "--protocol", "handout", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert Path(found["page"]).is_file()
    assert found["data"]["protocol"] == "handout"
    assert "test" not in found["balance"]
    assert "looking for duplicates" in captured.err


def test_an_unknown_data_set_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert run(["visualize", "--data", "digit", "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "Did you mean 'digits'?" in error
    assert error.count("\n") == 1
