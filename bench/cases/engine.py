"""The engine's own costs: compilation, memory, images that do not fit the memory, probes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench import contenders, ours, processes
from bench.cases.networks import ALONE, CONV4, MIXED, TINY
from bench.contenders import OURS, Trial
from bench.contenders.ours import tasks
from bench.job import Job, Net, prepare
from bench.processes import Memory
from bench.race import images
from bench.sitting import Measured, Outcome, Settings, Table
from bench.summary import Summary, summarize
from seedbed.devices import WorkerKind, worker_environment
from seedbed.training.footprint import Site, footprint

POPULATIONS = {
    "one dense net": ALONE,
    "20 different dense nets": MIXED,
    "64 tiny nets": TINY,
    "the exercise's conv net": CONV4[:1],
    "four of them": CONV4,
}
QUICK = ("one dense net", "64 tiny nets")
"""The populations of a quick look."""
GIB, MIB = 2**30, 2**20


def _populations(settings: Settings, *names: str) -> dict[str, tuple[Net, ...]]:
    """Those named, or all; in a quick look fewer."""
    return {
        name: nets
        for name, nets in POPULATIONS.items()
        if (not names or name in names) and (not settings.quick or name in QUICK)
    }


def compilation(settings: Settings) -> Outcome:
    """Cold, then from the cache that a run before has filled."""
    rows, raw, worst = [], {}, {"cold": Summary(0, 0, 0, 1), "kept": Summary(0, 0, 0, 1)}
    for name, nets in _populations(settings).items():
        job = prepare(Job(nets, epochs=1, first=1_000, device=settings.device), settings.scratch)
        found: dict[str, list[float]] = {"cold": [], "kept": []}
        for _ in range(settings.rounds(2)):
            cache = contenders.cold_cache(settings.scratch)
            for how in found:
                done = contenders.run(replace(OURS, environment={"SEEDBED_CACHE": str(cache)}), job, settings.scratch)
                programs = ours.answer(done).facts["programs"]
                found[how].append(max(programs))
        raw[name] = {**found, "programs": len(programs)}
        summaries = {how: summarize(seconds) for how, seconds in found.items()}
        worst = {how: max(worst[how], summary, key=lambda each: each.median) for how, summary in summaries.items()}
        rows.append([name, str(len(programs)), *(summary.text() for summary in summaries.values())])
    measured = [Measured(f"compile-{how}", "the slowest of the cases' programs", summary) for how, summary in worst.items()]
    columns = ["population", "programs, side by side", "the slowest, cold, s", "kept from before, s"]
    text = "Tracing, lowering and compiling, or loading what was kept; each population in fresh processes."
    return Outcome("compile", "Compilation", text, [Table("", columns, rows)], measured, raw=raw)


def memory(settings: Settings) -> Outcome:
    """Peaks of driver and workers."""
    first = 2_000 if settings.quick else None
    rows, raw = [], {}
    for name, nets in _populations(settings).items():
        job = Job(nets, epochs=1, first=first or (11_000 if nets[0].family == "conv" else None), device=settings.device)
        found = ours.trial(settings, prepare(job, settings.scratch), memory=True).memory
        raw[name] = vars(found)
        rows.append([name, *_memory_cells(found), f"{_estimated(job) / MIB:,.0f}"])
    columns = ["population", "driver", "workers, each", "together", "together without mapped files", "a worker, estimated"]
    text = (
        f"Peak resident memory in MiB, looked at every {processes.SAMPLE_SECONDS} s; last what the planner thinks beforehand "
        f"that the largest population takes."
    )
    return Outcome("memory", "Memory", text, [Table("", columns, rows)], raw=raw)


def _estimated(job: Job) -> int:
    """The planner's estimate of a worker's peak, on the CPU."""
    planned, dataset = tasks(job.changed(device="cpu"))
    _, pixels = dataset.train.pictures.image
    found = [footprint(task.blocks[0], dataset.facts(), Site(pixel_bytes=pixels.itemsize)) for task in planned]
    return max(each.total - each.message for each in found)


def _memory_cells(found: Memory) -> list[str]:
    driver, *workers = [peak / MIB for peak in found.processes.values()]
    each = ", ".join(f"{peak:,.0f}" for peak in workers)
    return [f"{driver:,.0f}", each, f"{found.together / MIB:,.0f}", f"{found.own_together / MIB:,.0f}"]


STREAMED = (Net(l2=1e-4), Net(l2=1e-3))


def streamed(settings: Settings) -> Outcome:
    """A million images on the disk, against MNIST in memory."""
    number = 30_000 if settings.quick else 12 * 1_000_000 // 11  # a twelfth is validated on
    inside = prepare(Job(STREAMED, epochs=2, first=5_000 if settings.quick else None), settings.scratch)
    ours.trial(settings, inside.changed(epochs=1))
    rows, raw, measured = [], {}, []
    baseline = _per_image(ours.trial(settings, inside, memory=True), images(inside))
    rows.append([f"{images(inside):,}, in memory", "", f"{baseline:.2f}", "1.00", "", ""])
    for kind in (np.uint8, np.float32):
        name = f"synthetic-{np.dtype(kind)}"
        folder = _synthetic(settings.scratch / name, number, kind)
        added = processes.run(processes.python("bench.cases.engine", name, str(folder)))
        if added.code != 0:
            rows.append([f"{number:,} as {np.dtype(kind)}", "failed", added.why, "", "", ""])
            continue
        trained = json.loads(added.output.splitlines()[-1])["train"]
        job = inside.changed(data=name, first=None, epochs=1)
        done = contenders.run(OURS, job, settings.scratch, memory=True)
        _forget(folder)
        if done.answer is None:
            rows.append([f"{number:,} as {np.dtype(kind)}", "failed", done.error, "", "", ""])
            continue
        each = _per_image(done, trained)
        size = number * 784 * np.dtype(kind).itemsize / GIB
        peaks = [done.memory.own_together / GIB, done.memory.together / GIB]
        raw[name] = {"us": each, "add": added.seconds, "memory": vars(done.memory), "seconds": done.seconds}
        what = f"{number:,} as {np.dtype(kind)} ({size:.2f} GiB), {trained:,} trained on"
        rows.append([what, f"{added.seconds:.1f}", f"{each:.2f}", f"{each / baseline:.2f}", *(f"{p:.2f}" for p in peaks)])
        measured.append(Measured("streamed-time", str(np.dtype(kind)), summarize([each / baseline])))
        measured.append(Measured("streamed-memory", f"{np.dtype(kind)}, without mapped files", summarize([peaks[0]])))
    columns = ["images", "adding, s", "of an image and net, µs", "over in memory", "own memory, GiB", "with mapped files, GiB"]
    text = (
        "Two nets 784-200-100-10, two workers; the images lie in .npy files. Memory is the peak of driver and workers "
        "together; the system can drop pages of mapped files."
    )
    return Outcome(
        "streamed", "A million images", text, [Table("", columns, rows)], measured, raw={"baseline": baseline, **raw}
    )


def _per_image(done: Trial, number: int) -> float:
    """Microseconds of an epoch for each image and network."""
    return 1e6 * ours.answer(done).epoch / number / len(STREAMED)


def _synthetic(folder: Path, number: int, kind: type[np.generic]) -> Path:
    """MNIST's images, moved about and with some noise, written piece by piece."""
    from seedbed import data
    from seedbed.specs import DataSpec

    folder.mkdir(parents=True)
    part = data.load(DataSpec(name="mnist")).train
    dtype = np.dtype(kind)
    made = np.lib.format.open_memmap(folder / "x_train.npy", mode="w+", dtype=dtype, shape=(number, 28, 28))
    labels = np.empty(number, np.uint8)
    random = np.random.default_rng(0)
    for start in range(0, number, 20_000):
        rows = random.integers(0, len(part), min(20_000, number - start))
        moved = np.roll(part.take(rows)[..., 0], random.integers(-2, 3, 2), axis=(1, 2))
        noisy = np.minimum(moved.astype(np.uint16) + random.integers(0, 9, moved.shape, np.uint8), 255)
        made[start : start + len(rows)] = (noisy / np.float32(255) if dtype.kind == "f" else noisy).astype(dtype)
        labels[start : start + len(rows)] = part.labels[rows]
    made.flush()
    np.save(folder / "y_train.npy", labels)
    np.save(folder / "x_test.npy", made[:1_000])
    np.save(folder / "y_test.npy", labels[:1_000])
    return folder


