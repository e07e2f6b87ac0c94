from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from figures.samples import HOSTILE
from seedbed import pages
from seedbed.devices import cache_folder
from seedbed.figures.embedding import chart_page
from seedbed.pages.bundle import vega
from seedbed.pages.rendering import code, two_lines

SPEC = {"description": HOSTILE[1], "data": {"values": [{"name": name} for name in HOSTILE]}, "mark": "point", "encoding": {}}


@pytest.fixture(scope="module")
def page() -> str:
    return chart_page(SPEC)


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
    page = pages.render("base.html.jinja", title="title")
    assert "script-src 'none'" in page
    assert "<script" not in page


def test_a_damaged_bundle_is_not_used(page: str) -> None:
    (kept,) = (cache_folder() / "figures").glob("vega-*.js")
    whole = kept.read_bytes()
    kept.write_bytes(whole[:-100])
    vega.cache_clear()
    assert chart_page(SPEC) == page
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "file"))
    vega.cache_clear()
    assert chart_page(SPEC) == page


def test_only_backticks_and_intervals_become_markup() -> None:
    assert str(code("`a < b` & <i>")) == "<code>a &lt; b</code> &amp; &lt;i&gt;"
    assert str(two_lines("97.0 (96.0 to 98.0)")) == '97.0<br><span class="quiet">(96.0 to 98.0)</span>'
    assert str(two_lines("<b> (1 to 2)")) == '&lt;b&gt;<br><span class="quiet">(1 to 2)</span>'
    assert str(two_lines("net (relu) <b>")) == "net (relu) &lt;b&gt;"


TEMPLATES = sorted((Path(pages.__file__).parent / "templates").glob("*.jinja"))


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_no_template_turns_escaping_off(file: Path) -> None:
    assert not re.search(r"\|\s*safe|autoescape", file.read_text(encoding="utf-8"))
