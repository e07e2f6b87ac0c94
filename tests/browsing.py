"""A real browser on the page: headless Chromium, one for the whole session, and none where there is none."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from seedbed.runs import RunStore
from seedbed.web import PageServer

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = ("chromium", "chromium-browser", "google-chrome")

REPORTS = """
window.reports = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.reports.push(event.violatedDirective + " " + event.blockedURI);
});
window.addEventListener("error", (event) => window.reports.push(String(event.message)));
window.addEventListener("unhandledrejection", (event) => window.reports.push(String(event.reason)));
"""


def chromium() -> str:
    """Path of the browser; skips the test where there is none."""
    pytest.importorskip("playwright", reason="playwright is not installed")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed (apt install chromium)")
    return found


@contextmanager
def launched() -> Iterator[Any]:
    """A browser, closed at the end. One is enough for a session: its library allows no second loop in this thread."""
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def served(store: RunStore) -> Iterator[str]:
    """The page of a store on a port of its own: its address without the slash at the end."""
    server = PageServer.of(store, port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.address.rstrip("/")
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()


@contextmanager
def opened(browser: Any, address: str, **look: Any) -> Iterator[Any]:
    """A fresh page; at its end nothing was fetched from elsewhere, and nothing broke a rule of the policy."""
    context = browser.new_context(**{"reduced_motion": "reduce", **look})
    context.add_init_script(REPORTS)
    page = context.new_page()
    page.set_default_timeout(10_000)
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    try:
        yield page
        problems += page.evaluate("window.reports")
    finally:
        context.close()
    foreign = [url for url in asked if not url.startswith((address, "data:", "blob:"))]
    assert not foreign
    assert not problems


def until(page: Any, expression: str, value: Any = None, seconds: float = 10.0) -> None:
    """Wait until an expression is true in the page, which allows no script but its own to look."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression, value):
        assert time.monotonic() < end, f"after {seconds} s: {expression}"
        page.wait_for_timeout(20)


def drawn(page: Any) -> None:
    """Wait until every chart of the page is drawn, or says why it is not."""
    until(page, "[...document.querySelectorAll('[data-chart-of]')].every((figure) => figure.dataset.drawn)", seconds=20)
