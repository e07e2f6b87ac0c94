"""The bench: its statistics, its tables, peers that are missing, and one race that is really run."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from bench import contenders, race, report, targets
from bench.cases import CASES
from bench.contenders import OURS, OURS_COLD, PEERS, Contender, Trial
from bench.job import Answer, Job, Net, prepare, steady
from bench.race import Race
from bench.sitting import Measured, Outcome, Sitting, Table
from bench.summary import Summary, ratios, summarize, welch

MACHINE = {
    "date": "2026-01-01 10:00 UTC",
    "device": "cpu",
    "quick": False,
    "repeats": 3,
    "processor": "a processor",
    "cores": 2,
    "memory": 8 * 2**30,
    "gpu": "",
    "system": "Linux",
    "python": "3.11",
    "versions": {"jax": "1.0"},
    "load": 0.1,
}


def test_a_summary_is_the_median_with_its_range() -> None:
    summary = summarize([3.0, 1.0, 2.0, 10.0])
    assert summary == Summary(2.5, 1.0, 10.0, 4)
    assert summary.text(1, " s") == "2.5 s (1.0 to 10.0)"
    assert summarize([1234.5]).text(0) == "1,234"


def test_ratios_are_taken_round_by_round() -> None:
    assert ratios([1.0, 2.0, 4.0], [3.0, 4.0, 8.0]) == Summary(2.0, 2.0, 3.0, 3)


def test_welch_agrees_with_scipy() -> None:
    from scipy import stats

    a, b = [0.97, 0.98, 0.975, 0.981, 0.979], [0.96, 0.99, 0.95, 0.97]
    found = welch(a, b)
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.value == pytest.approx(sum(a) / 5 - sum(b) / 4)


def test_the_first_epoch_bears_the_warm_up() -> None:
    assert steady([5.0, 1.0, 3.0, 2.0]) == (2.0, 3.0)


def test_operations_are_counted_as_the_page_says(tmp_path: Path) -> None:
    job = prepare(Job((Net(hidden=(20, 10)),), data="digits"), tmp_path)
    assert race.operations_per_image(job, 0) == 4 * 64 * 20 + 6 * (20 * 10 + 10 * 10)


def test_a_job_travels_as_text() -> None:
    job = Job((Net(hidden=(5,), l2=1e-4), Net("conv", ())), first=100, options={"compiled": True})
    assert Job.of(job.text()) == job


@pytest.mark.parametrize(
    ("target", "value", "verdict"),
    [
        (targets.Target("a", "", 2.5, 4), 4.0, "moonshot reached"),
        (targets.Target("a", "", 2.5, 4), 2.5, "reached"),
        (targets.Target("a", "", 2.5, 4), 2.49, "**not reached**"),
        (targets.Target("a", "", 5, 3, more=False), 5.0, "reached"),
        (targets.Target("a", "", 5, 3, more=False), 5.1, "**not reached**"),
        (targets.Target("a", "", 5, None, more=False), float("nan"), "**not reached**"),
    ],
)
def test_a_target_is_reached_or_not(target: targets.Target, value: float, verdict: str) -> None:
    assert target.reached(value) == verdict


def test_the_page_shows_every_target_and_what_was_not_measured() -> None:
    table = Table("Some | rows", ["", "s"], [["a|b", "1"]], "Text.")
    measured = [Measured("lone", "an epoch, over PyTorch eager", Summary(2.2, 2.1, 2.3, 3))]
    outcome = Outcome("lone", "One net", "Text.", [table], measured, ["A note."], {"x": [1]}, 12.0)
    sitting = Sitting(dict(MACHINE), [outcome])
    page = report.page([sitting])
    assert "| a\\|b | 1 |" in page
    assert "2.20x (2.10 to 2.30), an epoch, over PyTorch eager | moonshot reached |" in page
    here = [target for target in (*targets.ENGINE, *targets.REST) if target.device == "cpu"]
    assert all(target.text in page for target in here)
    assert page.count("| not measured |") == len(here) - 1
    assert "what was tried" not in page
    assert "## GPU\n\nNot measured" in page


def test_other_sittings_of_a_device_stand_beside_the_first_ones_targets() -> None:
    def sitting(date: str, device: str, ratio: float) -> Sitting:
        measured = [Measured("lone", "an epoch", Summary(ratio, ratio, ratio, 1))]
        return Sitting({**MACHINE, "date": date, "device": device}, [Outcome("lone", "One net", "", [], measured)])

    page = report.page([sitting("now", "cpu", 2.0), sitting("then", "cpu", 1.9), sitting("there", "gpu", 9.0)])
    assert "| target |  | now | then | together |  |" in page
    together = "1.95 (1.90 to 2.00) | reached |"
    assert f"| one dense net alone, over the fastest peer | an epoch | 2.00 | 1.90 | {together}" in page
    assert page.count("### One net") == 2
    assert page.index("## now") < page.index("## there")
    assert "Not measured" not in page


def test_the_page_says_of_each_target_that_is_not_reached_what_was_tried() -> None:
    def measured(target: str, value: float) -> Measured:
        return Measured(target, "", Summary(value, value, value, 1))

    found = [measured("conv4", 1.49), measured("conv4", 1.6), measured("tiny", 8.0), measured("compile-cold", 5.1)]
    page = report.page([Sitting(dict(MACHINE), [Outcome("all", "All", "", [], found)])])
    section = page[page.index("what was tried") : page.index("### All")]
    assert "*the exercise's conv net, population of 4" in section
    assert "Winograd" in section
    assert "64 tiny nets" not in section
    assert section.count("\n- ") == 2


def test_a_sitting_on_a_gpu_misses_no_goal_of_the_cpu() -> None:
    page = report.page([Sitting({**MACHINE, "device": "gpu"}, [])])
    assert page.count("| not measured |") == 1
    assert "256 dense nets x 10 epochs on an H200 | at most 6 s" in page


def test_a_sitting_is_kept_and_read_back() -> None:
    outcome = Outcome("a", "A", "", [Table("t", ["x"], [["1"]])], [Measured("lone", "", Summary(1, 1, 1, 1))])
    sitting = Sitting(dict(MACHINE), [outcome])
    again = Sitting.of(json.loads(json.dumps(sitting.plain())))
    assert report.page([again]) == report.page([sitting])


def test_targets_belong_to_cases_and_names_are_all_different() -> None:
    names = [OURS.name, OURS_COLD.name, *(peer.name for peer in PEERS)]
    assert len(names) == len(set(names))
    assert len({target.key for target in (*targets.ENGINE, *targets.REST)}) == len(targets.ENGINE) + len(targets.REST)
    assert set(CASES) >= {"lone", "mixed", "tiny", "conv", "sweep", "streamed", "cli", "accuracy"}


def test_networks_are_dealt_to_processes_with_equal_work() -> None:
    nets = [Net(hidden=(width,)) for width in (400, 200, 200, 50, 50)]
    with_two = contenders.deal(nets, 2)
    assert sorted(net.hidden[0] for hand in with_two for net in hand) == [50, 50, 200, 200, 400]
    assert [len(hand) for hand in with_two] == [2, 3]


def test_finalists_are_the_fastest_to_the_end_and_the_fastest_of_epochs() -> None:
    peers = [Contender(name, "none", "numpy") for name in ("slow", "quick to start", "quick epochs")]
    peers.append(Contender("stack", "none", "numpy", alike=True))
    screened = {"stack": (0.5, 0.01), "slow": (9.0, 2.0), "quick to start": (2.0, 0.5), "quick epochs": (50.0, 0.1)}
    job = Job((Net(),), epochs=10)
    found = Race(job, job.changed(epochs=2))
    found.screened = {name: Trial(seconds, Answer(epoch, 0.0, [1.0])) for name, (seconds, epoch) in screened.items()}

    def chosen(always: str, by_epoch: bool) -> list[str]:
        return [peer.name for peer in race.finalists(found, peers, most=1, always=always, by_epoch=by_epoch, longer=10.0)]

    assert chosen("", True) == ["quick to start", "quick epochs"]
    assert chosen("st", False) == ["stack", "quick to start"]


@pytest.mark.slow
def test_a_race_on_digits_runs_and_names_who_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sklearn = next(peer for peer in PEERS if peer.name == "scikit-learn")
    missing = Contender("a peer that nobody has", "bench.none", "a_package_that_nobody_has")
    failing = replace(sklearn, name="a peer that fails", module="bench.none")
    monkeypatch.setattr(race, "PEERS", [sklearn, missing, failing])
    monkeypatch.setattr(race.sgemm, "rates", lambda device: {"numpy": 100.0})
    ran: list[tuple[str, int]] = []
    run = contenders.run

    def noted(who: Contender, job: Job, scratch: Path) -> Trial:
        ran.append((who.name, job.epochs))
        return run(who, job, scratch)

    monkeypatch.setattr(contenders, "run", noted)
    job = Job((Net(hidden=(16,), rate=2e-2),), epochs=3, data="digits")
    found = race.run(job, tmp_path, rounds=1, few=300, ours=(OURS,))
    assert found.skipped[missing.name] == "a_package_that_nobody_has is not installed"
    assert "No module named bench.none" in found.skipped[failing.name]
    assert list(found.rounds) == [OURS.name, sklearn.name]
    assert [ran.count((OURS.name, epochs)) for epochs in (2, 3)] == [2, 2]  # once untimed, to have its programs
    for trials in found.rounds.values():
        answer = trials[0].answer
        assert answer is not None
        assert 0 < answer.epoch < trials[0].seconds
        assert answer.accuracies[0] > 0.5
    ratio = race.against(found, OURS.name, by_epoch=False)
    assert ratio is not None
    assert ratio[0] == sklearn.name
    tables = [race.final_table(found), race.screening_table(found)]
    outcome = Outcome("lone", "One", "", tables, raw=race.raw(found))
    page = report.page([Sitting(dict(MACHINE), [outcome])])
    assert "a_package_that_nobody_has is not installed" in page
    json.dumps(asdict(outcome), allow_nan=False)


@pytest.mark.slow
def test_an_epochs_parts_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench import probing

    monkeypatch.setattr(probing, "TRIES", 1)
    found = probing.measured(Job((Net(hidden=(16,)), Net(hidden=(8,))), epochs=1, data="digits"))
    assert found["epoch"] == pytest.approx(found["steps"] + found["exam"] + found["norms"])
    assert min(found["steps"], found["exam"], found["norms"]) > 0
