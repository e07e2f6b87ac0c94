"""The library of the native kernels: found, checked, loaded, and registered with JAX, or the reason why not.

A file that was not built from the sources of this version, or is damaged, is never loaded. The variant for this processor's
instruction set is chosen in C++ when a kernel is called, by the width of the vectors in the arrays' layout.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from dataclasses import dataclass, replace
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from seedbed.errors import SpecError, nearest

SWITCH = "SEEDBED_KERNELS"
"""Environment variable: `off`, or the widest instruction set to use."""

INSTRUCTION_SETS = {"avx512": 16, "avx2": 8, "portable": 4}
"""Instruction set -> floats per vector."""

AGAIN = (
    "build the kernels with `pip install --force-reinstall --no-deps --no-cache-dir --no-binary seedbed seedbed`, or in a "
    "checkout with `pip install -e .`"
)

FUNCTIONS = (
    "forward",
    "backward",
    "depthwise_forward",
    "depthwise_backward",
    "max_pool",
    "spread_maxima",
    "multiply",
    "multiply_backward",
    "step",
    "scores",
    "norms",
    "activate",
    "activate_backward",
    "saturation",
    "loss_gradients",
)
SUFFIXES = (".so", *EXTENSION_SUFFIXES)
"""Endings of the library's name: one for every Python, or as versions before 0.2 built it."""

FOLDER = Path(__file__).parent
SOURCES = FOLDER / "native"
DIGITS = 64


@dataclass(frozen=True)
class KernelSupport:
    """Whether this process can use the kernels.

    Attributes:
        lanes: floats per vector of the widest variant that this processor runs; 0 without kernels.
        reason: why there are no kernels, and the way to get them; "" if there are.
        broken: whether kernels were built but cannot be used.
    """

    lanes: int = 0
    reason: str = ""
    broken: bool = False

    @property
    def name(self) -> str:
        """Name of the instruction set; "" without kernels."""
        return next((name for name, lanes in INSTRUCTION_SETS.items() if lanes == self.lanes), "")


def support() -> KernelSupport:
    """The kernels that this process can use, as far as the environment variable `SWITCH` allows.

    Raises:
        SpecError: the variable has an unknown value.
    """
    wanted = os.environ.get(SWITCH, "")
    if wanted == "off":
        return KernelSupport(reason=f"{SWITCH}=off.")
    if wanted and wanted not in INSTRUCTION_SETS:
        known = ("off", *INSTRUCTION_SETS)
        raise SpecError(f"{SWITCH}={wanted}: it must be one of {', '.join(known)}.{nearest(wanted, known)}")
    found = _loaded()
    return replace(found, lanes=min(found.lanes, INSTRUCTION_SETS.get(wanted, found.lanes)))


@cache
def _loaded() -> KernelSupport:
    """Load the library and register its functions with JAX."""
    path = next((path for suffix in SUFFIXES if (path := FOLDER / f"_native{suffix}").is_file()), None)
    if path is None:
        return KernelSupport(reason=_missing())
    if wrong := damage(path.read_bytes()):
        return KernelSupport(0, f"{path.name} {wrong}; {AGAIN}.", broken=True)
    try:
        library = ctypes.CDLL(str(path))
        _register(library)
        return KernelSupport(int(library.seedbed_lanes()))
    except Exception as error:  # of the dynamic loader, or of this release of JAX
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        return KernelSupport(0, f"{path.name} cannot be used ({why}); {AGAIN}.", broken=True)


def _missing() -> str:
    """Why there is no library, and the way to one."""
    if sys.platform == "win32":
        return "on Windows there are none, since Microsoft's compiler cannot build them; in WSL2 there are."
    return f"they were not built: install a C++ compiler (g++ or clang++), then {AGAIN}."


def damage(library: bytes) -> str:
    """What is wrong with a library's content by the digests at its end; "" if nothing is."""
    content, own = library[:-DIGITS], library[-DIGITS:]
    if hashlib.sha256(content).hexdigest().encode() != own:
        return "is damaged"
    return "" if content[-DIGITS:] == _sources() else "was built from the sources of another version"


def _sources() -> bytes:
    digest = hashlib.sha256()
    for path in sorted(SOURCES.glob("*.*")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest().encode()


def _register(library: ctypes.CDLL) -> None:
    import jax

    jax.devices("cpu")  # first: with a function of another version registered, JAX could not start on the CPU
    for name in FUNCTIONS:
        function = jax.ffi.pycapsule(getattr(library, f"seedbed_{name}"))  # type: ignore[no-untyped-call]
        jax.ffi.register_ffi_target(f"seedbed_{name}", function, platform="cpu")
