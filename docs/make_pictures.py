"""Makes pictures of every view of the page, light, dark and narrow: `python docs/make_pictures.py HOME FOLDER [NAME...]`.

HOME is a home with runs, NAME... the runs, groups or sweeps that are selected. With `--site REPORT.html`, the pictures of the
documentation are written into docs/pictures too: some views, and the cards of that report. Needs playwright and a Chromium.

The pictures there are made from these runs:

    seedbed train -m plain -d --data digits --seeds 5 --epochs auto
    seedbed train -m tiny -d --data digits --seeds 5 --epochs auto --hidden 4
    seedbed sweep -m widths --data digits --epochs auto --seeds 3 --set hidden=8 --set hidden=32 --set activation=relu,tanh
    seedbed report --quick --data digits --home elsewhere
    python docs/make_pictures.py runs /tmp/pictures plain tiny --site report.html
"""

from __future__ import annotations

import argparse
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from PIL import Image

from seedbed.runs import RunStore
from seedbed.web import PageServer
from seedbed.web.views import VIEWS

SITE = Path(__file__).with_name("pictures")
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 800}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 375, "height": 750}},
}
SHOWN = {
    "runs": "light",
    "compare": "light",
    "mistakes": "dark",
    "inside": "light",
    "overfitting": "dark",
}
"""View -> the look of its picture in the documentation."""
HIGHEST = 960
"""Height at which a picture of the documentation is cut (pixels)."""
CARDS = 4
"""Cards of a report in the documentation's picture, two in a row."""
COLOURS = 256
"""Colours of a picture of the documentation, which makes it a third as large."""
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
DRAWN = """[...document.querySelectorAll('[data-chart-of]')].every((figure) => figure.dataset.drawn)
  && !document.querySelector('[data-unread], [data-networks]:not([data-networks="[]"]):empty')"""
LONGEST = 20.0
"""Seconds that charts may take."""


def addresses(names: Sequence[str], first: str) -> dict[str, str]:
    """View -> the part of its address after the server's."""
    query = urlencode([("name", name) for name in names])
    listed = {view.name: f"/{view.name}?{query}" for view in VIEWS if view.listed}
    return {**listed, "run": f"/run?{urlencode({'name': first})}"}


def take(page: Any, address: str, file: Path) -> None:
    """One picture of a whole page, once its charts are drawn, on a screen that is high enough for all of it."""
    page.goto(address)
    for _ in range(int(LONGEST / 0.1)):
        if page.evaluate(DRAWN):
            break
        page.wait_for_timeout(100)
    width = page.viewport_size["width"]
    height = page.viewport_size["height"]
    page.set_viewport_size({"width": width, "height": max(height, page.evaluate("document.documentElement.scrollHeight"))})
    page.screenshot(path=str(file))
    page.set_viewport_size({"width": width, "height": height})


def views(browser: Any, home: Path, folder: Path, names: Sequence[str]) -> None:
    """Serve the home, and take a picture of each view in each look."""
    server = PageServer.of(RunStore(home), port=0)
    threading.Thread(target=server.run, daemon=True).start()
    first = next(iter(RunStore(home).listing())).name
    for look, settings in LOOKS.items():
        page = browser.new_context(**settings).new_page()
        for view, address in addresses(names, first).items():
            take(page, server.address.rstrip("/") + address, folder / f"{view}-{look}.png")
    server.stop()


def cards(browser: Any, report: Path, file: Path) -> None:
    """The first cards of a report."""
    page = browser.new_context(color_scheme="light", viewport={"width": 900, "height": 1250}).new_page()
    page.goto(report.resolve().as_uri())
    page.wait_for_timeout(3000)
    place = page.locator(".cards").first.bounding_box()
    last = page.locator(".cards .card").nth(CARDS - 1).bounding_box()
    page.screenshot(path=str(file), clip={**place, "height": last["y"] + last["height"] - place["y"] + 1}, full_page=True)


def light(source: Path, target: Path) -> None:
    """A picture for the documentation: no higher than necessary, in few colours."""
    with Image.open(source) as picture:
        whole = picture.convert("RGB")
    whole.crop((0, 0, whole.width, min(whole.height, HIGHEST))).quantize(COLOURS).save(target, optimize=True)


def main() -> None:
    """Take the pictures that are asked for."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--site", type=Path, metavar="REPORT.html")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        views(browser, asked.home, asked.folder, asked.names)
        if asked.site:
            cards(browser, asked.site, asked.folder / "cards.png")
            light(asked.folder / "cards.png", SITE / "cards.png")
            for view, look in SHOWN.items():
                light(asked.folder / f"{view}-{look}.png", SITE / f"page-{view}.png")
        browser.close()


if __name__ == "__main__":
    main()
