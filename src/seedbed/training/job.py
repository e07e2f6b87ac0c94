"""A job: one population, trained from its first step or its last checkpoint to its end.

`Job.reports()` trains one segment at a time and yields its metrics; stopping, saving, freezing and compaction happen between
segments. A job uses one device and no files.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from seedbed import kernels, models
from seedbed.data import Dataset
from seedbed.errors import DeviceError
from seedbed.models.forms import KERNELS, PRODUCTS
from seedbed.models.protocol import Population
from seedbed.records import BALANCED_LOSSES, LATER_COLUMNS, History
from seedbed.training import footprint
from seedbed.training.feed import Chunk, EvalBatches, Resident, Source, Streamed
from seedbed.training.loaded import Loaded, NamedArrays, fresh_arrays
from seedbed.training.members import EpochMetrics, JobState, Member, Members, class_columns
from seedbed.training.program import Best, EvalMetrics, Program
from seedbed.training.programs import Programs
from seedbed.training.reports import Begun, Checkpoint, EpochWeights, JobReport, Outcome, Segment, Stopped, Task

SEGMENT_SECONDS = 2.0
"""Target length of a segment (s), if an epoch takes longer; results do not depend on it."""
LONG_EPOCH = 6.0
"""Length of an epoch (s) from which a single run is measured in its midst, too: compiling that takes up to a second."""
WORTH_COMPILING = 1e11
"""Smallest saving for which a population is compiled again without its finished members (operations): about 2 s of a core."""


class Job:
    """One population in training.

    Args:
        task: the population.
        dataset: the images.
        programs: this worker's compiled programs; the job adds its own.
        stop: called between segments; when it returns True, the job ends after a checkpoint.

    Raises:
        ModelError, SpecError: a network cannot be built for these images.
        DeviceError: a single network takes more than the memory.
    """

    def __init__(self, task: Task, dataset: Dataset, programs: Programs, stop: Callable[[], bool] = lambda: False) -> None:
        state = task.resume.state if task.resume else JobState.begin(len(task.blocks), len(task.blocks[0]))
        self.task = task
        self._dataset = dataset
        self._programs = programs
        self._stop = stop
        self._source = _source(dataset, task)
        self._members = Members(task.blocks, state)
        self._epoch, self._step = state.epoch, state.step
        self._training_seconds = state.training_seconds
        self._pace = 0.0  # seconds per step
        self._prepared: Program | None = None
        self._saved_before_end = task.resume is not None
        self._looked = -math.inf  # time of the last snapshot (s, monotonic)
        self._last_logits: Any = None  # from the last complete epoch
        population = self._population()
        arrays = task.resume.arrays if task.resume else fresh_arrays(population, self._members)
        self._check_memory(arrays)
        self._loaded = self._load(population, arrays, EvalBatches(dataset, population.eval_batch_size))

    def reports(self) -> Iterator[JobReport]:
        """Train the population and yield reports; ends with `Stopped`, or when all members are finished."""
        yield Begun(device_name(), self.task.epochs, self._steps(), tuple(self._notes()), self._remarks())
        saved = time.monotonic()
        if self._epoch and not self._step:  # saved at an epoch's end, before its outcomes
            self._last_logits = self._loaded.evaluated().logits
            yield from self._settle()
        while self._members.alive.any():
            for segment in self._epoch_of_segments():
                yield segment
                if segment.rows:
                    yield from self._snapshots()
                    yield from self._saved_whole()
                    yield from self._settle()
                if self._stop() and self._members.alive.any():
                    yield self.checkpoint()
                    yield Stopped()
                    return
                if self._due(saved):
                    yield self.checkpoint()
                    saved = time.monotonic()

    def checkpoint(self) -> Checkpoint:
        """Everything that is needed to continue the job from here, bit for bit."""
        members = self._members
        alive = tuple(map(tuple, members.alive.tolist()))
        rows = {member: list(rows) for member, rows in members.rows.items()}
        form = self._loaded.population.form
        state = JobState(self._epoch, self._step, tuple(members.settings), alive, rows, self._training_seconds, form)
        return Checkpoint(self._loaded.arrays(members), state)

    def _notes(self) -> Iterator[str]:
        """Notes on the form in which the networks are computed: not the fastest, or not that of the save."""
        form = self._loaded.population.form
        saved = self.task.resume.state.form if self.task.resume else form
        if form == PRODUCTS and (support := kernels.support()).broken:
            yield f"The networks train without native kernels, convolutional ones at about half the speed: {support.reason}"
        if not saved and form.startswith(KERNELS):
            saved = PRODUCTS  # an older seedbed made the save
        if saved and saved != form:
            yield (
                f"The save was made with the form {saved!r}, and training continues with {form!r}: equally good, but not to "
                f"the last bit what an uninterrupted run gives. {kernels.SWITCH} chooses the form."
            )

    def _remarks(self) -> tuple[str, ...]:
        """What is to be said about networks of the user's own, each sentence once."""
        facts, sentences = self._dataset.facts(), dict[str, None]()
        for run in self.task.blocks[0]:
            found = models.FAMILIES[run.model.family].remarks(run.model, facts.image_shape, len(facts.classes), run.plan)
            sentences.update(dict.fromkeys(found))
        return tuple(sentences)

    def _snapshots(self) -> Iterator[EpochWeights]:
        """The weights of members whose plans keep this epoch; of all members, where a snapshot is due or they end."""
        every, now = self.task.snapshots, time.monotonic()
        due = every is not None and (now - self._looked >= every or bool(self._ending()))
        self._looked = now if due else self._looked
        places = [p for p in self._members.living() if due or self._epoch in self._members.run(p[2]).plan.keep_epochs]
        if not places:
            return
        params, state, _ = jax.device_get(self._loaded.train_state._replace(slots={}))
        for block, column, member in places:
            p, s = (jax.tree.map(lambda leaf, at=block: leaf[at], part) for part in (params, state))
            yield EpochWeights(member, self._epoch, self._loaded.population.unpack(p, s, column))

    def _saved_whole(self) -> Iterator[Checkpoint]:
        """Save the whole population before its first member ends, if members are pruned.

        Pruning depends on all members, so a population must never be rebuilt from the unfinished ones alone.
        """
        if self.task.pruning and not self._saved_before_end and self._ending():
            self._saved_before_end = True
            yield self.checkpoint()

    def _due(self, saved: float) -> bool:
        every = self.task.save_every
        return every is not None and time.monotonic() - saved >= every and bool(self._members.alive.any())

    # Loading

    def _population(self) -> Population:
        specs = [self.task.blocks[0][setting].model for setting in self._members.settings]
        facts, on_cpu = self._dataset.facts(), jax.default_backend() == "cpu"
        return models.build(specs, facts.image_shape, len(facts.classes), precision=self.task.plan.precision, on_cpu=on_cpu)

    def _check_memory(self, arrays: NamedArrays) -> None:
        """Refuse a single network that cannot fit; its driver does not know the size of one that must be built first."""
        if self.task.memory is None or len(self.task.runs) > 1:
            return
        parameters = sum(array.size for name, array in arrays.items() if "/weights/" in name)
        want = footprint.shortage(self.task.plan, parameters, self.task.memory)
        if want:
            raise DeviceError(want)

    def _load(self, population: Population, arrays: NamedArrays, eval_batches: EvalBatches) -> Loaded:
        blocks, shared = len(self.task.blocks), self._source.shared
        program = self._programs.of(population, self.task.plan, blocks, self._dataset.normalization, shared=shared)
        return Loaded.of(population, program, eval_batches, self._members, arrays, self._dataset)

    # An epoch

    def _steps(self) -> int:
        return -(-len(self._dataset.train) // int(self.task.plan.batch_size))

    def _epoch_of_segments(self) -> Iterator[Segment]:
        plans = [[block[s].plan for s in self._members.settings] for block in self.task.blocks]
        epoch_began = self._training_seconds
        norms: dict[str, Any] = {}
        for chunk in self._source.chunks(self._epoch, self._step, plans):
            self._prepare(chunk)
            at = chunk.start
            while at < chunk.stop:
                stop = self._segment_stop(chunk, at)
                norms = self._segment(chunk, at, stop)
                at, self._step = stop, chunk.offset + stop
                if self._step < self._steps():
                    yield Segment(self._epoch + 1, self._step, self._steps(), {}, self._glance())
        metrics = self._timed(self._loaded.evaluated)
        self._last_logits = metrics.logits
        rows = self._rows(metrics, norms, self._training_seconds - epoch_began)
        self._epoch, self._step = self._epoch + 1, 0
        yield Segment(self._epoch, self._steps(), self._steps(), rows)

    def _prepare(self, chunk: Chunk) -> None:
        """Compile the program, whose shapes are the same for all chunks."""
        loaded = self._loaded
        if loaded.program is not self._prepared:
            loaded.program.prepare(loaded.train_state, loaded.best, chunk.feed, loaded.settings, loaded.eval_batches.shapes)
            self._prepared = loaded.program

    def _segment_stop(self, chunk: Chunk, at: int) -> int:
        """Last step of a segment of about `SEGMENT_SECONDS`."""
        steps = int(SEGMENT_SECONDS / self._pace) if self._pace else 16
        return min(chunk.stop, at + max(1, steps))

    def _glance(self) -> EpochMetrics | None:
        """Loss and accuracy in the midst of an epoch, where one waits for its end; it does not count as training time."""
        waits = self._steps() * self._pace >= LONG_EPOCH
        return self._loaded.glance() if waits and len(self.task.runs) == 1 else None

    def _timed(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Call `work` and count its duration as training time, without compilation."""
        program = self._loaded.program
        compiled, began = program.compile_seconds, time.perf_counter()
        result = work(*arguments)
        for leaf in jax.tree.leaves(result):
            leaf.block_until_ready()
        self._training_seconds += time.perf_counter() - began - (program.compile_seconds - compiled)
        return result

    def _segment(self, chunk: Chunk, start: int, stop: int) -> Any:
        """Take some steps, and return the norms of the last one's gradient and update."""
        before, loaded = self._training_seconds, self._loaded
        arguments = (loaded.train_state, chunk.feed, loaded.settings, start, stop)
        train_state, norms = self._timed(loaded.program.run_segment, *arguments)
        self._loaded = replace(loaded, train_state=train_state)
        self._pace = (self._training_seconds - before) / (stop - start)
        return norms

    def _rows(self, metrics: EvalMetrics, norms: dict[str, Any], seconds: float) -> dict[Member, EpochMetrics]:
        """The epoch's metrics of all members that trained; also updates the best networks."""
        losses, accuracies = np.asarray(metrics.losses), np.asarray(metrics.accuracies)
        measured = {"train_loss": losses[0], "train_penalty": metrics.penalties, "train_accuracy": accuracies[0]}
        measured |= {"validation_loss": losses[1], "validation_accuracy": accuracies[1]}
        columns = {name: np.asarray(value, np.float64) for name, value in (measured | norms | metrics.probes).items()}
        columns |= class_columns(np.asarray(metrics.of_classes), self._loaded.eval_batches.class_counts)
        rows: dict[Member, EpochMetrics] = {}
        better = np.zeros_like(self._members.alive)
        share = seconds / self._members.alive.sum()
        for block, column, member in self._members.living():
            values = {name: float(array[block, column]) for name, array in columns.items()}
            own = {name: value for name, value in values.items() if self._has(member, name, value)}
            rows[member] = own | {"seconds": float(share)}
            better[block, column] = self._members.add(member, rows[member])
        if better.any():
            loaded = self._loaded
            now = Best(loaded.train_state.params, loaded.train_state.state, metrics.logits)
            self._loaded = replace(loaded, best=loaded.program.keep_best(loaded.best, now, better))
        return rows

    def _has(self, member: Member, column: str, value: float) -> bool:
        """Whether the member has this metric: a probe of a layer that only other members have is excluded.

        Populations return NaN for the saturation of a layer that a member does not have. Balanced losses are those of members
        with class weights. A run that an older seedbed began keeps the columns that it has.
        """
        if column in BALANCED_LOSSES:
            return self._members.run(member).plan.class_weight == "balanced"
        if column in LATER_COLUMNS:
            return all(column in row for row in self._members.rows.get(member, [])[:1])
        kind, probe, layer = column.partition("/")
        return not probe or (layer in self._loaded.layers[member[1]] and not (kind == "saturation" and np.isnan(value)))

    # Finished members

    def _settle(self) -> Iterator[Outcome]:
        """Yield the outcomes of members that ended with this epoch, freeze these, and drop them once half of all have ended."""
        done, pruned, loaded = self._ending(), self._pruned(), self._loaded
        if not done:
            return
        host = replace(loaded, train_state=jax.device_get(loaded.train_state), best=jax.device_get(loaded.best))
        logits = jax.device_get(self._last_logits)
        for block, column, member in done:
            yield self._outcome(host, logits[block][column], block, column, member, pruned=member in pruned)
            self._members.alive[block, column] = False
        self._loaded = replace(
            loaded, settings=loaded.settings._replace(alive=jax.device_put(self._members.alive, may_alias=False))
        )
        useful = [bool(column.any()) for column in self._members.alive.T]
        if 0 < 2 * sum(useful) <= len(useful) and self._worth_compiling(useful):
            self._compact(useful)

    def _compact(self, useful: Sequence[bool]) -> None:
        """Continue in a smaller program, without the settings that have ended."""
        arrays, before = self._loaded.arrays(self._members), self._loaded
        self._members.drop(useful)
        population = self._population()
        same = population.eval_batch_size == before.population.eval_batch_size
        eval_batches = before.eval_batches if same else EvalBatches(self._dataset, population.eval_batch_size)
        self._loaded = self._load(population, arrays, eval_batches)

    def _worth_compiling(self, useful: Sequence[bool]) -> bool:
        """Whether dropping the settings that have ended saves more than compiling a program without them costs."""
        facts = self._dataset.facts()
        epochs = max(self._members.run(member).plan.epochs for _, _, member in self._members.living())
        ended = [self.task.blocks[0][s].model for s, keep in zip(self._members.settings, useful, strict=True) if not keep]
        per_image = sum(models.facts(model, facts.image_shape, len(facts.classes)).operations for model in ended)
        saved = 3 * per_image * facts.train * (epochs - self._epoch) * len(self.task.blocks)
        return saved >= WORTH_COMPILING

    def _ending(self) -> list[tuple[int, int, Member]]:
        """Row, column and number of the members that end with this epoch."""
        pruned = self._pruned()
        return [place for place in self._members.living() if place[2] in pruned or self._finished(place[2])]

    def _pruned(self) -> set[Member]:
        """The members that are pruned at the end of this epoch, without finished ones."""
        if self.task.pruning is None:
            return set()
        stopped = self.task.pruning.stopped(self._epoch, self._members.rows)
        return {member for member in stopped if not self._finished(member)}

    def _finished(self, member: Member) -> bool:
        run, rows = self._members.run(member), self._members.rows[member]
        return len(rows) >= run.plan.epochs or _diverged(rows[-1]) or self._members.patience_is_over(member)

    def _outcome(
        self, host: Loaded, logits: NDArray[np.float32], block: int, column: int, member: Member, *, pruned: bool
    ) -> Outcome:
        """The outcome of a member.

        Args:
            host: the population with arrays in host memory.
            logits: logits of the last network.
            block, column: position in the program.
            member: number in the task.
            pruned: whether the member was pruned.
        """
        train_state, best = (jax.tree.map(lambda leaf: leaf[block], part) for part in (host.train_state, host.best))
        run, rows = self._members.run(member), self._members.rows[member]
        facts = self._dataset.facts()
        runs = len(self.task.runs)
        return Outcome(
            member,
            History.from_rows(rows),
            models.facts(run.model, facts.image_shape, len(facts.classes)),
            host.population.unpack(best.params, best.state, column),
            host.population.unpack(train_state.params, train_state.state, column),
            host.optimizer(block, column) if run.plan.schedule == "constant" and not pruned else {},
            _softmax(best.logits[column][:, : facts.validation]),
            _softmax(logits[:, : facts.validation]),
            pruned,
            device_name(),
            host.compile_seconds / runs,
            self._training_seconds / runs,
            host.population.form,
        )


def _source(dataset: Dataset, task: Task) -> Source:
    part, seeds, batch_size = dataset.train, [block[0].seed for block in task.blocks], task.plan.batch_size
    if part.nbytes > footprint.RESIDENT_BYTES:
        return Streamed(part, seeds, batch_size)
    room = dataset.room.train if dataset.room else len(part)
    fits = room * part.nbytes <= footprint.RESIDENT_BYTES * len(part)
    return Resident(part, seeds, batch_size, room if fits else len(part))


def _diverged(row: EpochMetrics) -> bool:
    return not all(np.isfinite(row[name]) for name in ("train_loss", "train_penalty", "validation_loss"))


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities `(n, C)` of logits `(C, n)`."""
    with np.errstate(invalid="ignore"):
        odds = np.exp(logits - logits.max(axis=0))
        return np.ascontiguousarray((odds / odds.sum(axis=0)).T.astype(np.float32))


def device_name() -> str:
    """Name of this process's device."""
    device = jax.devices()[0]
    return "cpu" if device.platform == "cpu" else f"{device.platform}: {device.device_kind}"
