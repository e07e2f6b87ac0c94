from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import drawn, opened, served, until
from seedbed import figures
from seedbed.runs import RunStore
from seedbed.web.views import VIEWS
from web.samples import Training, home, many

PAGES = import_module("seedbed.web.application")
LISTED = [view.name for view in VIEWS if view.listed]
BOTH = "name=good&name=fair"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 800}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 375, "height": 700}},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return home(tmp_path_factory.mktemp("home"), {"good": 0.97, "fair": 0.9})


@pytest.fixture(scope="module")
def address(store: RunStore) -> Iterator[str]:
    with served(store) as found:
        yield found


@pytest.fixture(scope="module")
def axe() -> str:
    package = pytest.importorskip("axe_playwright_python", reason="axe is not installed")
    return next(Path(package.__file__).parent.rglob("axe.min.js")).read_text(encoding="utf-8")


def faults(page: Any, axe: str) -> list[str]:
    """Serious faults that axe finds, each with the first element that has it."""
    page.evaluate(axe)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in serious]


@pytest.mark.parametrize("look", LOOKS)
def test_each_view_is_whole_in_every_look(browser: Any, address: str, axe: str, look: str) -> None:
    with opened(browser, address, **LOOKS[look]) as page:
        for view in [*LISTED, "run"]:
            page.goto(f"{address}/{view}?{BOTH if view != 'run' else 'name=good.0'}")
            for fold in page.query_selector_all("details.fold"):
                fold.evaluate("(fold) => { fold.open = true; }")
            drawn(page)
            assert look == "narrow" or faults(page, axe) == [], view
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{view} is {wide} pixels too wide"


def test_settings_of_trials_lie_in_rows_on_a_narrow_screen(browser: Any, address: str) -> None:
    places = {"layers": [0.0, 1.0], "activation": [0.0, 0.25, 0.5, 0.75, 1.0]}
    ends = [{"dimension": name, "place": x, "text": f"{name} {x}"} for name, every in places.items() for x in every]
    rows = [{**end, "trial": 1, "state": "complete", "accuracy": 0.9, "value": end["text"]} for end in ends]
    spec = figures.specification(figures.search_coordinates(rows, ends))
    with opened(browser, address, **LOOKS["narrow"]) as page:
        page.goto(f"{address}/curves?{BOTH}")
        drawn(page)
        figure = page.evaluate_handle("document.querySelector('[data-chart-of]')")
        draw = "([figure, spec]) => import('/static/charts.js').then((charts) => charts.draw(figure, spec))"
        page.evaluate(draw, [figure, spec])
        box = {name: page.locator(f"svg.marks text:text-is('{name}')").last.bounding_box() for name in ("layers", "activation")}
        assert box["layers"]["x"] == box["activation"]["x"], "names stand one below the other"
        assert box["layers"]["y"] + 50 < box["activation"]["y"]
        words = [page.locator(f"svg.marks text:text-is('activation {x}')").last.bounding_box() for x in places["activation"]]
        assert [a["x"] < b["x"] for a, b in pairwise(words)] == [True] * 4
        assert all(abs(a["y"] - b["y"]) > 8 for a, b in pairwise(words)), "neighbours stand on lines of their own"
        assert figure.evaluate("(figure) => figure.querySelector('.chart').scrollWidth <= figure.clientWidth")


def test_a_training_is_seen_from_its_start_to_its_end(browser: Any, tmp_path: Path) -> None:
    with served(RunStore(tmp_path)) as address, opened(browser, address) as page:
        page.goto(f"{address}/runs")
        page.wait_for_selector(".empty")
        settings = ["-d", "--data", "digits", "--hidden", "8", "--epochs", "4"]
        command = [sys.executable, "-m", "seedbed", "train", "-m", "seen", *settings, "--home", str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tmp_path) as process:
            page.wait_for_selector("text=running", timeout=60_000)
            page.wait_for_selector("text=finished", timeout=60_000)
            assert process.wait() == 0
        assert page.locator("tbody tr").count() == 1
        assert page.locator(".spark path").count() == 1


