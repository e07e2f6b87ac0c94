"""Whose Python files are run: the very text that the user named, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbed.errors import ModelError, SpecError
from seedbed.models import trust
from seedbed.specs import Keras

NAMED = "def build():\n    '''The text that the user named.'''\n"


@pytest.fixture
def named(tmp_path: Path) -> Keras:
    """A network in a file that the user named just now."""
    path = tmp_path / "net.py"
    path.write_text(NAMED)
    return Keras.of(f"{path}:build")


def test_the_text_that_was_named_is_run(named: Keras) -> None:
    assert trust.text(named) == NAMED.encode()


def test_a_file_that_changed_since_is_not_run(named: Keras) -> None:
    Path(named.file).write_text("raise SystemExit\n")
    with pytest.raises(ModelError, match="changed since this run was described"):
        trust.text(named)


def test_another_file_under_a_known_digest_is_not_run(named: Keras, tmp_path: Path) -> None:
    (tmp_path / "strangers.py").write_text("raise SystemExit\n")
    with pytest.raises(ModelError, match=r"strangers\.py' changed since"):
        trust.text(named.changed(file=str(tmp_path / "strangers.py")))


def test_a_file_that_is_gone_is_named(named: Keras) -> None:
    Path(named.file).unlink()
    with pytest.raises(ModelError, match=r"net\.py' is gone"):
        trust.text(named)


def test_a_text_that_arrived_damaged_is_not_run() -> None:
    with pytest.raises(ModelError, match="arrived damaged"):
        trust.accept({"0" * 64: NAMED.encode()})


@pytest.fixture
def two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keras:
    """A network whose file imports another, both named just now."""
    monkeypatch.setattr(trust, "_copies", {})
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "blocks.py").write_text("WIDTH = 3\n")
    (tmp_path / "user" / "net.py").write_text("import blocks\ndef build():\n    return blocks.WIDTH\n")
    return Keras.of(f"{tmp_path / 'user' / 'net.py'}:build")


def _copied(spec: Keras, folder: Path) -> Path:
    for name, content in trust.contents(spec).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_a_copy_stands_in_for_files_that_changed_or_are_gone(two_files: Keras, tmp_path: Path) -> None:
    copy = _copied(two_files, tmp_path / "run" / "network")
    own = Path(two_files.file).parent
    assert trust.folder(two_files) == own
    (own / "blocks.py").write_text("WIDTH = 4\n")
    with pytest.raises(ModelError, match=r"blocks\.py' changed since"):
        trust.folder(two_files)
    trust.offer(two_files, copy)
    assert trust.folder(two_files) == copy
    (own / "net.py").unlink()
    assert trust.text(two_files).startswith(b"import blocks")


def test_a_copy_with_another_content_is_not_used(two_files: Keras, tmp_path: Path) -> None:
    copy = _copied(two_files, tmp_path / "run" / "network")
    (copy / "blocks.py").write_text("raise SystemExit\n")
    (Path(two_files.file).parent / "blocks.py").unlink()
    trust.offer(two_files, copy)
    with pytest.raises(ModelError, match="is gone"):
        trust.folder(two_files)


def test_a_file_that_a_run_adds_to_a_named_one_is_not_run(two_files: Keras) -> None:
    text = b"raise SystemExit\n"
    (Path(two_files.file).parent / "blocks.py").write_bytes(text)
    with pytest.raises(ModelError, match=r"blocks\.py', which only the run names"):
        trust.check(two_files.changed(files={"blocks.py": trust.digest(text)}))


def test_files_that_a_driver_sent_are_unpacked(two_files: Keras, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = trust.texts([two_files])
    monkeypatch.setattr(trust, "_accepted", {})
    trust.accept(sent)
    gone = two_files.changed(file="/nowhere/net.py")
    assert (trust.folder(gone) / "blocks.py").read_text() == "WIDTH = 3\n"


@pytest.mark.parametrize("name", ["../net.py", "a/../../b.py", "a\\..\\b.py"])
def test_a_path_out_of_the_folder_is_no_file_of_a_network(two_files: Keras, name: str) -> None:
    with pytest.raises(SpecError, match="must not lead up"):
        two_files.changed(files={name: "0" * 64})
