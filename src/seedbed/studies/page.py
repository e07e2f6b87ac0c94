"""Answers as one page: self-contained, light and dark, printable. All text is escaped here, where it enters HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed import figures
from seedbed.errors import SpecError
from seedbed.figures import words
from seedbed.figures.theme import COLOURS, FONT
from seedbed.statistics import Interval
from seedbed.studies import files
from seedbed.studies.setup import Setup

if TYPE_CHECKING:
    from seedbed.groups import Difference
    from seedbed.studies.answers import Answer, Cost, Figure, Part, Table

_LIGHT, _DARK = COLOURS["light"], COLOURS["dark"]


def _colours(mode: dict[str, str]) -> str:
    named = {name: mode[name] for name in ("paper", "ink", "quiet", "grid", "axis", "accent", "contrast")}
    return " ".join(f"--{name}: {colour};" for name, colour in named.items())


STYLE = f"""
:root {{ color-scheme: light dark; {_colours(_LIGHT)} --tint: #f5f7f9; }}
@media (prefers-color-scheme: dark) {{ :root {{ {_colours(_DARK)} --tint: #1b2027; }} }}
* {{ box-sizing: border-box; }}
html {{ scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }}
body {{ margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 {FONT}; }}
.frame {{ max-width: 78rem; margin: 0 auto; padding: 2.2rem 1.5rem 4rem;
  display: grid; grid-template-columns: minmax(0, 1fr); gap: 0 3rem; }}
h1 {{ font-size: 2.1rem; line-height: 1.15; margin: 0 0 0.4rem; letter-spacing: -0.01em; }}
h2 {{ font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.3rem; letter-spacing: -0.005em; }}
h3 {{ font-size: 1.12rem; line-height: 1.35; margin: 0 0 0.5rem; }}
h4 {{ font-size: 0.82rem; margin: 1.2rem 0 0.3rem; color: var(--quiet); font-weight: 600; }}
p, li {{ max-width: 44rem; }}
p {{ margin: 0 0 0.6rem; }}
ul {{ margin: 0 0 0.6rem; padding-left: 1.15rem; }}
li {{ margin: 0 0 0.35rem; }}
a {{ color: var(--accent); }}
code {{ font: 0.9em/1.4 "Liberation Mono", Menlo, Consolas, monospace; background: var(--tint); padding: 0.1em 0.35em;
  border-radius: 3px; overflow-wrap: anywhere; }}
pre {{ margin: 0 0 0.6rem; padding: 0.7rem 0.9rem; background: var(--tint); border-radius: 5px; white-space: pre-wrap;
  max-width: 44rem; }}
pre code {{ padding: 0; background: none; }}
header p {{ color: var(--quiet); }}
.preview {{ display: inline-block; border: 1px solid var(--contrast); color: var(--contrast); border-radius: 3px;
  padding: 0.1rem 0.5rem; font-size: 0.85rem; margin: 0 0 0.8rem; }}
nav {{ font-size: 0.95rem; margin: 1rem 0 0; }}
nav ol {{ list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; }}
nav ol ol {{ display: none; }}
nav a {{ color: var(--quiet); text-decoration: none; }}
nav a:hover {{ color: var(--accent); text-decoration: underline; }}
main > section {{ border-top: 1px solid var(--grid); padding-top: 1.8rem; margin-top: 2.4rem; }}
.part {{ margin-top: 2rem; }}
.part + .part {{ border-top: 1px dashed var(--grid); padding-top: 1.6rem; }}
.lead {{ font-size: 1.06rem; }}
.quiet, figcaption, caption {{ color: var(--quiet); font-size: 0.9rem; }}
td .quiet {{ font-size: 0.92em; white-space: nowrap; }}
.question {{ color: var(--quiet); font-size: 1.05rem; }}
.limits {{ border-left: 3px solid var(--contrast); padding: 0.1rem 0 0.1rem 0.9rem; margin: 0.9rem 0; font-size: 0.93rem; }}
.notes {{ border-left: 3px solid var(--accent); padding: 0.1rem 0 0.1rem 0.9rem; margin: 0.9rem 0; }}
.short {{ padding-left: 0; list-style: none; }}
.short > li {{ margin-bottom: 1rem; }}
.short ul {{ list-style: disc; }}
.short b a {{ color: inherit; text-decoration: none; }}
figure {{ margin: 1rem 0 0.6rem -14px; break-inside: avoid; }}
figcaption {{ margin: 0 0 0 14px; max-width: 44rem; }}
.chart, .vega-embed {{ display: block !important; width: 100%; }}
.chart svg {{ max-width: 100%; height: auto; }}
.vega-embed {{ padding-right: 0 !important; }}
.vega-embed summary {{ opacity: 0.35 !important; }}
.scroll {{ overflow-x: auto; margin: 0.8rem 0; }}
table {{ border-collapse: collapse; font-size: 0.86rem; line-height: 1.35; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; padding: 0 0 0.35rem; max-width: 44rem; }}
th, td {{ text-align: right; padding: 0.28rem 0.9rem 0.28rem 0; vertical-align: top; border-bottom: 1px solid var(--grid); }}
th {{ font-weight: 600; border-bottom: 1px solid var(--axis); vertical-align: bottom; }}
th.left, td.left {{ text-align: left; }}
tr {{ break-inside: avoid; }}
thead {{ display: table-header-group; }}
footer {{ color: var(--quiet); font-size: 0.9rem; margin-top: 2.5rem; border-top: 1px solid var(--grid); padding-top: 1rem; }}
@media (min-width: 76rem) {{
  .frame {{ grid-template-columns: 13rem minmax(0, 1fr); }}
  nav {{ position: sticky; top: 1.5rem; align-self: start; max-height: calc(100vh - 3rem);
    overflow-y: auto; margin: 0.6rem 0 0; }}
  nav ol {{ display: block; }}
  nav ol ol {{ display: block; padding-left: 0.8rem; font-size: 0.86rem; }}
  nav li {{ margin: 0 0 0.45rem; line-height: 1.35; }}
}}
@media print {{
  @page {{ margin: 14mm 13mm; }}
  :root {{ {_colours(_LIGHT)} --tint: #f5f7f9; }}
  html {{ font-size: 10pt; }}
  body {{ font-size: 1rem; }}
  body[data-drawn="dark"] .chart svg {{ filter: invert(1) hue-rotate(180deg); }}
  .frame {{ display: block; max-width: none; padding: 0; }}
  nav, .vega-embed details {{ display: none !important; }}
  main > section.study {{ break-before: page; border-top: none; margin-top: 0; padding-top: 0; }}
  main > section.study:first-child {{ break-before: auto; }}
  h2, h3, h4, caption {{ break-after: avoid; }}
  p, li, .limits {{ orphans: 3; widows: 3; }}
  .scroll {{ overflow: visible; }}
  table {{ font-size: 7.4pt; }}
  th, td {{ padding-right: 0.5rem; }}
  figure {{ margin-left: 0; }}
  .chart svg {{ max-height: 235mm; width: auto; }}
  a {{ color: inherit; text-decoration: none; }}
}}
"""


@dataclass(frozen=True)
class Section:
    """A section of a page: its anchor, its heading, and HTML whose text is escaped."""

    anchor: str
    heading: str
    body: str
    below: Sequence[tuple[str, str]] = ()
    kind: str = ""


@dataclass
class Charts:
    """The charts of a page in the order in which they are placed."""

    figures: list[Figure] = field(default_factory=list)

    def place(self, figure: Figure) -> str:
        self.figures.append(figure)
        caption = f"<figcaption>{html.escape(figure.caption)}</figcaption>" if figure.caption else ""
        return f'<figure id="{html.escape(figure.name)}">{figures.place(len(self.figures) - 1)}{caption}</figure>'


def document(title: str, intro: str, sections: Sequence[Section], charts: Charts, footer: str) -> str:
    """The whole page.

    Args:
        title: plain text.
        intro, footer: HTML whose text is escaped.
    """
    body = [
        '<div class="frame">',
        f"<nav aria-label='Contents'><ol>{''.join(map(_link, sections))}</ol></nav>",
        f"<div><header><h1>{html.escape(title)}</h1>{intro}</header><main>",
        *(
            f'<section id="{one.anchor}" class="{one.kind}"><h2>{html.escape(one.heading)}</h2>{one.body}</section>'
            for one in sections
        ),
        f"</main><footer>{footer}</footer></div></div>",
    ]
    specs = [figure.specification for figure in charts.figures]
    return figures.page(title, "\n".join(body), specs, style=STYLE)


def _link(section: Section) -> str:
    below = "".join(f'<li><a href="#{anchor}">{html.escape(text)}</a></li>' for anchor, text in section.below)
    inner = f"<ol>{below}</ol>" if below else ""
    return f'<li><a href="#{section.anchor}">{html.escape(section.heading)}</a>{inner}</li>'


def study_section(answer: Answer, charts: Charts, before: str = "", after: str = "") -> Section:
    """One study: its parts, what limits them, how to repeat it and what it cost.

    Args:
        before, after: HTML to stand before the answers and after them: the reader's own notes.
    """
    parts = "".join(_part(answer.name, part, charts) for part in answer.parts)
    body = [
        f'<p class="question">{html.escape(answer.question)}</p>',
        before,
        parts,
        limits(answer.marks),
        after,
        "<h4>To repeat it</h4>",
        f"<pre><code>{html.escape(answer.command)}</code></pre>",
        f'<p class="quiet">{html.escape(cost_text(answer.cost))}</p>',
    ]
    below = [(f"{answer.name}-{part.name}", _short(part.question)) for part in answer.parts]
    return Section(answer.name, answer.title, "".join(body), below, "study")


def _short(question: str) -> str:
    return question if len(question) <= 60 else question[:57].rsplit(" ", 1)[0] + " ..."


def _part(study: str, part: Part, charts: Charts) -> str:
    first, *others = part.answer or ("Not answered.",)
    return "".join(
        [
            f'<div class="part" id="{study}-{html.escape(part.name)}"><h3>{html.escape(part.question)}</h3>',
            f'<p class="lead">{sentence(first)}</p>',
            paragraphs(others),
            f'<p class="quiet"><b>Method.</b> {sentence(part.method)}</p>',
            *(charts.place(figure) for figure in part.figures),
            *(table(one) for one in part.tables),
            contrast_table(part.contrasts),
            f"<h4>Why</h4>{bullets(part.why)}" if part.why else "",
            f"<h4>Published</h4>{bullets(part.published)}" if part.published else "",
            limits(part.marks),
            "</div>",
        ]
    )


def sentence(said: str) -> str:
    """A sentence as HTML; what stands between backticks is code.

    >>> sentence("`seedbed smallest` finds nets < 1,000.")
    '<code>seedbed smallest</code> finds nets &lt; 1,000.'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(said))


def paragraphs(sentences: Iterable[str]) -> str:
    return "".join(f"<p>{sentence(said)}</p>" for said in sentences)


def bullets(sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{sentence(said)}</li>" for said in sentences)
    return f"<ul>{items}</ul>" if items else ""


def limits(sentences: Sequence[str]) -> str:
    return f'<div class="limits">{bullets(sentences)}</div>' if sentences else ""


def table(one: Table) -> str:
    sides = [("left" if side == "left" else "") for side in one.columns.values()]
    head = "".join(
        f'<th class="{side}" scope="col">{html.escape(text)}</th>' for text, side in zip(one.columns, sides, strict=True)
    )
    rows = "".join(
        "<tr>" + "".join(f'<td class="{side}">{_cell(str(cell))}</td>' for cell, side in zip(row, sides, strict=True)) + "</tr>"
        for row in one.rows
    )
    caption = f"<caption>{html.escape(one.caption)}</caption>" if one.caption else ""
    return f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(text: str) -> str:
    """A mean with its interval on two lines, so that columns stay narrow."""
    found = re.fullmatch(r"([^ ()]+) (\([^()]+\))", text)
    return f'{html.escape(found[1])}<br><span class="quiet">{html.escape(found[2])}</span>' if found else html.escape(text)


def contrast_table(contrasts: Sequence[Difference]) -> str:
    """The comparisons that were announced beforehand, with their 95 % intervals and corrected p-values."""
    from seedbed.studies.answers import Table

    if not contrasts:
        return ""
    rows = []
    for one in contrasts:
        measure, decision = one.contrast.measure, one.decision
        difference = [""] * 3
        if decision:
            mean, low, high = (f"{measure.factor * value:+.{measure.digits}f}" for value in _ends(decision.interval))
            difference = [mean, f"{low} to {high}", f"{decision.corrected_p:.2g}"]
        unit = f"{measure.name} ({measure.unit})" if measure.unit else measure.name
        rows.append([" minus ".join(one.contrast.names), one.contrast.where, unit, *difference, one.outcome])
    columns = ["named beforehand", "where", "difference in", "mean", "95 % interval", "corrected p", "verdict"]
    left = ("named beforehand", "where", "difference in", "verdict")
    caption = (
        "Comparisons that were announced before anything was trained: 95 % intervals; p-values and verdicts after Holm's "
        "correction."
    )
    return table(Table({name: "left" if name in left else "right" for name in columns}, rows, caption))


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.mean, interval.low, interval.high


def cost_text(cost: Cost) -> str:
    """What it took, in one line."""
    said = []
    if cost.runs:
        spent = f"{seconds_text(cost.seconds)} of workers' time, {words.percent(cost.compile_share, 0)} of it compiling"
        said.append(f"{words.counted(cost.runs, 'run')} on {words.listed(list(cost.devices))}; {spent}")
        said.append(f"{quantity(cost.operations)} operations of training")
        if cost.rate:
            said.append(f"{quantity(cost.rate)} operations a second and worker")
    if cost.beside:
        said.append(f"{seconds_text(cost.beside)} of computing and measuring beside the runs")
    return "Cost: " + "; ".join(said or ["next to nothing"]) + "."


def seconds_text(seconds: float) -> str:
    """
    >>> seconds_text(0.4), seconds_text(75), seconds_text(7300)
    ('0.4 s', '75 s', '2 h 2 min')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def quantity(number: float) -> str:
    """
    >>> quantity(2.5e12), quantity(3.2e9)
    ('2.5 x 10^12', '3.2 x 10^9')
    """
    if number < 1e6:
        return f"{number:,.0f}"
    mantissa, _, exponent = f"{number:.1e}".partition("e")
    return f"{mantissa} x 10^{int(exponent)}"


def intro(setup: Setup) -> str:
    """What the page rests on, under its title."""
    facts, protocol = setup.facts, setup.data.protocol
    validation = "test images, called validation (handout protocol)" if protocol == "handout" else "validation images"
    n = words.counted(len(setup.seeds), "seed")
    said = (
        f"{setup.data.name}: {facts.train:,} training and {facts.validation:,} {validation}, {len(facts.classes)} classes. "
        f"{n} a setting, paired; intervals are 95 %, over {setup.chance} where they are of accuracies at the best epoch."
    )
    badge = '<span class="preview">a preview: --quick trains fewer seeds, epochs and settings</span>' if setup.quick else ""
    return f"<p>{html.escape(said)}</p>{badge}"


def checked_page(path: Path) -> Path:
    """The path, if a page can be written there.

    Raises:
        SpecError: it does not end in .html, or is a folder.
    """
    if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
        raise SpecError(
            f"{path}: a page is a file that ends in .html; its figures and tables go into the folder {path.stem} beside it."
        )
    return path


def save(answers: Sequence[Answer], path: Path) -> dict[str, list[Path]]:
    """Answers as a page, and beside it a folder of the same name with figures, results.csv and results.json.

    Raises:
        SpecError: this is no path for a page.
        StorageError: a file could not be written.
    """
    checked_page(path)
    charts = Charts()
    sections = [study_section(answer, charts) for answer in answers]
    title = f"{words.listed([answer.title for answer in answers])} on {answers[0].setup.data.name}"
    footer = f"Made by <code>{html.escape(' && '.join(answer.command for answer in answers))}</code>."
    text = document(title, intro(answers[0].setup), sections, charts, footer)
    return files.save(answers, path, text, {"studies": [answer.as_json() for answer in answers]})


def anchor(text: str) -> str:
    """
    >>> anchor("Test ledger")
    'test-ledger'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
