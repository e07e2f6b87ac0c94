"""Flags and files of settings become specs."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from seedbed.cli.settings import Choice, chosen, flags
from seedbed.errors import SpecError
from seedbed.specs import Conv, DataSpec, Dense, Keras, Plan, RunSpec


def choose(line: str = "", **given: object) -> Choice:
    """What these flags ask for, through click as `seedbed train` does it."""
    found: list[Choice] = []

    @click.command()
    @flags
    def command(**values: object) -> None:
        asked = {"seed": None, "seeds": None, "config": None}
        found.append(chosen(values, **{**asked, **given}))

    outcome = CliRunner().invoke(command, shlex.split(line), standalone_mode=False)
    if outcome.exception:
        raise outcome.exception
    return found[0]


def test_without_flags_it_is_the_exercises_dense_network():
    assert choose() == Choice(RunSpec(), (0,))


def test_conv_without_flags_is_the_exercises_conv_network():
    assert choose("-c").run.model == Conv(filters=(20, 10), kernel=(5, 3), pool=(2, 2))


@pytest.mark.parametrize(
    ("arguments", "model"),
    [
        ("--hidden 32", Dense(hidden=(32,))),
        ("--hidden none --activation tanh", Dense(hidden=(), activation="tanh")),
        ("--hidden 300,100,50 --dropout 0.2", Dense(hidden=(300, 100, 50), dropout=0.2)),
    ],
)
def test_flags_of_the_dense_network(arguments, model):
    assert choose(arguments).run.model == model


def test_flags_of_the_conv_network():
    arguments = "--filters 8,16,32 --kernel 3 --stride 1 --pool 2,2,1 --padding valid --head average --hidden 20"
    expected = Conv(
        filters=(8, 16, 32), kernel=(3,), stride=(1,), pool=(2, 2, 1), padding="valid", head="average", hidden=(20,)
    )
    assert choose(f"-c {arguments}").run.model == expected


def test_switches_are_on_where_they_are_named_and_else_as_the_file_says(tmp_path):
    (tmp_path / "a.yaml").write_text("model: {family: conv, separable: true}\ndata: {inner: true}\n")
    assert choose("-c --separable --inner").run == RunSpec(model=Conv(separable=True), data=DataSpec(inner=True))
    assert choose(config=tmp_path / "a.yaml").run == RunSpec(model=Conv(separable=True), data=DataSpec(inner=True))
    assert choose("-c").run == RunSpec(model=Conv())
    with pytest.raises(SpecError, match="--separable belongs to a convolutional network"):
        choose("--separable")


def test_flags_of_the_plan():
    arguments = (
        "--epochs 3 --batch-size 64 --optimizer nesterov --lr 0.1 --schedule cosine --momentum 0.8 --weight-decay 0 "
        "-r 1e-4 --l1 1e-5 --augment shift --patience 2 --precision bf16"
    )
    assert choose(arguments).run.plan == Plan(
        epochs=3,
        batch_size=64,
        optimizer="nesterov",
        learning_rate=0.1,
        schedule="cosine",
        momentum=0.8,
        weight_decay=0,
        l2=1e-4,
        l1=1e-5,
        augment="shift",
        patience=2,
        precision="bf16",
    )


def test_flags_of_the_data():
    arguments = "--data digits --protocol handout --split-seed 4 --size 12x10 --first 100 --label-noise 0.1"
    expected = DataSpec(name="digits", protocol="handout", split_seed=4, size=(12, 10), first=100, label_noise=0.1)
    assert choose(arguments).run.data == expected


@pytest.mark.parametrize(
    ("seed", "seeds", "expected"),
    [(None, None, (0,)), (7, None, (7,)), (None, 3, (0, 1, 2)), (None, 1, (0,)), (1000, 2, (1000, 1001))],
)
def test_one_seed_or_so_many_from_it_on(seed, seeds, expected):
    choice = choose(seed=seed, seeds=seeds)
    assert choice.seeds == expected
    assert choice.run.seed == expected[0]


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        ("--epochs 0", {}, "epochs = 0"),
        ("--lr nan", {}, "learning_rate = nan"),
        ("--lr inf", {}, "learning_rate = inf"),
        ("-r -1", {}, "l2 = -1.0"),
        ("--hidden 0", {}, "hidden.0 = 0"),
        ("--hidden 20,-3", {}, "hidden.1 = -3"),
        ("--dropout 1", {}, "dropout = 1.0"),
        ("--activation rleu", {}, "Did you mean 'relu'?"),
        ("--optimizer Adamm", {}, "Did you mean 'adam'?"),
        ("--schedule cosin", {}, "Did you mean 'cosine'?"),
        ("--label-noise 1.5", {}, "label_noise = 1.5"),
        ("--filters 3", {}, "--filters belongs to a convolutional network; give -c."),
        ("-c --filters 3,4 --kernel 3,3,3", {}, "kernel = (3, 3, 3) has 3 values for 2"),
        ("--hidden 3 --model net.py:build", {}, "--hidden cannot be combined with it"),
        ("-d --model net.py:build", {}, "-d or -c cannot be combined with it"),
        ("--model net.py", {}, "it must read FILE.py:FUNCTION"),
        ("--model absent.py:build", {}, "there is no file 'absent.py'"),
        ("--arg a=1", {}, "--model FILE.py:FUNCTION, which is missing"),
        ("", {"seed": -1, "seeds": 2}, "seed = -1"),
        ("", {"seed": -1}, "seed = -1"),
        ("", {"seeds": 0}, "seeds = 0"),
        ("", {"config": Path("absent.yaml")}, "absent.yaml: it cannot be read"),
    ],
)
def test_what_breaks_a_rule_is_one_clear_line(arguments, given, says):
    with pytest.raises(SpecError) as error:
        choose(arguments, **given)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_of_settings_is_read_and_flags_go_before_it(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("model: {family: conv, filters: [4, 8]}\nplan: {epochs: 3, l2: 0.01}\ndata: {name: digits}\nseeds: 2\n")
    choice = choose("--epochs 5", config=path)
    assert choice.run.model == Conv(filters=(4, 8))
    assert choice.run.plan == Plan(epochs=5, l2=0.01)
    assert choice.run.data.name == "digits"
    assert choice.seeds == (0, 1)
    assert choose(config=path, seed=9).seeds == (9,)


def test_another_family_than_the_files_leaves_its_network_aside(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("model: {family: conv, filters: [4, 8]}\n")
    assert choose("-d", config=path).run.model == Dense()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plan: {epoch: 3}", "Plan has no setting 'epoch'. Did you mean 'epochs'?"),
        ("modell: {}", "'modell' is not known. Did you mean 'model'?"),
        ("plan: 3", "'plan' must be a mapping"),
        ("- 1", "it must be a mapping of settings"),
        ("a: [", "this is not YAML"),
        ("model: {family: cnov}", "Did you mean 'conv'?"),
        ("model: {family: keras}", "Keras needs the setting 'file'"),
        ("seeds: many", "seeds = 'many'"),
        ("seed: 1\nseeds: many", "seeds = 'many'"),
        ("seed: x", "seed = 'x'"),
        ("model: {family: [1]}", "is not known"),
        ("model: {1: 2}", "must be a mapping of settings"),
    ],
)
def test_a_file_that_breaks_a_rule_is_one_clear_line(tmp_path, text, says):
    path = tmp_path / "net.yaml"
    path.write_text(text)
    with pytest.raises(SpecError) as error:
        choose(config=path)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_the_users_own_function_with_its_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text("def build(): ...\n")
    model = choose(
        "--model net.py:build --arg width=32 --arg rate=0.5 --arg kind=wide --arg deep=true "
        "--arg small=1e-3 --arg units=[64,2e1] --arg norm=null --arg day=2026-01-02 --start drawn"
    ).run.model
    assert isinstance(model, Keras)
    typed = {"small": 0.001, "units": [64, 20.0], "norm": None, "day": "2026-01-02"}
    assert model.arguments == {"width": 32, "rate": 0.5, "kind": "wide", "deep": True} | typed
    assert model.start == "drawn"
    assert model.digest


@pytest.mark.parametrize("pair", ["width", "=3", "a b=3"])
def test_an_argument_that_is_no_pair_is_refused(tmp_path, monkeypatch, pair):
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text("def build(): ...\n")
    with pytest.raises(SpecError, match="it must read key=value"):
        choose(f"--model net.py:build --arg '{pair}'")


# As people type


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("--optimizer SGD", "optimizer", "sgd"),
        ("--schedule Cosine", "schedule", "cosine"),
        ("--learning-rate 0.01", "learning_rate", 0.01),
    ],
)
def test_capitals_and_long_names_mean_the_same(line, field, value):
    assert getattr(choose(line).run.plan, field) == value


def test_networks_and_data_too():
    assert choose("--activation RELU --hidden '200, 100'").run.model == Dense()
    assert choose("--hidden None").run.model == Dense(hidden=())
    assert choose("--protocol Handout").run.data.protocol == "handout"


def test_a_name_with_capitals_is_the_same_run():
    assert choose("--optimizer ADAM").run.identity == choose("--optimizer adam").run.identity


@pytest.mark.parametrize(("line", "field"), [("--lr 1e-3,1e-4", "learning_rate"), ("--batch-size '32, 64'", "batch_size")])
def test_several_values_point_at_sweep(line, field):
    with pytest.raises(click.BadParameter, match=f"sweep -m NAME --set {field}="):
        choose(line)


def test_what_is_no_number_is_not_called_several():
    with pytest.raises(click.BadParameter, match="not a valid float"):
        choose("--lr fast,slow")
