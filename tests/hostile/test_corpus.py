"""4,240 bad inputs: each is taken for what it is worth or refused with one line, and nothing is left half-written.

Hypothesis makes the same ones every time. The counts are those of `CASES`, and a test sees that they add up.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostile import corpus
from runs import samples
from seedbed import data, storage
from seedbed.cli import frame
from seedbed.cli.settings import chosen
from seedbed.cli.text import escaped
from seedbed.data import ReadOptions, readers
from seedbed.errors import ModelError, SeedbedError
from seedbed.records import PictureRule
from seedbed.runs import RunStore
from seedbed.specs import Conv, Keras, RunSpec
from seedbed.training import saves

pytestmark = pytest.mark.slow

CASES = {
    "npz": 250, "arrays": 200, "npy": 120, "idx": 150, "packed": 120, "csv": 200, "pictures": 220,
    "new pictures": 240, "tiff": 240, "mat": 260, "hdf5": 260, "parquet": 220,
    "zip": 240, "tar": 160, "listed": 180, "tables": 200,
    "yaml": 280, "specs": 200, "run.json": 130, "metrics": 80, "arrays of runs": 100, "saves": 150, "models": 40,
}  # fmt: skip
MOST_MEMORY = 1 << 30
LONGEST = 20_000
"""Characters of a message: more would bury what it says."""


def cases(kind: str) -> Callable[[Any], Any]:
    """So many examples, always the same."""
    checks = [
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ]
    return settings(max_examples=CASES[kind], derandomize=True, deadline=None, database=None, suppress_health_check=checks)


def test_there_are_4_240_cases() -> None:
    assert sum(CASES.values()) == 4_240


@pytest.fixture(autouse=True)
def _memory_and_canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each kind of input stays under a GiB beyond what the libraries take, and runs nobody's code."""
    monkeypatch.chdir(tmp_path)
    before = _peak()
    yield
    assert _peak() - before < MOST_MEMORY
    assert not list(tmp_path.rglob("canary"))


def _peak() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def refused_or_taken(work: Callable[[], object]) -> None:
    """It works, or raises an error of ours of one line."""
    told = "something"
    try:
        work()
    except SeedbedError as error:
        told = str(error)
    assert told.strip()
    assert len(told) < LONGEST, told[:300]


# Data


def _read(place: Path, name: str, content: bytes, kind: str) -> None:
    path = place / name
    path.write_bytes(content)
    refused_or_taken(lambda: readers.read(path if path.suffix in (".npz", ".csv", ".gz") else place, kind))  # type: ignore[arg-type]
    assert [each for each in place.rglob("*") if each.name.startswith(storage.TEMPORARY)] == []


@cases("npz")
@given(corpus.damaged(corpus.NPZ))
def test_damaged_npz(tmp_path: Path, content: bytes) -> None:
    _read(tmp_path, "x.npz", content, "npz")


@cases("arrays")
@given(corpus.strange_arrays())
def test_npz_of_strange_arrays(tmp_path: Path, content: bytes) -> None:
    _read(tmp_path, "x.npz", content, "npz")


@cases("npy")
@given(corpus.damaged(corpus.NPY))
def test_damaged_npy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "y.npy").write_bytes(corpus.npy_bytes(corpus.LABELS))
    _read(tmp_path, "X.npy", content, "npy")


