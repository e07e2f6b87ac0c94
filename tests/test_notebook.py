"""What a notebook shows: progress in one place, and charts that need no network."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

import seedbed as sb
from seedbed.figures import offline
from seedbed.notebook import MOST_LINES, Place, in_notebook
from seedbed.progress import shown_in_notebook
from seedbed.training.events import Done, Note, Started, ignore


class Shown:
    """What a cell has below it, and how often that changed."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.places = 0

    def display(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        assert raw
        assert display_id
        self.places += 1
        self.texts.append(bundle["text/plain"])
        return SimpleNamespace(update=lambda later, raw: self.texts.append(later["text/plain"]))


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """A cell of a running kernel."""
    shown = Shown()
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[misc]
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=shown.display))  # type: ignore[misc]
    return shown


def test_a_console_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))  # type: ignore[misc]
    assert not in_notebook()
    assert shown_in_notebook(ignore) is ignore


def test_progress_stands_in_one_place_however_long_it_takes(cell: Shown) -> None:
    watch = shown_in_notebook(ignore, "net", runs=2)
    watch(Started(("net.0", "net.1"), "cpu", 5, 12))
    for number in range(1000):
        watch(Note(f"note {number}"))
    assert cell.places == 1
    assert len(cell.texts[-1].splitlines()) <= MOST_LINES + 1


def test_a_callback_of_the_users_own_is_left_alone(cell: Shown) -> None:
    events: list[Any] = []
    shown_in_notebook(events.append)(Done("net"))
    assert events == [Done("net")]
    assert not cell.texts


def test_the_last_line_says_that_it_is_done(cell: Shown) -> None:
    place = Place("net: ")
    place.state(0.5, "3 s left")
    place.state(1.0, "")
    assert cell.texts == ["net: 50 % done, 3 s left", "net: done in 0 s"]


def test_watching_shows_there_too(cell: Shown) -> None:
    with sb.watching("net") as watch:
        watch(Note("Slow."))
    assert cell.texts == ["note: Slow."]


def test_charts_are_drawings_with_a_script_that_comes_once(cell: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    import altair as alt

    monkeypatch.setattr(offline, "_given", set())
    before = alt.renderers.active
    monkeypatch.setattr(offline, "vega", lambda: "window.vegaEmbed = 1;")
    try:
        chart = alt.Chart(alt.Data(values=[{"a": 1}])).mark_point().encode(x="a:Q")
        ours = chart.properties(usermeta=offline.mark())
        first, second = (ours._repr_mimebundle_()["text/html"] for _ in range(2))
        assert "<svg" in first
        assert "https://cdn" not in first
        assert (first.count("window.vegaEmbed = 1;"), second.count("window.vegaEmbed = 1;")) == (1, 0)
        assert "<svg" not in str(chart._repr_mimebundle_())  # the user's own chart is drawn as before
    finally:
        alt.renderers.enable(before)
