"""A job: one population trained from its first segment, or its last checkpoint, to its end.

`Job.reports()` runs a segment at a time and yields what came of it; everything but the arithmetic happens between segments:
stopping, saving, freezing, compaction. A job knows one device and no disk.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from seedbed import models
from seedbed.data import Dataset
from seedbed.models.architecture import Weights
from seedbed.models.protocol import Knobs, Population
from seedbed.records import NO_SCORE, History, best_epoch, score
from seedbed.specs import RunSpec
from seedbed.training import footprint
from seedbed.training.feed import Resident, Sheets, Source, Streamed, Stretch
from seedbed.training.optimizers import empty_slots
from seedbed.training.program import Best, Carry, Figures, Settings, together
from seedbed.training.programs import Programs
from seedbed.training.reports import Begun, Checkpoint, Outcome, Place, Report, Row, Segment, Stopped, Task

SEGMENT_SECONDS = 2.0
"""About how long a segment takes where an epoch takes longer; the bits do not depend on it."""
WORTH_COMPILING = 1e11
"""Operations of training that must be saved before a population is compiled anew: about 2 s of a core."""


@dataclass
class _Members:
    """Which of the task's runs are still in the program: block x setting, and who of them still trains."""

    runs: list[list[RunSpec]]
    settings: list[int]
    alive: NDArray[np.bool_]
    rows: dict[Place, list[Row]] = field(default_factory=dict)
    best: dict[Place, tuple[float, float]] = field(default_factory=dict)

    def add(self, place: Place, row: Row) -> bool:
        """An epoch's figures of a member; says whether it is the member's best so far."""
        before = self.rows.setdefault(place, [])
        best = self.best.get(place) or max(map(_score, before), default=NO_SCORE)
        before.append(row)
        self.best[place] = max(best, _score(row))
        return self.best[place] > best

    def places(self) -> Iterator[tuple[int, int, Place]]:
        """Row and column in the program, and the place in the task, of each."""
        for block in range(len(self.runs)):
            for column, setting in enumerate(self.settings):
                yield block, column, (block, setting)

    def run(self, place: Place) -> RunSpec:
        return self.runs[place[0]][place[1]]

    def of(self, value: Callable[[RunSpec], float]) -> NDArray[np.float32]:
        """A number of each run, `(S, M)`."""
        return np.array([[value(block[s]) for s in self.settings] for block in self.runs], np.float32)


