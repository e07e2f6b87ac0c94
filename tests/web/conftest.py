from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from web.browsing import browser_of_session, chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    chromium()
    with browser_of_session() as found:
        yield found
