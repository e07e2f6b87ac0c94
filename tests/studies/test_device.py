"""The study of devices: what it says is what was measured, here and elsewhere; strangers' files are refused in one line."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest

import seedbed as sb
from seedbed import figures
from seedbed.errors import SeedbedError, SpecError
from seedbed.studies.questions import device
from seedbed.studies.timing import measuring, records
from seedbed.studies.timing.measuring import Extent
from seedbed.studies.timing.records import Device, Machine, TimedImages, TimedStep, TimedTraining, Timings
from seedbed.studies.timing.summary import TimingSummary

IMAGES = TimedImages(name="mnist", train=55_000, validation=5_000, image_shape=(28, 28, 1), classes=10)
NOISE = (0.98, 1.0, 1.03)
SIZES = [((width, width // 2), size) for width in (25, 400) for size in (8, 512)]


def machine(kind: str, name: str) -> Machine:
    known = Device(kind=kind, name=name, cores=2 if kind == "cpu" else 0, memory=0)
    return Machine(system="Linux", python="3.11.7", memory=2**35, versions={"jax": "0.10.2"}, devices=(known,))


def training(net: str, nets: int, epoch: float, **changed: object) -> TimedTraining:
    given = {"setup": 1.0, "compiled": "from the cache", "compile": 0.5, "whole": 2.0 + 10 * epoch, "busy": 0.0}
    return TimedTraining(device=0, net=net, nets=nets, workers=1, epochs=(1.5 * epoch, *[epoch] * 9), **(given | changed))


def timings(kind: str = "cpu", name: str = "A processor", factor: float = 1.0, step=lambda hidden, size: 1e-4) -> Timings:
    """Three trainings of each network, and four sizes of steps three times, with 3 % of noise."""
    cases = [("dense", 1, 0.4), ("dense", 16, 3.2), ("conv", 1, 8.0)]
    return Timings(
        measured="2026-01-31",
        quick=False,
        images=IMAGES,
        epochs=10,
        machine=machine(kind, name),
        trainings=tuple(training(net, nets, factor * epoch * noise) for noise in NOISE for net, nets, epoch in cases),
        steps=tuple(
            TimedStep(device=0, hidden=hidden, batch_size=size, seconds=noise * step(hidden, size))
            for noise in NOISE
            for hidden, size in SIZES
        ),
    )


def gpu() -> Timings:
    """Slower with few images a step, faster with many of a wide net, and alike in between."""
    times = {((25, 12), 8): 3e-4, ((25, 12), 512): 1e-4, ((400, 200), 8): 3e-4, ((400, 200), 512): 1e-5}
    return timings("gpu", "A GPU", 0.25, lambda hidden, size: times[hidden, size])


def written(path: Path, *several: Timings) -> Path:
    found = {"study": "device", "parts": [{"name": "training", "data": {"machines": [one.plain() for one in several]}}]}
    path.write_text(json.dumps(found))
    return path


# What is said


def test_without_a_gpu_the_answer_gives_the_cpus_times_says_that_there_is_none_and_how_to_add_one():
    [said] = device.training(TimingSummary([timings()])).answer[:1]
    assert "the dense net takes 0.40 s per epoch and 6.0 s for 10 epochs" in said
    assert "the conv net takes 8.0 s per epoch and 82 s" in said
    part = device.crossover(TimingSummary([timings()]))
    assert part.answer[0] == (
        "This machine has no GPU, so there is nothing to compare with. On one that has, run `seedbed study device -o gpu.json`."
    )
    assert "--merge gpu.json" in part.answer[1]
    assert not part.figures


def test_a_card_of_short_trainings_says_that_most_of_them_is_starting():
    card = device.training(TimingSummary([timings(factor=0.01)])).card
    assert card is not None
    assert card.answer.endswith("for the conv net, mostly starting and compiling.")
    assert "mostly" not in device.training(TimingSummary([timings()])).card.answer


def test_a_gpu_that_was_not_measured_is_named():
    lone = timings().machine.changed(unusable=("1 GPU: JAX was installed without CUDA",))
    machines = [timings().changed(machine=lone)]
    assert (
        "Found on this machine, but not measured: 1 GPU: JAX was installed without CUDA."
        in device.training(TimingSummary(machines)).caveats
    )
    assert device.crossover(TimingSummary(machines)).answer[0].startswith("This machine's GPU was not measured")


def test_training_together_is_called_faster_by_the_ratio_of_the_times_per_network():
    [said] = device.training(TimingSummary([timings()])).answer[1:]
    assert "each of 16 together is 2 times as fast as one alone" in said


def test_a_device_is_called_faster_only_where_the_corrected_interval_excludes_one():
    fast = device.training(TimingSummary([timings(), gpu()])).answer[2:4]
    assert all("GPU A GPU is 4 times as fast as CPU A processor, 2 cores" in said for said in fast)
    alike = device.training(TimingSummary([timings(), timings("gpu", "A GPU", 1.01)])).answer[2:4]
    assert all("no clear difference" in said and "as fast as" not in said for said in alike)


def test_where_it_turns_is_counted_and_told_width_by_width():
    part = device.crossover(TimingSummary([timings(), gpu()]))
    said = part.answer
    assert part.lead.answer == said[0]
    assert part.lead.mark == "clear"
    assert said[0].startswith(
        "Of 4 combinations of width and batch size, GPU A GPU is faster than CPU A processor, 2 cores for 1"
    )
    assert "slower for 2; for 1 there is no clear difference" in said[0]
    assert said[1] == "With 25-12 hidden units GPU A GPU is slower at batch size 8; not clearly different at batch size 512."
    assert said[2] == "With 400-200 hidden units GPU A GPU is faster at batch size 512; slower at batch size 8."


def test_one_measurement_each_says_nothing_of_faster_or_slower():
    few = [one.changed(trainings=one.trainings[:3], steps=one.steps[:4]) for one in (timings(), gpu())]
    assert not TimingSummary(few).ratios
    assert all("from start to end" in said for said in device.training(TimingSummary(few)).answer)
    assert "each was measured only once" in device.crossover(TimingSummary(few)).answer[0]


def test_busy_machines_and_sums_for_wholes_are_marked():
    short = timings().trainings[0].changed(epochs=(0.5, 0.4), busy=0.6)
    part = device.training(TimingSummary([timings().changed(trainings=(short,))]))
    assert any("60 % of the processor" in mark for mark in part.caveats)
    assert any("added up" in mark for mark in part.caveats)
    assert part.cells[0]["seconds"]["whole"]["median"] == pytest.approx(1.0 + 0.5 + 0.5 + 9 * 0.4)


def test_equal_devices_of_two_machines_keep_labels_of_their_own():
    found = TimingSummary([timings(), timings(factor=2.0)])
    assert list(found.devices) == ["CPU A processor, 2 cores (1)", "CPU A processor, 2 cores (2)"]


def test_the_parts_with_two_machines_are_drawn_and_are_finite_json(tmp_path):
    for part in (device.training(TimingSummary([timings(), gpu()])), device.crossover(TimingSummary([timings(), gpu()]))):
        json.dumps(part.as_json(), allow_nan=False)
        assert part.figures
        for figure in part.figures:
            [path] = figures.save(figure.chart, tmp_path / figure.name, ("png",))
            assert path.stat().st_size > 5_000


# Files from elsewhere


def test_what_the_study_writes_is_what_merge_reads(tmp_path):
    path = tmp_path / "results.json"
    part = device.training(TimingSummary([timings(), gpu()]))
    path.write_text(json.dumps({"studies": [{"study": "budget"}, {"study": "device", "parts": [part.as_json()]}]}))
    assert records.read(path) == [timings(), gpu()]
    assert records.joined(timings(), [path, path]) == [timings(), gpu()]


def test_a_file_that_version_0_1_wrote_is_merged():
    [other] = records.read(Path(__file__).with_name("device_0.1.json"))
    machines = records.joined(other.changed(measured="2026-12-01"), [Path(__file__).with_name("device_0.1.json")])
    assert len(machines) == 2
    assert [(one.net, one.nets, len(one.epochs)) for one in other.trainings] == [
        ("dense", 1, 2),
        ("dense", 16, 2),
        ("conv", 1, 2),
    ]
    assert len(other.steps) == 8
    assert "the dense net takes 7.6 ms per epoch and 1.1 s for 10 epochs" in device.training(TimingSummary([other])).answer[0]


HOSTILE = {
    "a time below 0": (("trainings", 0, "whole"), -1.0),
    "a time that is a text": (("trainings", 0, "whole"), "1.0"),
    "a time that is true": (("steps", 0, "seconds"), True),
    "a time beyond all measure": (("steps", 0, "seconds"), 1e300),
    "no epochs": (("trainings", 0, "epochs"), []),
    "a device that is not there": (("steps", 0, "device"), 7),
    "a name that steers a terminal": (("machine", "devices", 0, "name"), "A\x1b[31mGPU"),
    "a name that turns its writing": (("machine", "devices", 0, "name"), "A \u202eUPG"),
    "a name too long": (("machine", "system"), "x" * 10_000),
    "an unknown field": (("machine", "owner"), "me"),
    "a field that Python passes by itself": (("machine", "self"), "me"),
    "a network of another kind": (("trainings", 0, "net"), "transformer"),
    "too many steps": (("steps",), [timings().steps[0].plain()] * 10_001),
    "a later format": (("format",), 2),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_timings_are_refused_in_one_line(tmp_path, name):
    (*way, last), value = HOSTILE[name]
    found = copy.deepcopy(timings().plain())
    place = found
    for step in way:
        place = place[step]
    place[last] = value
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"study": "device", "parts": [{"data": {"machines": [found]}}]}))
    with pytest.raises(SpecError, match="these are no sound timings") as error:
        records.read(path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "text", ["", "[]", "[1, 2", "{}", '{"study": "device"}', '{"study": "device", "parts": 3}', '{"a": NaN}', "[" * 100_000]
)
def test_files_without_timings_are_refused_in_one_line(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(SeedbedError) as error:
        records.read(path)
    assert "\n" not in str(error.value)


def test_times_on_other_images_are_not_joined(tmp_path):
    other = gpu().changed(images=IMAGES.changed(train=60_000))
    with pytest.raises(SpecError, match="60,000 training images"):
        records.joined(timings(), [written(tmp_path / "other.json", other)])


def test_more_devices_than_a_figure_can_tell_apart_are_refused(tmp_path):
    many = [timings(name=f"processor {number}") for number in range(9)]
    with pytest.raises(SpecError, match="at most 8 devices"):
        records.joined(timings(), [written(tmp_path / "other.json", *many)])


def test_a_file_that_cannot_be_joined_is_refused_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(measuring, "timed", None)
    with pytest.raises(SeedbedError):
        sb.studies.device(data="digits", quick=True, home=tmp_path / "runs", merge=[tmp_path / "absent.json"])


# Measuring

SMALL = Extent({"dense": (1,)}, 3, 2, 60.0, [((8, 4), 64), ((16, 8), 64)], True, 2, 0.005, False)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("device") / "runs"


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(device, "extent", lambda setup, train: SMALL)


@pytest.mark.slow
def test_a_study_measures_once_goes_on_where_it_was_killed_and_measures_again_when_asked(home, small, monkeypatch):
    first = sb.studies.device(data="digits", quick=True, home=home)
    [kept] = (home / ".measurements").glob("device-*.jsonl")
    lines = kept.read_text().splitlines(keepends=True)
    [found] = [Timings(**one) for part in first.parts for one in part.data.get("machines", [])]
    assert [len(one.epochs) for one in found.trainings] == [2, 3]
    assert len(found.steps) == 4
    assert first.cost.measuring > sum(one.whole for one in found.trainings)
    assert all(one.whole > one.setup + sum(one.epochs) / one.workers > 0 for one in found.trainings)

    counted = []
    real = measuring.timed
    monkeypatch.setattr(measuring, "timed", lambda *given: counted.append(1) or real(*given))
    assert sb.studies.device(data="digits", quick=True, home=home).as_json() == first.as_json()
    assert not counted

    kept.write_text("".join(lines[:2]) + lines[2][:30])  # the machine, a training, and one that was being written
    again = sb.studies.device(data="digits", quick=True, home=home)
    assert len(counted) == 1
    assert Timings(**again.parts[0].data["machines"][0]).trainings[0] == found.trainings[0]


@pytest.mark.slow
def test_a_preview_times_no_steps_where_there_is_nothing_to_compare(tmp_path, monkeypatch):
    monkeypatch.setattr(device, "extent", lambda setup, train: replace(SMALL, repeats=1, lone_steps=False))
    answer = sb.studies.device(data="digits", quick=True, home=tmp_path / "runs")
    [found] = answer.parts[0].data["machines"]
    assert found["steps"] == []
    assert "nothing to compare" in answer.parts[1].answer[0]
    assert (answer.parts[1].figures, answer.parts[1].tables) == ([], [])


@pytest.mark.slow
def test_a_gpu_is_described_measured_and_compared(tmp_path, monkeypatch):
    """There is none here: a worker on the CPU stands in for it."""
    from seedbed import devices
    from seedbed.devices import WorkerKind

    real = devices.worker_environment
    monkeypatch.setattr(device, "extent", lambda setup, train: replace(SMALL, nets={"dense": (2,)}, repeats=1))
    monkeypatch.setattr(devices, "gpus", lambda: 1)
    monkeypatch.setattr(devices, "jax_has_cuda", lambda: True)
    for module in ("seedbed.executor.probe", "seedbed.executor.local"):
        monkeypatch.setattr(f"{module}.worker_environment", lambda kind: real(WorkerKind("cpu", 1, programs=kind.programs)))
    answer = sb.studies.device(data="digits", quick=True, home=tmp_path / "runs")
    [found] = answer.parts[0].data["machines"]
    assert [one["kind"] for one in found["machine"]["devices"]] == ["cpu", "gpu"]
    assert {(one["device"], one["nets"]) for one in found["trainings"]} == {(0, 2), (1, 2)}
    assert answer.parts[1].answer[0].startswith("Of 2 combinations")
    assert not any("has no GPU" in said for said in answer.sentences())
