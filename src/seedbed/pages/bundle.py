"""Vega, Vega-Lite and Vega-Embed as one script, from inside vl-convert."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread

from seedbed.devices import cache_folder, yield_to_other_threads
from seedbed.errors import StorageError
from seedbed.storage import sha256, write


@cache
def vega() -> str:
    """The script that draws charts.

    Joining its parts takes vl-convert 1.4 s (2 cores, November 2026), so it is kept, under its digest, for the next time.
    """
    kept = _kept()
    if kept is not None:
        return kept
    import vl_convert

    bundle: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its types ask for what its text calls optional
    with suppress(StorageError):  # a cache that cannot be written costs time and nothing else
        write(_file(), [f"//{sha256(bundle.encode())}\n".encode(), bundle.encode()])
    return bundle


def vega_made_elsewhere() -> str:
    """The same for a process that stays: another one joins the parts, since vl-convert keeps 130 MiB for itself."""
    _make_elsewhere()
    return vega()


def make_vega_meanwhile() -> None:
    """Have the script joined while other things are done, where a core is free: a page that is written later finds it."""

    def make() -> None:
        yield_to_other_threads()
        _make_elsewhere()

    Thread(target=make, name="joining the script that draws charts", daemon=True).start()


def _make_elsewhere() -> None:
    """Have another process join the parts; if it cannot, the next call of `vega` says why."""
    if _kept() is None:
        command = [sys.executable, "-c", "from seedbed.pages.bundle import vega; vega()"]
        subprocess.run(command, check=False, stderr=subprocess.DEVNULL)


def _kept() -> str | None:
    """The script as it was kept; None where it was not, or is damaged."""
    with suppress(OSError):
        digest, _, script = _file().read_bytes().partition(b"\n")
        if digest.decode(errors="replace") == f"//{sha256(script)}":
            return script.decode()
    return None


def vega_version() -> str:
    """What the script depends on."""
    return importlib.metadata.version("vl-convert-python")


def _file() -> Path:
    return cache_folder() / "figures" / f"vega-{vega_version()}.js"
