"""The class: what many students expected of the planned comparisons, against what came out; without names unless asked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seedbed import figures, pages, storage, words
from seedbed.errors import SpecError
from seedbed.report.notes import EXPECTATIONS, read_notes
from seedbed.tables import Column, Table

MOST_FILES = 1_000
MOST_BYTES = 50_000_000
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class HandIn:
    """What one student handed in.

    Attributes:
        name: name of the student's file or folder in the class's folder, for a teacher who asks for names.
        expected: planned comparison -> expectation.
        before: study -> the student's own words.
        outcomes: planned comparison -> what came out of the student's own report; empty for a worksheet alone.
    """

    name: str
    expected: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, Sequence[str]] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)

    def joined(self, other: HandIn) -> HandIn:
        """The student with a further file."""
        return HandIn(
            self.name,
            {**self.expected, **other.expected},
            {**self.before, **other.before},
            {**self.outcomes, **other.outcomes},
        )


@dataclass(frozen=True)
class Compared:
    """One planned comparison: the number of students by what they expected, and of reports by what came out."""

    name: str
    expected: Counter[str]
    outcomes: Counter[str]

    @property
    def outcome(self) -> str:
        """The most frequent outcome of the reports; empty where there is no report."""
        return self.outcomes.most_common(1)[0][0] if self.outcomes else ""

    @property
    def right(self) -> int:
        """Number of students whose expectation came out."""
        return self.expected[self.outcome] if self.outcome in EXPECTATIONS else 0


@dataclass(frozen=True)
class Classroom:
    """All that a class handed in."""

    students: Sequence[HandIn]
    names: bool = False

    @property
    def compared(self) -> list[Compared]:
        """The planned comparisons that anybody expected something of, in the order of the first report or worksheet."""
        order = dict.fromkeys(name for student in self.students for name in (*student.outcomes, *student.expected))
        counted = [
            Compared(
                name,
                Counter(student.expected[name] for student in self.students if name in student.expected),
                Counter(student.outcomes[name] for student in self.students if name in student.outcomes),
            )
            for name in order
        ]
        return [each for each in counted if each.expected]

    @property
    def sentences(self) -> list[str]:
        """The class in a few sentences: how many predicted something, and where most were mistaken."""
        compared = self.compared
        predicted = sum(bool(student.expected or student.before) for student in self.students)
        comparisons = words.counted(len(compared), "comparison")
        said = [f"{words.counted(predicted, 'student')} with predictions, of {comparisons}."]
        decided = [each for each in compared if each.outcome in EXPECTATIONS]
        if decided:
            right, total = sum(each.right for each in decided), sum(each.expected.total() for each in decided)
            said.append(
                f"Of {total:,} predictions with a clear outcome {right:,} came true ({words.percent(right / total, 0)})."
            )
            hardest = min(decided, key=lambda each: each.right / each.expected.total())
            said.append(f"Fewest were right on: {hardest.name} ({hardest.right} of {hardest.expected.total()}).")
        return said

    def table(self) -> Table[Compared]:
        """Counts by comparison."""

        def expected(expectation: str) -> Column[Compared]:
            return Column(f"expected {expectation}", lambda each: each.expected[expectation])

        columns: list[Column[Compared]] = [
            Column("comparison", lambda each: each.name, align="left"),
            *map(expected, EXPECTATIONS),
            Column("came out", lambda each: each.outcome or "no report", align="left"),
            Column("right", lambda each: each.right if each.outcome in EXPECTATIONS else None),
        ]
        return Table(columns, self.compared, "Students by what they expected of the first network, against the second.")

    def own_words(self) -> dict[str, list[str]]:
        """Study -> what students wrote before; with their names only where these were asked for."""
        said: dict[str, list[str]] = {}
        for student in self.students:
            for study, paragraphs in student.before.items():
                who = f"{student.name}: " if self.names else ""
                said.setdefault(study, []).extend(f"{who}{text}" for text in paragraphs)
        return said

    def as_json(self) -> dict[str, Any]:
        compared = [
            {"name": each.name, "expected": dict(each.expected), "outcomes": dict(each.outcomes), "right": each.right}
            for each in self.compared
        ]
        plain: dict[str, Any] = {"students": len(self.students), "comparisons": compared, "sentences": self.sentences}
        return {**plain, "names": [student.name for student in self.students]} if self.names else plain

    def save(self, page: Path) -> list[Path]:
        """Write the page.

        Raises:
            SpecError: no student predicted anything.
            StorageError: it could not be written.
        """
        compared = self.compared
        if not compared:
            raise SpecError(
                "No worksheet has a ticked box, so there is nothing to count. `seedbed report --worksheet` writes an empty one."
            )
        shares = [
            ("", f"{each.name} (came out: {each.outcome or 'no report'})", expectation, count / each.expected.total())
            for each in compared
            for expectation, count in ((expectation, each.expected[expectation]) for expectation in EXPECTATIONS)
        ]
        title = "What the class expected, and what came out"
        chart = figures.share_table(shares, title, [self.sentences[0]], rows="", columns="share of the students who expected")
        charts = figures.embedded({"class": figures.specification(chart)})
        command = "seedbed report --class"
        document = pages.render("classroom.html.jinja", charts, title=title, classroom=self, command=command)
        storage.write(page, document.encode())
        return [page]


def read_class(folder: Path, studies: Sequence[str], *, names: bool = False) -> Classroom:
    """Read what a class handed in: worksheets (`*.md`) and reports' `results.json`, at any depth.

    What lies in one folder within the class's folder belongs to one student.

    Args:
        studies: names of the studies that a worksheet may have.
        names: whether the page may show names of files.

    Raises:
        SpecError: there is nothing of the kind, too much of it, or a file cannot be read.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix == ".md" or path.name.endswith("results.json"))
    if not folder.is_dir() or not files:
        raise SpecError(f"--class {folder}: there is no worksheet (.md) and no results.json in it.")
    if len(files) > MOST_FILES:
        raise SpecError(f"--class {folder}: it holds {len(files):,} files of students; {MOST_FILES:,} at most are read.")
    students: dict[str, HandIn] = {}
    for path in files:
        handed_in = _handed_in(path, path.relative_to(folder).parts[0].removesuffix(".md"), studies)
        students[handed_in.name] = students.get(handed_in.name, HandIn(handed_in.name)).joined(handed_in)
    return Classroom(list(students.values()), names)


