"""A headless Chromium, for what only a browser shows; without one these tests are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STATIC = resources.files("seedbed.pages") / "static"
SITE = "http://modules.test/"


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser that is closed at the end of the session."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("There is no Chromium here")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def modules(browser: Any) -> Iterator[Any]:
    """An empty page of a site whose only files are our JavaScript modules."""
    page = browser.new_page()

    def answer(route: Any) -> None:
        name = route.request.url.removeprefix(SITE)
        if name:
            route.fulfill(body=(STATIC / name).read_text(), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html><title>Modules</title>", content_type="text/html")

    page.route("**/*", answer)
    page.goto(SITE)
    yield page
    page.close()
