"""Templates rendered to HTML.

Two locks keep text from becoming code: Jinja2 escapes every value where it enters the page, and the page's content security
policy lets only the scripts run whose digests it names.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from seedbed import words
from seedbed.pages.bundle import vega
from seedbed.pages.glossary import TERMS, terms
from seedbed.palette import COLOURS, FONT

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


@dataclass(frozen=True)
class Charts:
    """The charts of a page, drawn for a light or a dark page as the reader prefers.

    Attributes:
        specs: name -> Vega-Lite without a configuration, finite JSON values.
        themes: "light" and "dark" -> the configuration of all charts.
    """

    specs: Mapping[str, Mapping[str, Any]]
    themes: Mapping[str, Mapping[str, Any]]


def render(template: str, charts: Charts | None = None, *, scripts: Sequence[str] = (), **values: Any) -> str:
    """A whole HTML document.

    Args:
        template: name of a file in `templates/`.
        charts: the charts that the template places by their names.
        scripts: further scripts of ours, which run at the document's end.
        values: what else the template reads; all text in it is escaped.
    """
    scripts = [*([vega(), text_of(environment(), "draw.js")] if charts and charts.specs else []), *scripts]
    document = environment().get_template(template)
    return document.render(values, charts=charts, policy=_policy(scripts), scripts=list(map(_safe, scripts)))


def _policy(scripts: Sequence[str]) -> Markup:
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    rest = "img-src data: blob:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return _safe(f"default-src 'none'; {rest}; script-src {allowed}")


@cache
def environment(*packages: str) -> Environment:
    """The environment of all pages: everything is escaped, and a name that a template lacks is an error.

    Args:
        packages: packages with a folder `templates` of their own, which is searched before the one here.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(package) for package in (*packages, "seedbed.pages")])
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "allow_nan": False, "separators": (",", ":")}
    made.filters |= {"code": code, "two_lines": two_lines, "explained": explained}
    made.globals |= {
        "text_of": lambda name: _safe(text_of(made, name)),
        "colours": COLOURS,
        "font": FONT,
        "zip": zip,
        "glossary": TERMS,
    }
    return made


def text_of(of: Environment, name: str) -> str:
    """The text of a style or script of ours, as it stands."""
    assert of.loader
    return of.loader.get_source(of, name)[0]


def _safe(text: str) -> Markup:
    """Text of ours that may stand in a page as it is."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704  # never text from outside


def code(sentence: str) -> Markup:
    """A sentence in which what stands between backticks is code.

    >>> code("`seedbed smallest` finds nets < 1,000.")
    Markup('<code>seedbed smallest</code> finds nets &lt; 1,000.')
    """
    from markupsafe import escape

    plain = str(escape(sentence)).replace(" %", "\N{NO-BREAK SPACE}%")
    return _safe(words.with_code(plain))


def explained(sentence: str) -> Markup:
    """A sentence as `code` gives it, with explanations at the terms of the glossary."""
    return _safe(terms(str(code(sentence))))


def two_lines(cell: str) -> Markup:
    """A mean with its interval on two lines, so that columns stay narrow.

    >>> two_lines("97.0 (96.0 to 98.0)")
    Markup('97.0<br><span class="quiet">(96.0 to 98.0)</span>')
    """
    from markupsafe import escape

    return _safe(re.sub(r"^([^ ()]+) (\([^()]+\))$", r'\1<br><span class="quiet">\2</span>', str(escape(cell))))