def _handed_in(path: Path, name: str, studies: Sequence[str]) -> HandIn:
    if path.suffix == ".md":
        notes, outcomes = read_notes(path, studies).as_json(), {}
    else:
        results = _results(path)
        notes, outcomes = results.get("notes") or {}, _outcomes(results)
    expected = {comparison: each for by_name in notes.get("expected", {}).values() for comparison, each in by_name.items()}
    return HandIn(name, expected, notes.get("before", {}), outcomes)


def _results(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SpecError(f"{path}: a results.json has {MOST_BYTES:,} bytes at most.")
        results = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"{path}: it is no results.json of a report ({type(error).__name__}).") from None
    if not (isinstance(results, dict) and isinstance(results.get("studies"), list)):
        raise SpecError(f"{path}: it is no results.json of a report: it has no studies.")
    return results


def _outcomes(results: Mapping[str, Any]) -> dict[str, str]:
    """Planned comparison -> "better", "worse", "the same" where equivalence is shown, or "not shown"."""
    contrasts = [each for study in results["studies"] for part in study.get("parts", ()) for each in part.get("contrasts", ())]
    return {each["name"]: _outcome(each) for each in contrasts if each.get("difference") is not None}


def _outcome(contrast: Mapping[str, Any]) -> str:
    if (contrast.get("corrected_p") or 1.0) < SIGNIFICANT:
        return "better" if contrast["difference"] > 0 else "worse"
    equivalent = contrast.get("equivalent") or {}
    return "the same" if isinstance(equivalent, Mapping) and equivalent.get("shown") else "not shown"
