"""Locks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seedbed import storage
from seedbed.errors import HomeInUse


def test_the_second_to_lock_learns_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "x"
    with storage.lock(path):
        assert storage.holder(path).startswith(f"pid {os.getpid()} on host ")
        with pytest.raises(HomeInUse, match=f"Run 'a' is in use by pid {os.getpid()} on host "), storage.lock(path, "Run 'a'"):
            pass
        assert storage.holder(path)
    assert storage.holder(path) == ""
    with storage.lock(path):
        pass


def test_a_lock_is_given_back_when_the_block_raises(tmp_path: Path) -> None:
    with pytest.raises(KeyError), storage.lock(tmp_path / "x"):
        raise KeyError
    assert storage.holder(tmp_path / "x") == ""


def test_a_hostile_lock_file_cannot_speak(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with storage.lock(path):
        path.write_bytes(b"\x1b[2Jnobody\n")
        assert storage.holder(path) == "another process"


def test_a_killed_owner_frees_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "x"
    code = (
        "import sys; from pathlib import Path; from seedbed import storage\n"
        "with storage.lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(HomeInUse, match=f"pid {owner.pid} on host "), storage.lock(path):
            pass
        owner.kill()
        owner.wait()
    with storage.lock(path, wait=10):
        assert storage.holder(path).startswith(f"pid {os.getpid()} ")
