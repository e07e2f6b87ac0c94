"""Specs: every bad number is one line that names setting, value and rule; equal specs have equal identities."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from seedbed.errors import SpecError
from seedbed.kinds import OPTIMIZERS
from seedbed.names import checked_group, checked_name
from seedbed.parsing import from_yaml
from seedbed.specs import Conv, DataSpec, Dense, Keras, Plan, RunSpec, to_yaml
from seedbed.validation import Spec

NAN, INF = math.nan, math.inf

BAD: list[tuple[type[Spec], dict[str, Any], str]] = [
    (Plan, {"epochs": 0}, "epochs = 0: it must be greater than or equal to 1."),
    (Plan, {"epochs": 1.5}, "epochs = 1.5: "),
    (Plan, {"epochs": NAN}, "epochs = nan: "),
    (Plan, {"batch_size": 0}, "batch_size = 0: it must be greater than or equal to 1."),
    (Plan, {"learning_rate": 0}, "learning_rate = 0: it must be greater than 0."),
    (Plan, {"learning_rate": -1e-3}, "learning_rate = -0.001: it must be greater than 0."),
    (Plan, {"learning_rate": NAN}, "learning_rate = nan: it must be "),
    (Plan, {"learning_rate": INF}, "learning_rate = inf: it must be a finite number."),
    (Plan, {"learning_rate": "fast"}, "learning_rate = 'fast': it must be a valid number"),
    (Plan, {"l2": -1}, "l2 = -1: it must be greater than or equal to 0."),
    (Plan, {"l1": NAN}, "l1 = nan: it must be "),
    (Plan, {"l2": INF}, "l2 = inf: it must be a finite number."),
    (Plan, {"momentum": 1}, "momentum = 1: it must be less than 1."),
    (Plan, {"momentum": NAN}, "momentum = nan: it must be "),
    (Plan, {"weight_decay": NAN}, "weight_decay = nan: it must be "),
    (Plan, {"patience": -1}, "patience = -1: it must be greater than or equal to 0."),
    (Plan, {"optimizer": "adamm"}, "optimizer = 'adamm' is not known. Did you mean 'adam'?"),
    (Plan, {"schedule": "cosin"}, "Did you mean 'cosine'? Known: constant, cosine, onecycle."),
    (Plan, {"augment": "rotate"}, "augment = 'rotate' is not known."),
    (Plan, {"precision": "f16"}, "Known: f32, bf16, tf32."),
    (Plan, {"learning_rat": 0.1}, "Plan has no setting 'learning_rat'. Did you mean 'learning_rate'?"),
    (Dense, {"hidden": (10, 0)}, "hidden.1 = 0: it must be greater than or equal to 1."),
    (Dense, {"hidden": (-3,)}, "hidden.0 = -3: "),
    (Dense, {"hidden": (NAN,)}, "hidden.0 = nan: "),
    (Dense, {"activation": "rleu"}, "Did you mean 'relu'?"),
    (Dense, {"dropout": 1.0}, "dropout = 1.0: it must be less than 1."),
    (Dense, {"dropout": NAN}, "dropout = nan: it must be "),
    (Conv, {"filters": ()}, "filters = (): "),
    (Conv, {"filters": (4, 0)}, "filters.1 = 0: "),
    (Conv, {"filters": (4, 4), "kernel": (3, 3, 3)}, "has 3 values for 2 convolutions; give one, or one for each"),
    (Conv, {"filters": (4,), "stride": 0}, "stride.0 = 0: "),
    (Conv, {"padding": "sme"}, "padding = 'sme' is not known. Did you mean 'same'?"),
    (DataSpec, {"label_noise": 1.0}, "label_noise = 1.0: it must be less than 1."),
    (DataSpec, {"label_noise": NAN}, "label_noise = nan: it must be "),
    (DataSpec, {"first": 0}, "first = 0: it must be greater than or equal to 1."),
    (DataSpec, {"split_seed": -1}, "split_seed = -1: it must be greater than or equal to 0."),
    (DataSpec, {"size": (28, 0)}, "size.1 = 0: "),
    (RunSpec, {"seed": 2**32}, f"seed = {2**32}: it must be less than {2**32}."),
    (RunSpec, {"seed": -1}, "seed = -1: it must be greater than or equal to 0."),
    (Keras, {"file": "a.py"}, "Keras needs the setting 'function'."),
]


@pytest.mark.parametrize(("spec", "settings", "message"), BAD, ids=lambda value: str(value)[:60])
def test_a_bad_setting_is_one_line(spec: type[Spec], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as raised:
        spec(**settings)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_changed_spec_is_checked_anew_and_the_old_one_stays() -> None:
    plan = Plan()
    assert plan.changed(epochs=3).epochs == 3
    assert plan.epochs == 10
    with pytest.raises(SpecError, match="epochs = 0"):
        plan.changed(epochs=0)


def test_the_defaults_are_the_exercises_own() -> None:
    run = RunSpec()
    assert run.model == Dense(hidden=(200, 100), activation="relu")
    assert (run.plan.optimizer, run.plan.learning_rate, run.plan.batch_size, run.plan.epochs) == ("adam", 1e-3, 128, 10)
    assert (run.data.name, run.data.protocol) == ("mnist", "honest")
    assert (Conv().filters, Conv().kernel, Conv().pool, Conv().padding) == ((20, 10), (5, 3), (2, 2), "same")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ({"filters": (4, 5, 6), "kernel": 3}, {"kernel": (3, 3, 3), "stride": (1, 1, 1), "pool": (2, 2, 2)}),
        ({"filters": (4, 5), "pool": (1,)}, {"kernel": (5, 3), "stride": (1, 1), "pool": (1, 1)}),
        ({"filters": (4,)}, {"kernel": (3,), "stride": (1,), "pool": (2,)}),
    ],
)
def test_one_value_serves_all_convolutions(short: dict[str, Any], long: dict[str, Any]) -> None:
    spec = Conv(**short)
    assert {name: getattr(spec, name) for name in long} == long
    assert spec == Conv(filters=short["filters"], **long)
    assert spec.identity == Conv(filters=short["filters"], **long).identity


CHANGES: list[dict[str, Any]] = [
    {"model": Dense(hidden=(200, 101))},
    {"model": Conv()},
    {"model": Conv(separable=True)},
    {"plan": Plan(l2=1e-9)},
    {"plan": Plan(epochs=11)},
    {"plan": Plan(select="accuracy")},
    {"plan": Plan(select="loss")},
    {"data": DataSpec(name="digits")},
    {"data": DataSpec(split_seed=1)},
    {"data": DataSpec(inner=True)},
    {"seed": 1},
]


def test_identity_is_of_all_that_decides_the_outcome() -> None:
    identities = [RunSpec(**change).identity for change in [{}, *CHANGES]]
    assert len(set(identities)) == len(identities)
    assert RunSpec(plan=Plan(learning_rate=0.001)).identity == RunSpec().identity


@pytest.mark.parametrize(
    ("field", "optimizers"), [("momentum", ("momentum", "nesterov")), ("weight_decay", ("adamw",))], ids=["momentum", "decay"]
)
@pytest.mark.parametrize("optimizer", tuple(OPTIMIZERS))
def test_what_an_optimizer_does_not_look_at_makes_no_other_run(field: str, optimizers: tuple[str, ...], optimizer: str) -> None:
    one, other = (RunSpec(plan=Plan(optimizer=optimizer, **{field: value})) for value in (0.1, 0.2))
    assert (one.identity == other.identity) == (optimizer not in optimizers)
    assert (one.setting == other.setting) == (optimizer not in optimizers)


def test_the_identity_of_the_default_run_never_changes() -> None:
    """A home finds its finished runs by it."""
    assert RunSpec().identity == "7404c8116af8b036"
    assert RunSpec(model=Conv()).identity == "b82ae2bdf728d4d4"


BEFORE = Plan(select="accuracy")
"""The default before plans said which epoch they keep."""


def test_the_identity_of_runs_from_before_a_field_was_added_never_changes() -> None:
    assert RunSpec(plan=BEFORE).identity == "ae3fea7db1027ce9"
    assert RunSpec(model=Conv(), plan=BEFORE).identity == "e4becaf36af3e7c0"


def test_settings_written_before_a_field_was_added_have_its_value_of_then() -> None:
    written = {name: value for name, value in RunSpec().plain()["plan"].items() if name != "select"}
    assert Plan(**written) == BEFORE
    assert RunSpec(plan=written).identity == RunSpec(plan=BEFORE).identity
    written.pop("l1")  # a user's own settings: what is left out is the default of today
    assert Plan(**written) == Plan()


def test_auto_epochs_stand_for_many_with_patience() -> None:
    assert Plan(epochs="auto") == Plan(epochs=500, patience=10)
    assert Plan(epochs="auto", patience=4) == Plan(epochs=500, patience=4)
    assert Plan().changed(epochs="auto") == Plan(epochs="auto")
    with pytest.raises(SpecError, match="the schedule 'cosine' needs a number of epochs"):
        Plan(epochs="auto", schedule="cosine")


def test_runs_of_one_setting_differ_only_in_seed() -> None:
    assert RunSpec(seed=3).setting == RunSpec(seed=4).setting != RunSpec(seed=3, plan=Plan(l1=1.0)).setting


DIGEST = 64 * "0"
RUNS = [
    RunSpec(),
    RunSpec(model=Conv(filters=(3,), hidden=(4,), head="average"), plan=Plan(schedule="cosine"), seed=7),
    RunSpec(
        model=Keras(file="a.py", function="f", arguments={"width": 3, "name": "x"}, digest=DIGEST), data=DataSpec(size=(8, 9))
    ),
]


@pytest.mark.parametrize("run", RUNS)
def test_yaml_and_plain_values_give_the_spec_back(run: RunSpec) -> None:
    assert RunSpec(**from_yaml(to_yaml(run))) == run
    assert RunSpec(**run.plain()).identity == run.identity


def test_the_family_says_what_model_is_meant() -> None:
    assert RunSpec(model={"family": "dense", "hidden": [3]}).model == Dense(hidden=(3,))
    with pytest.raises(SpecError):
        RunSpec(model={"family": "dance"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "x.yaml, line 1: this is not YAML"),
        ("- 1", "it must be a mapping of settings, and is list"),
        ("", "is NoneType"),
    ],
)
def test_bad_yaml_is_one_line_with_its_place(text: str, message: str) -> None:
    with pytest.raises(SpecError) as raised:
        from_yaml(text, "x.yaml")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_yaml_makes_no_objects() -> None:
    with pytest.raises(SpecError):
        from_yaml("a: !!python/object/apply:os.getcwd []")


def test_a_users_file_counts_by_its_text_not_by_its_place(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    one, other = tmp_path / "net.py", tmp_path / "b" / "moved.py"
    for path in (one, other):
        path.write_text("def f(): ...\n")
    specs = [Keras.of(f"{path}:f", width=3) for path in (one, other)]
    assert specs[0].identity == specs[1].identity
    one.write_text("def f(): pass\n")
    assert Keras.of(f"{one}:f", width=3).identity != specs[0].identity
    assert Keras.of(f"{other}:f", width=4).identity != specs[1].identity


@pytest.mark.parametrize("target", ["net.py", "net:f", "net.py:", "net.py:1f", "gone.py:f"])
def test_a_target_that_is_no_file_and_function_is_refused(target: str) -> None:
    with pytest.raises(SpecError, match="--model"):
        Keras.of(target)


GOOD_NAMES = ["a", "A-1_b.c", "0", "_x", "a" * 100, "console"]
BAD_NAMES = ["", ".", "..", "a/b", "a\\b", "-a", ".a", "a.", "a b", "é", "a" * 101, "con", "NUL.txt", "com1", "a\n", "a\x00"]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_good_names_are_names_everywhere(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_bad_names_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(SpecError) as raised:
        checked_name(name)
    assert "\n" not in str(raised.value)


def test_names_of_seeds_are_kept_from_users() -> None:
    assert checked_group("a.b") == "a.b"
    with pytest.raises(SpecError, match="names the seeds of a group"):
        checked_group("a.3")
