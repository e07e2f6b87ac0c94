"""A new kind of each thing is a record in its table, as CONTRIBUTING says: a toy of each is added so, used and removed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import seedbed as sb
from hostile.engine import here
from seedbed import data, models, specs, studies
from seedbed.data.content import Content
from seedbed.data.readers import READERS, Reader
from seedbed.data.readers.arrays import RawPart, assemble
from seedbed.data.readers.inventory import Inventory
from seedbed.data.readers.options import ReadOptions
from seedbed.errors import SpecError
from seedbed.kinds import ACTIVATIONS, AUGMENTATIONS, OPTIMIZERS, Activation, Augmentation, Optimizer, Registry
from seedbed.models.architecture import LayerFacts, Weights, each_initial
from seedbed.models.stacked import StackedPopulation
from seedbed.specs import Dense, ModelSpec
from studies.samples import SMALL

CONTRIBUTING = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()

Add = Callable[[Registry[Any], Any], None]


@pytest.fixture
def add() -> Iterator[Add]:
    """Adds records to tables, and removes them after the test."""
    with ExitStack() as removed:

        def added(registry: Registry[Any], record: Any) -> None:
            registry.add(record)
            removed.callback(registry.remove, record)

        yield added


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """`seedbed.train` on digits, in this process, where the toys are known."""

    def trained(model: ModelSpec, **settings: Any) -> Any:
        [result] = sb.train(model, "digits", home=tmp_path / "runs", **{"epochs": 10, "learning_rate": 0.01, **settings})
        return result

    with here():
        yield trained


def accuracy(result: Any) -> float:
    return float(result.history["validation_accuracy"].max())


def test_a_new_activation_trains_and_its_saturation_is_measured(add: Add, train: Callable[..., Any]) -> None:
    add(ACTIVATIONS, Activation("softsign", "softsign", jax.nn.soft_sign, ends=(-0.7, 0.7)))
    result = train(Dense(hidden=(16,), activation="softsign"))
    assert accuracy(result) > 0.85
    assert 0 < result.history["saturation/dense_0"][-1] < 0.5


def test_a_new_optimizer_trains_and_its_gradients_are_measured(add: Add, train: Callable[..., Any]) -> None:
    def moments(g: Any, rate: Any, momentum: Any, last: Any) -> tuple[Any, ...]:
        return (g,)

    def moved(w: Any, g: Any, rate: Any, momentum: Any, last: Any) -> Any:
        return w - rate * jnp.sign(g)

    add(OPTIMIZERS, Optimizer("signs", "signs", ("last",), moments, moved, lambda before, after, rate, momentum: after[1]))
    result = train(Dense(hidden=(16,)), optimizer="signs")
    assert accuracy(result) > 0.85
    assert result.history["gradient/dense_0"][-1] > 0


def test_a_new_augmentation_changes_what_is_trained_on(add: Add, train: Callable[..., Any]) -> None:
    add(AUGMENTATIONS, Augmentation("blank", lambda images, key: jnp.zeros_like(images)))
    assert accuracy(train(Dense(hidden=(16,)), augment="blank", name="blank")) < 0.2
    assert accuracy(train(Dense(hidden=(16,)), name="seen")) > 0.85


def test_a_new_reader_reads_the_users_file(add: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(inventory: Inventory, options: ReadOptions) -> Content:
        inventory.take(*inventory.files)
        words = [line.split() for line in inventory.path.read_text().splitlines()]
        pixels = np.array([[int(digit) for digit in row] for row, _ in words], np.uint8)
        return assemble({"train": RawPart(pixels, np.array([label for _, label in words]), str(inventory.path))}, options)

    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "marks.digits"
    path.write_text("0100 low\n7999 high\n" * 40)
    with pytest.raises(sb.SeedbedError, match=r"Data are a folder of class folders"):
        data.add("marks", path)
    add(READERS, Reader("digits", "a .digits", lambda inventory, options: inventory.path.suffix == ".digits", read, ".digits"))
    info = data.add("marks", path)
    assert (info.image_shape, info.classes) == ((2, 2, 1), ("high", "low"))
    assert data.named(str(path)) == "marks"


class Prototypes(ModelSpec):
    """The nearest of one learned image per class."""

    hidden: ClassVar[tuple[int, ...]] = ()
    activation: ClassVar[str | None] = None
    dropout: ClassVar[float] = 0.0

    family: Literal["prototypes"] = "prototypes"
    sharpness: specs.Positive = 1.0

    @property
    def title(self) -> str:
        return f"prototypes, sharpness {self.sharpness:g}"


class PrototypePopulation(StackedPopulation):
    """Members of one sharpness, each with its own images."""

    self_contained = False

    def __init__(self, specs: Sequence[Prototypes], image_shape: tuple[int, int, int], classes: int) -> None:
        super().__init__(specs, {"prototypes/kernel": (int(np.prod(image_shape)), classes)}, microbatch=None, vectorized=True)
        self.sharpness, self.classes = specs[0].sharpness, classes

    @property
    def signature(self) -> Hashable:
        return "prototypes", self.sharpness, len(self.specs), str(self.weight_shapes)

    def initial(self, seed: int) -> list[Weights]:
        return each_initial([self.weight_shapes] * len(self.specs), seed)

    def one(self, params: Any, state: Any, x: Any, count: int, dropout: Any, key: Any) -> Any:
        x, kernel = x.reshape(count, -1), params["prototypes/kernel"]
        distances = jnp.sum(jnp.square(x[:, :, None] - kernel[None]), axis=1)
        return -jnp.float32(self.sharpness) * distances.T, state, {}


class PrototypeFamily(models.Family[Prototypes]):
    """Equal ones share a program."""

    name = "prototypes"

    def population(self, specs: Sequence[Prototypes], shape: Any, classes: int, precision: str, on_cpu: bool) -> Any:
        return PrototypePopulation(specs, shape, classes)

    def layers(self, spec: Prototypes, image_shape: Any, classes: int) -> list[LayerFacts]:
        numbers = int(np.prod(image_shape)) * classes
        return [LayerFacts("prototypes", "distances", (classes,), numbers, 3 * numbers)]

    def program(self, spec: Prototypes) -> Hashable:
        return spec


def test_a_new_family_trains_in_a_population_and_is_read_again(add: Add, tmp_path: Path) -> None:
    add(specs.FAMILIES, Prototypes)
    add(models.FAMILIES, PrototypeFamily())
    with here():
        how: dict[str, Any] = {"epochs": 10, "learning_rate": 0.01, "name": "near", "home": tmp_path}
        results = sb.sweep(Prototypes(sharpness=2.0), "digits", grid={"l2": [0, 1e-5, 1e-4]}, seeds=1, **how).results
    assert all(accuracy(result) > 0.85 for result in results)
    assert len({tuple(result.history["validation_loss"]) for result in results}) == 3
    [found] = sb.find(results[1].name, home=tmp_path)
    assert found.run == results[1].run
    assert found.model.parameters == 640
    assert sb.evaluate(found.name, home=tmp_path)


STUDY = replace(SMALL, name="toy")


def test_a_new_study_is_found_by_its_name_and_answers(add: Add, tmp_path: Path) -> None:
    add(studies.STUDIES, studies.Question("toy", "whether a huge penalty hurts", __name__))
    with here():
        answer = sb.studies.toy(data="digits", quick=True, seeds=2, workers=1, home=tmp_path)
    assert studies.find("toy") is STUDY
    assert answer.short == [answer.contrasts[0].sentence]


TABLES = [ACTIVATIONS, OPTIMIZERS, AUGMENTATIONS, READERS, specs.FAMILIES, models.FAMILIES, studies.STUDIES]


@pytest.mark.parametrize("registry", TABLES, ids=lambda registry: registry.kind)
def test_an_unknown_kind_is_an_error_that_offers_the_nearest(registry: Registry[Any]) -> None:
    known = list(registry)[-1]
    with pytest.raises(SpecError, match=re.escape(f"Did you mean '{known}'? Known: {', '.join(registry)}.")):
        registry[f"{known}s"]
    with pytest.raises(ValueError, match="is already registered"):
        registry.add(registry[known])


def test_every_family_is_known_to_specs_and_to_models() -> None:
    assert list(specs.FAMILIES) == list(models.FAMILIES)


def test_checking_a_name_loads_no_jax() -> None:
    program = "import sys; from seedbed.specs import Dense, Plan; Dense(), Plan(); print({'jax', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


MOST_FILES = {"activation": 2, "optimizer": 2, "augmentation": 1, "reader": 2, "family": 5, "study": 2}


@pytest.mark.parametrize("kind", MOST_FILES)
def test_contributing_says_which_files_a_new_kind_touches(kind: str) -> None:
    [section] = re.findall(rf"\*\*How to add an? {kind}[^*]*\*\*(.*?)(?=\n- \*\*|\n\n|\Z)", CONTRIBUTING, flags=re.DOTALL)
    named = set(re.findall(r"`(src/[\w/]+\.py|[\w/]*NAME\.py)`", section))
    assert 1 <= len(named) <= MOST_FILES[kind]
    root = Path(__file__).parents[1]
    assert all((root / name).is_file() for name in named if "NAME" not in name)