class Job:
    """See the module's text.

    Args:
        task: what to train.
        dataset: the images.
        programs: of this worker; the job adds its own.
        stop: asked between segments; True ends the job after a checkpoint.
    """

    def __init__(self, task: Task, dataset: Dataset, programs: Programs, stop: Callable[[], bool] = lambda: False) -> None:
        self.task = task
        self._dataset = dataset
        self._programs = programs
        self._stop = stop
        blocks = [list(block) for block in task.blocks]
        self._members = _Members(blocks, list(range(len(blocks[0]))), np.ones((len(blocks), len(blocks[0])), bool))
        self._epoch, self._step = 0, 0
        self._pace = 0.0  # seconds a step
        self._training_seconds = 0.0
        self._last_logits: Any = None  # of the epoch that ended last
        self._exams: dict[int, Sheets] = {}

    def reports(self) -> Iterator[Report]:
        """The job's life. Ends with `Stopped`, or when no member trains any more."""
        self._set_up()
        self._saved_before_end = self.task.resume is not None
        yield Begun(device_name(), max(run.plan.epochs for block in self.task.blocks for run in block), self._steps())
        saved = time.monotonic()
        if self._epoch and not self._step:  # a save of an epoch's end, made before those who ended with it were told of
            self._last_logits = self._examined().logits
            yield from self._settle()
        while self._members.alive.any():
            for segment in self._epoch_of_segments():
                yield segment
                if segment.rows:
                    yield from self._saved_whole()
                    yield from self._settle()
                if self._stop() and self._members.alive.any():
                    yield self.checkpoint()
                    yield Stopped()
                    return
                if self._due(saved):
                    yield self.checkpoint()
                    saved = time.monotonic()

    def _saved_whole(self) -> Iterator[Checkpoint]:
        """Before the first member ends, where members are pruned: the population is saved as it was composed.

        Who is pruned depends on all of them, so that a population must never be composed anew of those that are left.
        """
        if self.task.pruning and not self._saved_before_end and self._ending():
            self._saved_before_end = True
            yield self.checkpoint()

    def _due(self, saved: float) -> bool:
        every = self.task.save_every
        return every is not None and time.monotonic() - saved >= every and bool(self._members.alive.any())

    # Setting up, afresh or from a checkpoint

    def _set_up(self) -> None:
        self._source = self._new_source()
        resume = self.task.resume
        if resume is None:
            self._take_up(self._fresh())
            return
        manifest = resume.manifest
        self._epoch, self._step = manifest["epoch"], manifest["step"]
        self._training_seconds = manifest["training_seconds"]
        self._members.settings = list(manifest["settings"])
        self._members.alive = np.array(manifest["alive"], bool)
        self._members.rows = {_place(name): rows for name, rows in manifest["rows"].items()}
        self._take_up(resume.arrays)

    def _new_source(self) -> Source:
        part, seeds = self._dataset.train, [block[0].seed for block in self.task.blocks]
        resident = part.nbytes <= footprint.RESIDENT_BYTES
        return (Resident if resident else Streamed)(part, seeds, self.task.plan.batch_size)

    def _fresh(self) -> dict[str, NDArray[Any]]:
        population, arrays = self._new_population(), {}
        for number, block in enumerate(self.task.blocks):
            for setting, weights in zip(self._members.settings, population.initial(block[0].seed), strict=True):
                arrays.update({f"{number}.{setting}/weights/{name}": array for name, array in weights.items()})
        return arrays

    def _new_population(self) -> Population:
        specs = [self.task.blocks[0][setting].model for setting in self._members.settings]
        facts, plan = self._dataset.facts(), self.task.plan
        on_cpu = jax.default_backend() == "cpu"
        return models.build(specs, facts.image_shape, len(facts.classes), precision=plan.precision, on_cpu=on_cpu)

    def _take_up(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Packs the members' arrays into a population, on the device."""
        self._population = population = self._new_population()
        blocks, scale = len(self.task.blocks), self._dataset.scale
        self._program = self._programs.of(population, self.task.plan, blocks, scale, shared=self._source.shared)
        self._compiled_before = self._program.compile_seconds
        self._layers = {setting: _layers(arrays, f"0.{setting}/weights/") for setting in self._members.settings}
        self._exam = self._exam_for(population)
        self._settings = self._new_settings()
        params, state = self._packed(arrays, "weights")
        slots = empty_slots(self.task.plan.optimizer, params)
        if any("/slots." in name for name in arrays):
            slots = {name: self._packed(arrays, f"slots.{name}")[0] for name in slots}
        self._carry = Carry(params, state, slots)
        saved = any("/best/" in name for name in arrays)
        best_params, best_state = self._packed(arrays, "best") if saved else jax.tree.map(jnp.copy, (params, state))
        self._best = Best(best_params, best_state, self._packed_logits(arrays))

    def _exam_for(self, population: Population) -> Sheets:
        if population.exam_batch not in self._exams:
            self._exams[population.exam_batch] = Sheets(self._dataset, population.exam_batch)
        return self._exams[population.exam_batch]

    def _packed(self, arrays: dict[str, NDArray[Any]], kind: str) -> tuple[Any, Any]:
        """Parameters and state of all blocks, stacked, on the device."""
        members: dict[str, Weights] = defaultdict(dict)
        for name, array in arrays.items():
            place, _, rest = name.partition("/")
            if rest.startswith(f"{kind}/"):
                members[place][rest.removeprefix(f"{kind}/")] = array
        packed = []
        for block in range(len(self.task.blocks)):
            packed.append(self._population.pack([members[f"{block}.{setting}"] for setting in self._members.settings]))
        stacked = jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *packed)
        return stacked[0], stacked[1]

    def _packed_logits(self, arrays: dict[str, NDArray[Any]]) -> Any:
        empty = np.zeros((len(self._dataset.classes), self._exam.answers), np.float32)
        places = [[arrays.get(f"{b}.{s}/best_logits", empty) for s in self._members.settings] for b in self._blocks()]
        return jnp.asarray(np.array(places))

    def _blocks(self) -> range:
        return range(len(self.task.blocks))

    def _new_settings(self) -> Settings:
        of = self._members.of
        rates = (of(lambda run: run.plan.l1), of(lambda run: run.plan.l2), of(lambda run: run.model.dropout))
        knobs = Knobs(*map(jnp.asarray, rates))
        return Settings(knobs, jnp.asarray(of(lambda run: run.plan.momentum)), jnp.array(self._members.alive))

    # An epoch

    def _steps(self) -> int:
        return -(-len(self._dataset.train) // int(self.task.plan.batch_size))

    def _epoch_of_segments(self) -> Iterator[Segment]:
        plans = [[block[s].plan for s in self._members.settings] for block in self.task.blocks]
        epoch_began = self._training_seconds
        norms: dict[str, Any] = {}
        for stretch in self._source.stretches(self._epoch, self._step, plans):
            self._program.prepare(self._carry, self._best, stretch.feed, self._settings, self._exam.shapes)
            at = stretch.start
            while at < stretch.stop:
                stop = self._segment_stop(stretch, at)
                if stretch.offset + stop == self._steps() and stop - at == 1:
                    norms = self._timed(self._last_step, stretch, at)
                else:
                    self._segment(stretch, at, stop)
                at, self._step = stop, stretch.offset + stop
                if self._step < self._steps():
                    yield Segment(self._epoch + 1, self._step, {})
        figures = self._timed(self._examined)
        self._last_logits = figures.logits
        rows = self._rows(figures, norms, self._training_seconds - epoch_began)
        self._epoch, self._step = self._epoch + 1, 0
        yield Segment(self._epoch, self._steps(), rows)

    def _segment_stop(self, stretch: Stretch, at: int) -> int:
        """A segment of a few seconds; an epoch's last step goes alone, for the probes."""
        steps = int(SEGMENT_SECONDS / self._pace) if self._pace else 16
        last = stretch.stop - (stretch.offset + stretch.stop == self._steps())
        return max(at + 1, min(last, at + max(1, steps)))

    def _timed(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Does the work and counts its seconds as training, but for those of compilation."""
        compiled, began = self._program.compile_seconds, time.perf_counter()
        result = work(*arguments)
        for leaf in jax.tree.leaves(result):
            leaf.block_until_ready()
        self._training_seconds += time.perf_counter() - began - (self._program.compile_seconds - compiled)
        return result

    def _segment(self, stretch: Stretch, start: int, stop: int) -> None:
        before = self._training_seconds
        self._carry = self._timed(self._program.run_segment, self._carry, stretch.feed, self._settings, start, stop)
        self._pace = (self._training_seconds - before) / (stop - start)

    def _last_step(self, stretch: Stretch, step: int) -> dict[str, Any]:
        """An epoch's last step, with the norms of its gradient and its change."""
        before = jax.tree.map(jnp.copy, self._carry)
        self._carry = self._program.run_segment(self._carry, stretch.feed, self._settings, step, step + 1)
        return self._program.norms(before, self._carry, stretch.feed.rates[:, step], self._settings.momentum)

    def _examined(self) -> Figures:
        parts, counts = [], []
        for sheet in self._exam:
            figures = self._program.examine(self._carry, self._settings, sheet.exam)
            figures.logits.block_until_ready()  # or every sheet would be gathered while the first is still looked at
            parts.append(figures)
            counts.append(sheet.counts)
        return together(parts, counts)

    def _rows(self, figures: Figures, norms: dict[str, Any], seconds: float) -> dict[Place, Row]:
        """The epoch's figures of all who trained; keeps the networks that are better than before."""
        columns: dict[str, Any] = {"train_loss": figures.losses[0], "train_penalty": figures.penalties}
        columns |= {"train_accuracy": figures.accuracies[0]}
        columns |= {"validation_loss": figures.losses[1], "validation_accuracy": figures.accuracies[1]}
        columns = {name: np.asarray(value, np.float64) for name, value in (columns | norms | figures.probes).items()}
        rows: dict[Place, Row] = {}
        better = np.zeros_like(self._members.alive)
        share = seconds / self._members.alive.sum()
        for block, column, place in self._members.places():
            if self._members.alive[block, column]:
                figures_of = {name: float(values[block, column]) for name, values in columns.items()}
                own = {name: value for name, value in figures_of.items() if self._has(place, name, value)}
                rows[place] = own | {"seconds": float(share)}
                better[block, column] = self._members.add(place, rows[place])
        now = Best(self._carry.params, self._carry.state, figures.logits)
        self._best = self._program.keep_best(self._best, now, jnp.asarray(better))
        return rows

    def _has(self, place: Place, column: str, value: float) -> bool:
        """Whether a column means something for a member: a probe of a layer that only others have does not.

        A population says NaN for the saturation of units that a member does not have.
        """
        kind, probe, layer = column.partition("/")
        return not probe or (layer in self._layers[place[1]] and not (kind == "saturation" and np.isnan(value)))

    # Members that are done

    def _settle(self) -> Iterator[Outcome]:
        """Yields the members that finished with this epoch, freezes them, and drops them once they are the most."""
        done, pruned = self._ending(), self._pruned()
        if not done:
            return
        host = jax.device_get((self._carry, self._best, self._last_logits))
        compile_seconds = self._program.compile_seconds - self._compiled_before
        for block, column, place in done:
            yield self._outcome(host, block, column, place, compile_seconds, pruned=place in pruned)
            self._members.alive[block, column] = False
        self._settings = self._settings._replace(alive=jnp.array(self._members.alive))
        useful = [bool(column.any()) for column in self._members.alive.T]
        if 0 < 2 * sum(useful) <= len(useful) and self._worth_compiling(useful):
            arrays = self._arrays()
            self._members.settings = [s for s, keep in zip(self._members.settings, useful, strict=True) if keep]
            self._members.alive = self._members.alive[:, np.array(useful)]
            self._take_up(arrays)

    def _worth_compiling(self, useful: list[bool]) -> bool:
        """Whether going on without those who are done saves more than compiling their neighbours' own program costs."""
        facts, alive = self._dataset.facts(), self._members.alive
        epochs = max(self._members.run(place).plan.epochs for b, c, place in self._members.places() if alive[b, c])
        gone = [self.task.blocks[0][s].model for s, keep in zip(self._members.settings, useful, strict=True) if not keep]
        an_image = sum(models.facts(model, facts.image_shape, len(facts.classes)).operations for model in gone)
        saved = 3 * an_image * facts.train * (epochs - self._epoch) * len(self.task.blocks)
        return saved >= WORTH_COMPILING

    def _ending(self) -> list[tuple[int, int, Place]]:
        """Who trains no more after this epoch: row, column and place."""
        pruned, alive = self._pruned(), self._members.alive
        return [
            (b, c, place)
            for b, c, place in self._members.places()
            if alive[b, c] and (place in pruned or self._finished(place))
        ]

    def _pruned(self) -> set[Place]:
        """Who is pruned at the end of this epoch; whoever has come to an end by itself is not."""
        if self.task.pruning is None:
            return set()
        stopped = self.task.pruning.stopped(self._epoch, self._members.rows)
        return {place for place in stopped if not self._finished(place)}

    def _finished(self, place: Place) -> bool:
        run, rows = self._members.run(place), self._members.rows[place]
        return len(rows) >= run.plan.epochs or _diverged(rows[-1]) or self._patience_is_over(run, rows)

    def _patience_is_over(self, run: RunSpec, rows: list[Row]) -> bool:
        patience = run.plan.patience
        return 0 < patience <= len(rows) - best_epoch(History.from_rows(rows))

    def _outcome(
        self, host: tuple[Carry, Best, Any], block: int, column: int, place: Place, compile_seconds: float, *, pruned: bool
    ) -> Outcome:
        carry, best, last_logits = (jax.tree.map(lambda leaf: leaf[block], part) for part in host)
        run, rows = self._members.run(place), self._members.rows[place]
        facts = self._dataset.facts()
        runs = sum(len(block) for block in self.task.blocks)
        return Outcome(
            place,
            History.from_rows(rows),
            models.facts(run.model, facts.image_shape, len(facts.classes)),
            self._population.unpack(best.params, best.state, column),
            self._population.unpack(carry.params, carry.state, column),
            _softmax(best.logits[column][:, : facts.validation]),
            _softmax(last_logits[column][:, : facts.validation]),
            self._patience_is_over(run, rows) and len(rows) < run.plan.epochs,
            pruned,
            device_name(),
            compile_seconds / runs,
            self._training_seconds / runs,
        )

    # Checkpoints

    def checkpoint(self) -> Checkpoint:
        """Everything that the job needs to go on from here, bit for bit."""
        manifest = {
            "epoch": self._epoch,
            "step": self._step,
            "settings": self._members.settings,
            "alive": self._members.alive.tolist(),
            "rows": {f"{block}.{setting}": list(rows) for (block, setting), rows in self._members.rows.items()},
            "training_seconds": self._training_seconds,
        }
        return Checkpoint(self._arrays(), manifest)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {}
        carry, best = jax.device_get((self._carry, self._best))
        for block, column, (_, setting) in self._members.places():
            c, b = (jax.tree.map(lambda leaf, at=block: leaf[at], part) for part in (carry, best))
            kinds = {"weights": (c.params, c.state), "best": (b.params, b.state)}
            kinds |= {f"slots.{name}": (slot, {}) for name, slot in c.slots.items()}
            for kind, (params, state) in kinds.items():
                own = self._population.unpack(params, state, column)
                arrays.update({f"{block}.{setting}/{kind}/{name}": array for name, array in own.items()})
            arrays[f"{block}.{setting}/best_logits"] = np.array(b.logits[column])
        return arrays


def _place(name: str) -> Place:
    block, _, setting = name.partition(".")
    return int(block), int(setting)


def _layers(arrays: dict[str, NDArray[Any]], prefix: str) -> set[str]:
    """The layers of the network whose arrays begin with the prefix."""
    return {name.removeprefix(prefix).rpartition("/")[0] for name in arrays if name.startswith(prefix)}


def _score(row: Row) -> tuple[float, float]:
    return score(row["validation_accuracy"], row["validation_loss"])


def _diverged(row: Row) -> bool:
    return not all(np.isfinite(row[name]) for name in ("train_loss", "train_penalty", "validation_loss"))


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities `(n, C)` of logits `(C, n)`."""
    with np.errstate(invalid="ignore"):
        odds = np.exp(logits - logits.max(axis=0))
        return np.ascontiguousarray((odds / odds.sum(axis=0)).T.astype(np.float32))


def device_name() -> str:
    """What trains here: the kind of this process's device."""
    device = jax.devices()[0]
    return "cpu" if device.platform == "cpu" else f"{device.platform}: {device.device_kind}"
