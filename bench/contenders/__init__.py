"""Ways to train the same networks: ours and its peers. Each is a program that takes a `Job` and gives an `Answer`."""

from __future__ import annotations

import importlib.util
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import processes
from bench.job import Answer, Job, Net
from bench.processes import Command, Memory

SINGLE = "--xla_cpu_multi_thread_eigen=false"


@dataclass(frozen=True)
class Contender:
    """One way to train networks.

    Attributes:
        name: in the tables.
        module: the program.
        package: what must be installed.
        threads, processes: how the cores are used; several processes share the networks out and run side by side.
        options: passed to the program.
        environment: of the program.
        compiler: whether a C++ compiler is needed.
        families: of networks that it can train.
        alike: whether all networks must have one shape.
        cold: whether it begins with no compiled program from before.
    """

    name: str
    module: str
    package: str
    threads: int = 2
    processes: int = 1
    options: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    compiler: bool = False
    families: tuple[str, ...] = ("dense", "conv")
    alike: bool = False
    cold: bool = True

    @property
    def ours(self) -> bool:
        return self.package == "seedbed"

    def fits(self, job: Job) -> bool:
        """Whether it can train these networks, and has a use for its processes."""
        enough = len(job.nets) >= self.processes
        known = all(net.family in self.families for net in job.nets)
        return enough and known and (not self.alike or len({net.shape for net in job.nets}) == 1 < len(job.nets))

    def missing(self) -> str | None:
        """Why it cannot run here, or None."""
        if importlib.util.find_spec(self.package) is None:
            return f"{self.package} is not installed"
        if self.compiler and not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
            return "there is no C++ compiler"
        return None


@dataclass(frozen=True)
class Trial:
    """One measurement of a contender.

    Attributes:
        seconds: shell to shell.
        answer: what its processes measured: the longest of their epochs, and of their warm-ups; None where one failed.
        error: why it failed.
    """

    seconds: float
    answer: Answer | None
    error: str = ""
    memory: Memory = field(default_factory=Memory)


def run(contender: Contender, job: Job, scratch: Path, *, memory: bool = False) -> Trial:
    """Starts the contender's processes side by side and waits for all.

    Args:
        scratch: a folder for this sitting.
        memory: whether to watch the memory of its processes.
    """
    own = job.changed(threads=contender.threads, options=contender.options)
    commands = [_command(contender, own.changed(nets=nets), scratch) for nets in deal(own.nets, contender.processes)]
    ended = processes.together(commands, memory=memory)
    for each in ended:
        if each.code != 0:
            return Trial(each.seconds, None, each.why)
    answers = [Answer(**json.loads(each.output.splitlines()[-1])) for each in ended]
    return Trial(max(each.seconds for each in ended), _joined(answers), memory=ended[0].memory)


def _command(contender: Contender, job: Job, scratch: Path) -> Command:
    threads = str(contender.threads)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    environment = dict.fromkeys(names, threads) | {"TF_NUM_INTEROP_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment |= {
        "XLA_FLAGS": SINGLE if contender.threads == 1 else "",
        "CUDA_VISIBLE_DEVICES": "" if job.device == "cpu" else "0",
    }
    environment |= {"NPROC": "1"} if contender.threads == 1 else {}  # what XLA's own pool of threads goes by
    environment |= _caches(contender, scratch)
    return processes.python(contender.module, text=job.text(), environment=environment | contender.environment)


def _caches(contender: Contender, scratch: Path) -> dict[str, str]:
    """Compiled programs: an empty folder for those that begin cold, the sitting's own for the others.

    The images that seedbed has decoded are linked into the empty folder: reading the data set's archive is not compilation.
    """
    if not contender.cold:
        return {"SEEDBED_CACHE": str(scratch / "cache")} if contender.ours else {}
    return {"SEEDBED_CACHE": str(cold_cache(scratch)), "TORCHINDUCTOR_CACHE_DIR": str(_fresh(scratch, "inductor"))}


