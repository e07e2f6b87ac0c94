from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from figures.samples import HOSTILE
from seedbed.devices import cache_folder
from seedbed.figures import pages

SPEC = {"description": HOSTILE[1], "data": {"values": [{"name": name} for name in HOSTILE]}, "mark": "point", "encoding": {}}


@pytest.fixture(scope="module")
def page() -> str:
    return pages.chart_page(SPEC)


def test_text_cannot_leave_the_place_where_it_is_data(page: str) -> None:
    outside = page
    for script in re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL):
        outside = outside.replace(script, "")
    assert not any(name in outside for name in HOSTILE)
    (data,) = re.findall(r'<script type="application/json" id="chart-0">(.*?)</script>', outside)
    assert not set("<>&") & set(data)
    assert json.loads(data)["data"] == SPEC["data"]


def test_only_the_pages_own_scripts_may_run_and_nothing_may_be_fetched(page: str) -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digests = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts}
    assert len(scripts) == 2
    assert set(re.findall(r"'sha256-([^']*)'", policy)) == digests
    assert policy.startswith("default-src 'none';")
    assert "unsafe-inline" not in policy.split("script-src")[1]


def test_a_page_without_charts_has_no_script() -> None:
    page = pages.page("title", "<p>text</p>")
    assert "script-src 'none'" in page
    assert "<script" not in page


def test_a_damaged_bundle_is_not_used(page: str) -> None:
    (kept,) = (cache_folder() / "figures").glob("vega-*.js")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-100])
    pages._bundle.cache_clear()
    assert pages.chart_page(SPEC) == page
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "file"))
    pages._bundle.cache_clear()
    assert pages.chart_page(SPEC) == page
