"""The documentation as a site: Sphinx, MyST, and tutorial pages whose cells are run. `python start.py docs` builds it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src" / "seedbed"
KEPT = HERE / "_build"


def digest_of_sources() -> str:
    """A digest of all that decides what the cells of the tutorial give."""
    files = sorted([*SOURCE.rglob("*.py"), *HERE.glob("tutorial/*.md"), HERE / "site_cells.py"])
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]


def kept_results() -> Path:
    """The folder of cells' results and runs of these very sources; those of other sources are removed."""
    now = KEPT / f"cells-{digest_of_sources()}"
    for other in KEPT.glob("cells-*"):
        if other != now:
            shutil.rmtree(other)
    return now


RESULTS = kept_results()
sys.path.insert(0, str(HERE))
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])  # of the kernels
os.environ["SEEDBED_HOME"] = str(RESULTS / "runs")

project = "seedbed"
author = "the authors of seedbed"
version = release = re.findall(r'^__version__ = "(.+)"', (SOURCE / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)[0]

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
exclude_patterns = ["_build"]
source_suffix = {".md": "myst-nb"}

myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
myst_links_external_new_tab = False

nb_execution_mode = "cache"
nb_execution_cache_path = str(RESULTS / "cells")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_number_source_lines = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "show-inheritance": False}
autodoc_mock_imports: list[str] = []
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_param = True
napoleon_preprocess_types = False
napoleon_custom_sections = [("Source", "notes_style")]

nitpicky = True
nitpick_ignore_regex = [("py:.*", r".*")]
"""References that docstrings make in passing; links between pages are always checked."""

html_theme = "furo"
html_title = f"seedbed {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_show_copyright = False
html_copy_source = False
html_show_search_summary = False  # a page on the disk cannot fetch other pages
pygments_style = "friendly"
pygments_dark_style = "github-dark"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#005b8f", "color-brand-content": "#005b8f"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}


def setup(app: Sphinx) -> None:
    """Docstrings as this project writes them, made readable for Sphinx; and a site that fetches nothing."""
    import site_docstrings
    import site_offline

    app.connect("autodoc-process-docstring", site_docstrings.tidy)
    app.connect("build-finished", site_offline.check)