def cold_cache(scratch: Path) -> Path:
    """A cache of seedbed's with the sitting's decoded images and without compiled programs."""
    cache = _fresh(scratch, "cold")
    data = scratch / "cache" / "data"
    data.mkdir(parents=True, exist_ok=True)
    (cache / "data").symlink_to(data, target_is_directory=True)
    return cache


def _fresh(scratch: Path, name: str) -> Path:
    folder = scratch / f"{name}-{sum(1 for _ in scratch.glob(f'{name}-*'))}"
    folder.mkdir()
    return folder


def deal(nets: Sequence[Net], hands: int) -> list[tuple[Net, ...]]:
    """The networks dealt out so that each process has about the same work, the large ones first."""
    dealt: list[list[Net]] = [[] for _ in range(hands)]
    for net in sorted(nets, key=_weight, reverse=True):
        min(dealt, key=lambda hand: sum(map(_weight, hand))).append(net)
    return [tuple(hand) for hand in dealt]


def _weight(net: Net) -> int:
    """About proportional to a step's time: the pixels' layer, and a constant for what every step costs."""
    return 100 + (net.hidden[0] if net.hidden else 0)


def _joined(answers: Sequence[Answer]) -> Answer:
    longest = [max(values, key=lambda value: -math.inf if math.isnan(value) else value) for values in _columns(answers)]
    accuracies = [accuracy for answer in answers for accuracy in answer.accuracies]
    return Answer(longest[0], longest[1], accuracies, answers[0].facts)


def _columns(answers: Sequence[Answer]) -> list[list[float]]:
    return [[answer.epoch for answer in answers], [answer.warm for answer in answers]]


EVERY_FAMILY = ("dense", "conv", "keras")
OURS_COLD = Contender("seedbed, nothing compiled before", "bench.contenders.ours", "seedbed", families=EVERY_FAMILY)
OURS = Contender("seedbed, programs kept from before", "bench.contenders.ours", "seedbed", families=EVERY_FAMILY, cold=False)


def _keras(backend: str, package: str) -> list[Contender]:
    title = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}[backend]
    environment = {"KERAS_BACKEND": backend}
    module = "bench.contenders.keras_fit"
    return [
        Contender(f"Keras on {title}{how}", module, package, threads, hands, environment=environment, families=EVERY_FAMILY)
        for threads, hands, how in ((2, 1, ""), (1, 2, ", 2 processes"))
    ]


def _pytorch() -> list[Contender]:
    module = "bench.contenders.pytorch"
    made = []
    for threads, hands, how in ((2, 1, ""), (1, 2, ", 2 processes")):
        for compiled in (False, True):
            name = f"PyTorch {'compiled' if compiled else 'eager'}{how}"
            made.append(Contender(name, module, "torch", threads, hands, {"compiled": compiled}, compiler=compiled))
        name = f"PyTorch eager, channels first{how}"
        made.append(Contender(name, module, "torch", threads, hands, {"channels_first": True}, families=("conv",)))
        for compiled in (False, True)[: 3 - hands]:  # to compile the stack twice side by side takes longer than to train it
            name = f"PyTorch, one hand-written stack{', compiled' if compiled else ''}{how}"
            options = {"compiled": compiled}
            stack = "bench.contenders.pytorch_stack"
            made.append(Contender(name, stack, "torch", threads, hands, options, {}, compiled, families=("dense",), alike=True))
    return made


PEERS: list[Contender] = [
    *_pytorch(),
    *_keras("jax", "keras"),
    *_keras("tensorflow", "tensorflow"),
    *_keras("torch", "torch"),
    Contender("scikit-learn", "bench.contenders.sklearn_mlp", "sklearn", families=("dense",)),
    Contender("scikit-learn, 2 processes", "bench.contenders.sklearn_mlp", "sklearn", 1, 2, families=("dense",)),
]