@cases("idx")
@given(corpus.damaged(corpus.IDX))
def test_damaged_idx(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(corpus.idx_bytes(corpus.LABELS))
    _read(tmp_path, "train-images-idx3-ubyte", content, "idx")


@cases("packed")
@given(corpus.damaged(corpus.IDX_PACKED))
def test_damaged_gzip(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(corpus.idx_bytes(corpus.LABELS))
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    refused_or_taken(lambda: readers.read(tmp_path, "idx"))


@cases("csv")
@given(corpus.damaged(corpus.CSV) | corpus.damaged_text(tuple(text.decode().replace(",", " , ") for text in corpus.CSV)))
def test_damaged_csv(tmp_path: Path, content: bytes) -> None:
    _read(tmp_path, "x.csv", content, "csv")


@cases("pictures")
@given(corpus.damaged(corpus.PICTURES), st.sampled_from(["png", "jpg"]))
def test_damaged_pictures(tmp_path: Path, content: bytes, ending: str) -> None:
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
        for number in range(3):
            (tmp_path / "set" / name / f"{number}.png").write_bytes(corpus.PICTURES[0])
    path = tmp_path / "set" / "a" / f"x.{ending}"
    path.write_bytes(content)
    refused_or_taken(lambda: readers.read(tmp_path / "set", "pictures"))
    refused_or_taken(lambda: data.picture(path, (8, 8, 1), PictureRule((0.0,), (255.0,))))
    path.unlink()


@cases("new pictures")
@given(corpus.damaged(corpus.NEW_PICTURES))
def test_damaged_pictures_of_more_formats(tmp_path: Path, content: bytes) -> None:
    _read_picture(tmp_path, "x.bmp", content)


@cases("tiff")
@given(corpus.damaged(corpus.TIFF))
def test_damaged_tiff(tmp_path: Path, content: bytes) -> None:
    _read_picture(tmp_path, "x.tif", content)


def _read_picture(place: Path, name: str, content: bytes) -> None:
    """Among sound pictures, and alone as `predict` reads it."""
    for folder in ("a", "b"):
        (place / "set" / folder).mkdir(parents=True, exist_ok=True)
        (place / "set" / folder / "sound.png").write_bytes(corpus.PICTURES[0])
    path = place / "set" / "a" / name
    path.write_bytes(content)
    refused_or_taken(lambda: readers.read(place / "set", "pictures", ReadOptions(size=(7, 9), skip_damaged=True)))
    refused_or_taken(lambda: data.picture(path, (8, 8, 1), PictureRule((0.0,), (255.0,))))


@cases("mat")
@given(corpus.damaged(corpus.MAT))
def test_damaged_mat(tmp_path: Path, content: bytes) -> None:
    _alone(tmp_path, "x.mat", content, "mat")


@cases("hdf5")
@given(corpus.damaged(corpus.HDF5), st.sampled_from(["x.h5", "x.mat"]))
def test_damaged_hdf5(tmp_path: Path, content: bytes, name: str) -> None:
    _alone(tmp_path, name, content, "hdf5" if name == "x.h5" else "mat")


@cases("parquet")
@given(corpus.damaged(corpus.PARQUET))
def test_damaged_parquet(tmp_path: Path, content: bytes) -> None:
    _alone(tmp_path, "x.parquet", content, "parquet")


@cases("zip")
@given(corpus.damaged(corpus.ZIP))
def test_damaged_zip(tmp_path: Path, content: bytes) -> None:
    _alone(tmp_path, "x.zip", content, "pictures")


@cases("tar")
@given(corpus.damaged(corpus.TAR) | corpus.damaged(tuple(gzip.decompress(content) for content in corpus.TAR)))
def test_damaged_tar(tmp_path: Path, content: bytes) -> None:
    _alone(tmp_path, "x.tar.gz" if content[:1] == b"\x1f" else "x.tar", content, "pictures")


@cases("listed")
@given(corpus.damaged(corpus.LISTED))
def test_damaged_tables_of_labels(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set/train").mkdir(parents=True, exist_ok=True)
    for number in (0, 1):
        (tmp_path / f"set/train/{number:02}.png").write_bytes(corpus.PICTURES[0])
    (tmp_path / "set/train.csv").write_bytes(content)
    refused_or_taken(lambda: readers.read(tmp_path / "set", "listed"))


@cases("tables")
@given(corpus.damaged(corpus.TABLES) | corpus.damaged_text(tuple(text.decode().replace(",", " , ") for text in corpus.TABLES)))
def test_damaged_tables_of_other_columns(tmp_path: Path, content: bytes) -> None:
    _alone(tmp_path, "x.csv", content, "csv")


def _alone(place: Path, name: str, content: bytes, kind: str) -> None:
    """The file by its reader, and by whichever fits; nothing else is written."""
    path = place / name
    path.write_bytes(content)
    refused_or_taken(lambda: readers.read(path, kind))
    refused_or_taken(lambda: readers.kind_of(path))
    assert [each.name for each in place.iterdir()] == [name]
    path.unlink()


# Settings


@cases("yaml")
@given(
    corpus.damaged_text(corpus.CONFIGS, corpus.YAML_TOKENS) | corpus.damaged(tuple(text.encode() for text in corpus.CONFIGS))
)
def test_damaged_yaml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    nothing = dict.fromkeys(_flag_names())
    refused_or_taken(lambda: chosen(nothing, seed=None, seeds=None, config=path))


def _flag_names() -> list[str]:
    from seedbed.cli.train import command

    return [str(parameter.name) for parameter in command.params]


@cases("specs")
@given(corpus.damaged_value(RunSpec(model=Conv()).plain()) | corpus.damaged_value(RunSpec().plain()))
def test_damaged_specs(value: Any) -> None:
    def made() -> None:
        spec = RunSpec(**{str(key): part for key, part in value.items()})
        assert RunSpec(**spec.plain()) == spec

    refused_or_taken(made)


# Run folders, read by the command line as a user would


def _told(*arguments: str) -> None:
    """A command ends with 0, or 1 and one line; whatever it shows is text."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = frame.run(arguments)
    assert code in (0, 1), err.getvalue()
    assert "not foreseen" not in err.getvalue(), err.getvalue()
    assert code == 0 or len(err.getvalue().splitlines()) == 1, err.getvalue()
    assert len(err.getvalue()) < LONGEST
    for line in (out.getvalue() + err.getvalue()).splitlines():
        assert escaped(line) == line


def _home(place: Path) -> Path:
    """A home with one sound run, made anew."""
    root, sound = place / "home", place / "sound"
    if not sound.exists():
        samples.grown(sound, samples.entry("a"))
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(sound, root)
    return root


def _look_at(root: Path) -> None:
    before = sorted(str(path) for path in root.rglob("*"))
    for command in (("runs", "list"), ("runs", "list", "--json"), ("runs", "show", "a")):
        _told(*command, "--home", str(root))
    home = RunStore(root)
    refused_or_taken(lambda: (home.weights("a", "best"), home.predictions("a"), home.scale("a")))
    # whole=False: a record that lost its list of files would rightly be trained again, in a folder made empty
    refused_or_taken(lambda: home.claim([samples.entry("a")], resume=True, whole=False).close())
    assert sorted(str(path) for path in root.rglob("*") if path.parent.name != ".locks") == [
        name for name in before if Path(name).parent.name != ".locks"
    ]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return storage.read_json(samples.grown(tmp_path_factory.mktemp("run"), samples.entry("a")).folder("a") / "run.json")


@cases("run.json")
@given(st.data())
def test_hostile_run_files(tmp_path: Path, record: Any, data: st.DataObject) -> None:
    root = _home(tmp_path)
    (root / "a" / "run.json").write_text(
        json.dumps(data.draw(corpus.damaged_value(record))), encoding="utf-8", errors="surrogatepass"
    )
    _look_at(root)


@cases("metrics")
@given(st.data())
def test_hostile_metrics(tmp_path: Path, data: st.DataObject) -> None:
    root = _home(tmp_path)
    rows = storage.read_lines(root / "a" / "metrics.jsonl")
    path = root / "a" / "metrics.jsonl"
    if data.draw(st.booleans()):
        path.write_bytes(data.draw(corpus.damaged((path.read_bytes(),))))
    else:
        strange = data.draw(corpus.damaged_value(rows))
        with contextlib.suppress(SeedbedError):  # with checksums that match, if JSON has words for it
            storage.write_lines(path, [row if isinstance(row, dict) else {"x": row} for row in strange])
    _look_at(root)


@cases("arrays of runs")
@given(st.data())
def test_hostile_weights_and_predictions_whose_digests_match(tmp_path: Path, data: st.DataObject) -> None:
    root = _home(tmp_path)
    name = data.draw(st.sampled_from(["weights/best.safetensors", "weights/last.safetensors", "predictions.npz"]))
    content = data.draw(corpus.damaged(((root / "a" / name).read_bytes(),)))
    (root / "a" / name).write_bytes(content)
    record = storage.read_json(root / "a" / "run.json")
    record["files"][name] = storage.sha256(content)
    storage.write_json(root / "a" / "run.json", record)
    _look_at(root)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The manifest of a population's save."""
    from hostile.engine import entries, install
    from seedbed.scheduler import Execution, train_runs
    from seedbed.specs import Dense

    kept: list[Any] = []

    class Keeping(RunStore):
        def save_population(self, key: str, arrays: Any, manifest: Any) -> None:
            kept.append(json.loads(json.dumps(manifest)))

    with pytest.MonkeyPatch.context() as patch:
        install(patch)
        wanted = entries(Dense(hidden=(2,)), Dense(hidden=(2, 2)), epochs=3)
        execution = Execution(Keeping(tmp_path_factory.mktemp("saved")), device="cpu", workers=1)
        train_runs(wanted, execution, save_every=0.0)
    return kept[-1]


@cases("saves")
@given(st.data())
def test_hostile_saves_of_populations(saved: Any, data: st.DataObject) -> None:
    value = data.draw(corpus.damaged_value(saved))
    refused_or_taken(lambda: saves.read("p", value).task("p", {}, {}))


# Networks


@cases("models")
@given(corpus.model_files())
def test_broken_model_files(tmp_path: Path, text: str) -> None:
    from seedbed.models.keras import build_model

    path = tmp_path / "net.py"
    path.write_text(text, encoding="utf-8")
    out, told = io.StringIO(), "net"
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        try:
            build_model(Keras.of(f"{path}:net"), (8, 8, 1), 10, seed=0)
        except ModelError as error:
            told = str(error)
    assert "net" in told
    assert "\n" not in told
    assert out.getvalue() == ""
