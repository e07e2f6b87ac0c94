"""Our JavaScript modules in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

STATIC = resources.files("seedbed.pages") / "static"
SITE = "http://modules.test/"


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