def _forget(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def probes(settings: Settings) -> Outcome:
    """What the figures for the "why" cost."""
    rows, raw, shares = [], {}, []
    for name, nets in _populations(settings, "20 different dense nets", "64 tiny nets", "the exercise's conv net").items():
        first = 2_000 if settings.quick else 11_000 if "conv" in name else None
        job = Job(nets, epochs=1, first=first, device=settings.device)
        kind = WorkerKind("gpu") if settings.device == "gpu" else WorkerKind("cpu", threads=1)
        done = processes.run(processes.python("bench.probing", text=job.text(), environment=worker_environment(kind)))
        if done.code != 0:
            rows.append([name, "failed", done.why, "", ""])
            continue
        found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
        raw[name] = found
        share = 100 * (found["norms"] + found["saturation"]) / found["epoch"]
        shares.append((share, name))
        rows.append([name, *(f"{found[part]:.3f}" for part in ("epoch", "norms", "saturation")), f"{share:.1f}"])
    measured = [Measured("probes", name, summarize([share])) for share, name in sorted(shares, reverse=True)[:1]]
    columns = ["population", "an epoch, s", "gradients and updates, s", "saturation, s", "share, %"]
    text = (
        "One worker trains the first population of the case; each part is timed by itself, the best of some. An epoch is all "
        "its steps and its exam. The norms of weights are part of the exam and not told apart."
    )
    return Outcome("probes", "Probes", text, [Table("", columns, rows)], measured, raw=raw)


def _add(arguments: list[str]) -> Iterator[str]:
    """The program that gives synthetic images a name, in a process of its own: memory and time are not the bench's."""
    from seedbed import data
    from seedbed.specs import DataSpec

    name, folder = arguments
    data.add(name, Path(folder))
    yield json.dumps({"train": len(data.load(DataSpec(name=name)).train)})


if __name__ == "__main__":
    import sys

    for line in _add(sys.argv[1:]):
        print(line)
