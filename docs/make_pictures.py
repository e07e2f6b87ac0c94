"""Makes pictures of every view of the page, light, dark and narrow: `python docs/make_pictures.py HOME FOLDER [NAME...]`.

HOME is a home with runs, NAME... the runs, groups or sweeps that are selected. Needs playwright and a Chromium.
"""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from seedbed.runs import RunStore
from seedbed.web import PageServer
from seedbed.web.views import VIEWS

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1200, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1200, "height": 800}},
    "narrow": {"color_scheme": "light", "viewport": {"width": 375, "height": 750}},
}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
DRAWN = "[...document.querySelectorAll('[data-chart-of]')].every((figure) => figure.dataset.drawn)"
LONGEST = 20.0
"""Seconds that charts may take."""


def addresses(names: list[str], first: str) -> dict[str, str]:
    """View -> the part of its address after the server's."""
    query = urlencode([("name", name) for name in names])
    listed = {view.name: f"/{view.name}?{query}" for view in VIEWS if view.listed}
    return {**listed, "run": f"/run?{urlencode({'name': first})}"}


def take(page: Any, address: str, file: Path) -> None:
    """One picture of a whole page, once its charts are drawn."""
    page.goto(address)
    for _ in range(int(LONGEST / 0.1)):
        if page.evaluate(DRAWN):
            break
        page.wait_for_timeout(100)
    page.screenshot(path=str(file), full_page=True)


def main(home: Path, folder: Path, names: list[str]) -> None:
    """Serve the home, and take a picture of each view in each look."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    server = PageServer.of(RunStore(home), port=0)
    threading.Thread(target=server.run, daemon=True).start()
    first = next(iter(RunStore(home).listing())).name
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for look, settings in LOOKS.items():
            page = browser.new_context(**settings).new_page()
            for view, address in addresses(names, first).items():
                take(page, server.address.rstrip("/") + address, folder / f"{view}-{look}.png")
        browser.close()
    server.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
