"""`seedbed smallest` on the command line: what it prints, what it asks for, and what users get wrong."""

from __future__ import annotations

import json
import math
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from seedbed.cli.frame import run
from seedbed.sizing import Attempt, Candidate, SizingTerms, Smallest
from seedbed.sizing.effort import EFFORTS
from seedbed.specs import DataSpec, Dense, Plan
from seedbed.statistics import Interval

SIZING = import_module("seedbed.sizing")
SEEDS = (1000, 1001, 1002, 1003, 1004)


def candidate(units: int) -> Candidate:
    return Candidate(Dense(hidden=(units,)), Plan(epochs=20, schedule="cosine", l2=1e-4))


def claim(units: int, low: float | None) -> Attempt:
    accuracy = None if low is None else Interval(low + 0.005, low, low + 0.01, 5)
    return Attempt(candidate(units), "claim", f"s-{units}", 100 * units, SEEDS, accuracy, 0 if accuracy else 2, 1.0)


def answer(*claims: Attempt, stopped: bool = False) -> Smallest:
    return Smallest("s", 0.95, DataSpec(name="digits"), [tried(10), tried(20)], claims, stopped)


def tried(units: int) -> Attempt:
    accuracy = Interval(0.9 + units / 1000, math.nan, math.nan, 1)
    return Attempt(candidate(units), "size", f"t-{units}", 100 * units, (0,), accuracy, 0, 1.0)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Calls the command in a folder of its own; the search gives the answer, and what it was asked for is kept."""
    monkeypatch.chdir(tmp_path)

    def called(found: Smallest | None, *arguments: str) -> tuple[int, str, str, dict[str, Any]]:
        asked: dict[str, Any] = {}

        def answered(terms: SizingTerms, execution: Any, *, minutes: float | None) -> Smallest | None:
            asked.update(terms=terms, minutes=minutes, execution=execution)
            return found

        with monkeypatch.context() as patch:
            if found is not None:
                patch.setattr(SIZING, "run", answered)
            code = run(["smallest", "--data", "digits", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err, asked

    return called


def test_the_answer_its_tests_and_its_limits_are_told(call: Any, tmp_path: Path) -> None:
    code, out, _, _ = call(answer(claim(30, 0.97), claim(20, 0.955), claim(10, 0.94)), "--target", "0.95")
    assert code == 0
    assert "[clear] The smallest network shown to be above 95.00 %: dense 20, relu, 2,000 parameters, validation" in out
    assert "fresh seeds and the images" not in out
    assert "epochs 20, learning rate 0.001, schedule cosine, l2 1e-4" in out
    assert "seedbed evaluate -m s-20.1000" in out
    assert (tmp_path / "smallest" / "s" / "results.json").is_file()
    assert (tmp_path / "smallest" / "s" / "figures" / "accuracy_over_size.png").is_file()


def test_details_have_the_interval_the_order_of_the_tests_and_the_rule(call: Any) -> None:
    _, out, _, _ = call(answer(claim(30, 0.97), claim(20, 0.955), claim(10, 0.94)), "--target", "0.95", "--details")
    assert "(95.50 % to 96.50 %, 95 % interval over 5 fresh seeds and the images) at the last epoch" in out
    assert "3,000 above, 2,000 above and 1,000 not shown." in out
    assert "clear: The whole 95 % interval lies above 95.00 %" in out


def test_a_target_that_no_network_is_shown_to_reach_is_marked(call: Any) -> None:
    assert "[not shown] No network is shown to be above 95.00 %" in call(answer(claim(30, 0.94)), "--target", "0.95")[1]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (answer(claim(30, 0.94)), "No network is shown to be above 95.00 %. The nearest: dense 30, relu, 3,000 parameters"),
        (answer(), "The best so far: 92.00 % on the images for choosing, dense 20, relu, 2,000 parameters, which is no claim."),
        (answer(claim(30, None)), "No network is shown to be above 95.00 %. The best so far"),
        (answer(claim(30, 0.97), stopped=True), "The time was over before the search was; the same command with --resume"),
        (answer(claim(30, 0.97)), "All sizes that were tested are above the target, so a smaller one may be as well."),
        (answer(claim(10, 0.9), claim(30, 0.97)), "(the larger ones only because the first had failed)"),
    ],
)
def test_what_is_not_shown_is_told_too(call: Any, found: Smallest, says: str) -> None:
    code, out, _, _ = call(found, "--target", "0.95", "--details")
    assert code == 0
    assert says in out


@pytest.mark.parametrize(
    ("found", "settled"), [(answer(claim(30, 0.97)), True), (answer(claim(30, 0.97), stopped=True), False), (answer(), False)]
)
def test_json_is_one_object(call: Any, found: Smallest, settled: bool) -> None:
    code, out, _, _ = call(found, "--target", "0.95", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["settled"] is settled
    assert (told["model"] is None) == (not found.claims)


def test_flags_reach_the_search(call: Any) -> None:
    arguments = "--target 0.9 --family conv --seeds 7 --epochs 3 --minutes 2 --augment shift --data digits --protocol handout"
    _, _, _, asked = call(answer(), *arguments.split(), "-m", "mine", "--resume", "--workers", "1")
    terms = asked["terms"]
    assert (terms.name, terms.seeds, terms.data.name, terms.data.protocol) == ("mine", 7, "digits", "handout")
    assert (terms.problem.target, terms.problem.effort.epochs, terms.problem.augment) == (0.9, 3, "shift")
    assert terms.problem.forms[0].base.family == "conv"
    assert asked["minutes"] == 2.0
    assert (asked["execution"].resume, asked["execution"].workers) == (True, 1)


def test_the_help_names_the_epochs_that_are_the_default(call: Any) -> None:
    _, out, _, _ = call(None, "-h")
    assert f"{EFFORTS['dense'].epochs} dense, {EFFORTS['conv'].epochs} conv" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (["--target", "97"], "error: target = 97: it must lie in (0, 1); did you mean 0.97?", 1),
        (["--target", "1.2"], "error: target = 1.2: it must lie in (0, 1).", 1),
        (["--target", "nan"], "error: target = nan: it must lie in (0, 1).", 1),
        (["--target", "0.9", "--protocol", "honset"], "Did you mean 'honest'?", 1),
        (["--target", "0.9", "--augment", "shft"], "Did you mean 'shift'?", 1),
        (["--target", "0.9", "--data", "digit"], "Did you mean 'digits'?", 1),
        (["--target", "0.9", "--depth", "7"], "depth = 7: it must be 1, 2 or 3", 1),
        ([], "Missing option '--target'", 2),
        (["--target", "much"], "'much' is not a valid float", 2),
        (["--target", "0.9", "--minute", "1"], "Did you mean '--minutes'?", 2),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(call: Any, arguments: list[str], says: str, code: int) -> None:
    found, out, err, _ = call(None, *arguments)
    assert found == code
    assert out == ""
    assert says in err.splitlines()[-1]
    assert "not foreseen" not in err