def test_a_new_epoch_is_on_the_curves_within_a_second(browser: Any, tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    training = Training(store)
    training.epoch()
    with served(store) as address, opened(browser, address) as page:
        page.goto(f"{address}/curves?name=live")
        drawn(page)
        page.locator("summary", has_text="Numbers").click()
        for epoch in (2, 3):
            page.wait_for_timeout(300)
            training.epoch()
            seen = "(epoch) => [...document.querySelectorAll('.numbers td')].some((cell) => cell.textContent === epoch)"
            until(page, seen, str(epoch))
        training.end()


def test_a_view_takes_the_place_of_its_progress_when_all_runs_are_read(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PAGES, "PATIENCE", 0.0)
    monkeypatch.setattr(PAGES, "AHEAD_ALONE", 0.0)
    with served(many(tmp_path, 9)) as address, opened(browser, address) as page:
        page.goto(f"{address}/curves?name=many")
        assert page.locator("progress").is_visible()
        page.wait_for_selector("[data-chart-of] svg.marks", timeout=10_000)
        assert not page.locator("progress").count()
        assert page.locator(".numbers").count() == 1


def test_twenty_pages_follow_the_runs_at_once(browser: Any, tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with served(store) as address:
        context = browser.new_context()
        pages = [context.new_page() for _ in range(20)]
        for page in pages:
            page.goto(f"{address}/runs")
        training = Training(store)
        for page in pages:
            page.wait_for_selector("text=running", timeout=10_000)
        training.epoch()
        training.end()
        for page in pages:
            page.wait_for_selector("text=finished", timeout=10_000)
        context.close()


def test_a_page_finds_the_server_again(browser: Any, store: RunStore, tmp_path: Path) -> None:
    own = home(tmp_path, {"first": 0.9}, seeds=1)
    context = browser.new_context()
    page = context.new_page()
    with served(own) as address:
        page.goto(f"{address}/runs")
        page.wait_for_selector("text=first.0")
    page.wait_for_selector("text=does not answer", timeout=10_000)
    context.close()


def test_everything_is_done_by_keyboard(browser: Any, address: str) -> None:
    with opened(browser, address, **LOOKS["light"]) as page:
        page.goto(f"{address}/runs")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.focus("#filter")
        page.keyboard.type("fair")
        until(page, "document.querySelectorAll('tbody tr').length === 2")
        until(page, "location.search.includes('q=fair')")
        assert page.evaluate("document.activeElement.id") == "filter"
        page.focus("#select-fair\\.0")
        page.keyboard.press("Space")
        until(page, "location.search.includes('name=fair.0')")
        page.focus("#select-fair\\.1")
        page.keyboard.press("Space")
        until(page, "location.search.endsWith('name=fair')")  # all its seeds are one setting
        until(page, "document.querySelector('#table').innerText.includes('selected: 2')")
        page.focus("button.first")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/curves\?name=fair$"))
        drawn(page)
        page.focus(".vega-embed summary")
        page.keyboard.press("Enter")
        page.get_by_text("Save as SVG").wait_for()


def test_access_keys_switch_views_and_are_none_that_browsers_use(browser: Any, address: str) -> None:
    with opened(browser, address, **LOOKS["light"]) as page:
        page.goto(f"{address}/runs")
        protocol = page.context.new_cdp_session(page)

        def pressed_with_alt(key: str) -> None:
            """As an operating system sends it: Playwright leaves out the letter, which is what an access key is found by."""
            code = {"modifiers": 1, "key": key, "code": f"Key{key.upper()}"}
            for kind, letter in (("rawKeyDown", {}), ("char", {"text": key, "unmodifiedText": key}), ("keyUp", {})):
                protocol.send("Input.dispatchKeyEvent", {"type": kind, **code, **letter})

        pressed_with_alt("i")
        assert page.evaluate("document.activeElement.id") == "filter"
        keys = {view.name: view.key for view in VIEWS if view.listed}
        assert len({*keys.values(), "i", "s"} - set("def0123456789")) == len(keys) + 2
        first, *others = keys.items()
        for name, key in [*others, first]:  # the first is open: going there from itself is not seen
            pressed_with_alt(key)
            page.wait_for_url(re.compile(rf"/{name}\b"))
            until(page, "document.readyState === 'complete'")


def test_sorting_keeps_the_page_and_its_address(browser: Any, address: str) -> None:
    with opened(browser, address, **LOOKS["light"]) as page:
        page.goto(f"{address}/runs")
        page.evaluate("window.mark = 1")
        page.click("th a:has-text('accuracy')")
        page.wait_for_selector("th[aria-sort=ascending]")
        assert page.locator("tbody tr td:nth-child(2)").first.inner_text().startswith("fair")
        page.go_back()
        page.wait_for_selector("th[aria-sort]", state="detached")
        assert page.evaluate("window.mark") == 1


def test_a_slider_moves_the_fit(browser: Any, address: str) -> None:
    with opened(browser, address, **LOOKS["light"]) as page:
        page.goto(f"{address}/overfitting")
        drawn(page)
        before = page.inner_text("#answer")
        page.focus("#penalty")
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        until(page, "(before) => document.querySelector('#answer').innerText !== before", before)
        assert "penalty=-7" in page.url


def test_curves_are_smoothed_by_keyboard_on_a_narrow_screen(browser: Any, address: str) -> None:
    with opened(browser, address, **LOOKS["narrow"]) as page:
        page.goto(f"{address}/curves?{BOTH}")
        drawn(page)
        fits = "[...document.querySelectorAll('.chart')].every((chart) => chart.scrollWidth <= chart.clientWidth)"
        assert page.evaluate(fits)
        assert page.locator("svg.marks .role-legend text:text-is('hidden 16')").count() == 1, "no room at the ends of lines"
        assert page.locator("svg.marks text:text-is('hidden 16')").count() == 1
        page.focus("#smoothing")
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        until(page, "document.querySelector('#weight').textContent === '0.05'")
        until(page, "document.querySelector('svg.marks').textContent.includes('smoothed:')")
        assert "smoothing=0.05" in page.url
        assert page.evaluate("document.activeElement.id") == "smoothing"
        for view in (f"compare?{BOTH}", "overfitting"):  # the latter has a legend of four names
            page.goto(f"{address}/{view}")
            drawn(page)
            assert page.evaluate(fits), view


def test_settings_apart_are_small_panels_that_fit_a_narrow_screen(browser: Any, address: str) -> None:
    with opened(browser, address, **LOOKS["narrow"]) as page:
        page.goto(f"{address}/curves?{BOTH}&layout=apart")
        drawn(page)
        assert page.locator("figure.drawn").count() == 2
        assert page.locator("svg.marks text:text-is('hidden 16')").count() == 2
        assert page.evaluate(
            "[...document.querySelectorAll('.chart')].every((chart) => chart.scrollWidth <= chart.clientWidth)"
        )
        places = [page.locator(f"svg.marks text:text-is('hidden {units}')").first.bounding_box() for units in (16, 24)]
        assert places[0]["x"] == places[1]["x"], "one below the other"
        page.locator("summary", has_text="Numbers").first.click()
        assert page.locator(".numbers td:text-is('hidden 24')").count() > 12


LINES_AND_SHAPES = """async (spec) => {
  const { outlined } = await import("/static/outlined.js");
  const { line } = (await (await fetch("/static/themes.json")).json()).light;
  const options = { mode: "vega-lite", ast: true, renderer: "canvas", actions: false, defaultStyle: false, tooltip: false };
  const drawn = [];
  for (const each of [spec, outlined(spec, line)]) {
    const place = document.body.appendChild(document.createElement("div"));
    await vegaEmbed(place, { ...each, config: { line } }, options);
    const canvas = place.querySelector("canvas");
    drawn.push([...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]);
  }
  return { drawn, shapes: outlined(spec, line).concat[0].layer.map((layer) => layer.mark.type) };
}"""
"""Pixels of a specification as the page draws it, with its lines as lines and with its lines as shapes."""


@pytest.mark.parametrize("kind", ["linear", "log"])
def test_lines_of_very_many_points_are_shapes_that_look_the_same(browser: Any, address: str, kind: str) -> None:
    rough = np.exp(-np.arange(100) / 20) * (1 + 0.1 * np.random.default_rng(0).standard_normal(100))
    broken = [None if epoch in (0, 41, 43) else 0.1 + epoch / 200 for epoch in range(100)]
    epochs = list(range(100))
    rows = [{"part": "whole", "x": epochs, "mean": rough.tolist()}, {"part": "broken", "x": epochs, "mean": broken}]
    by = {"field": "part", "type": "nominal"}
    layer = {
        "mark": {"type": "line", "strokeOpacity": 0.8},
        "data": {"values": rows},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "scale": {"type": "linear", "domain": [0, 99]}, "title": "epoch"},
            "y": {"field": "mean", "type": "quantitative", "scale": {"type": kind, "domain": [0.005, 1.3], "nice": False}},
            "color": {**by, "legend": {"symbolType": "stroke"}},
            "strokeDash": {**by, "scale": {"domain": ["whole", "broken"], "range": [[6, 3], [1, 0]]}},
        },
        "transform": [{"flatten": ["x", "mean"]}],
    }
    stacked = {**layer, "mark": {"type": "line", "point": True}}
    with opened(browser, address) as page:
        page.goto(f"{address}/curves?{BOTH}")
        drawn(page)
        found = page.evaluate(LINES_AND_SHAPES, {"concat": [{"layer": [layer, stacked], "width": 300, "height": 220}]})
    assert found["shapes"] == ["line", "geoshape", "line"], "the first of them without rows, for axes and legends"
    lines, shapes = (np.array(pixels).reshape(-1, 4) for pixels in found["drawn"])
    differ = np.abs(lines - shapes).max(axis=1)
    assert (lines < 255).any(axis=1).sum() > 2_000
    assert differ.max() <= 2


def test_a_page_of_another_origin_can_neither_read_nor_change(browser: Any, address: str, tmp_path: Path) -> None:
    with served(RunStore(tmp_path)) as other:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{other}/runs")
        attempts = page.evaluate(
            """async (address) => {
              const tried = [];
              for (const [path, options] of [
                ["/api/runs", {}],
                ["/api/data/survey", {method: "POST", body: "{}", mode: "no-cors"}],
                ["/api/data/survey", {method: "POST", body: "{}", headers: {"x-seedbed-token": "x"}}],
              ]) {
                try {
                  const answer = await fetch(address + path, options);
                  tried.push(answer.type + " " + answer.status);
                } catch { tried.push("failed"); }
              }
              return tried;
            }""",
            address,
        )
        assert attempts == ["failed"] * 3
        context.close()
