"""The built library: what is not sound, or not of this version, is never loaded, and the reason says the way out."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seedbed import kernels, models
from seedbed.errors import SpecError
from seedbed.kernels import library
from seedbed.specs import Conv, Dense

COMPILER = shutil.which("g++") or shutil.which("clang++")
BUILT = sorted(library.FOLDER.glob("_native*"))
needs_kernels = pytest.mark.skipif(not BUILT, reason="the kernels were not built here")


def sealed(content: bytes, sources: bytes | None = None) -> bytes:
    """A library as `setup.py` leaves it."""
    content += library._sources() if sources is None else sources
    return content + hashlib.sha256(content).hexdigest().encode()


def test_a_sound_library_has_no_damage_and_any_change_is_damage() -> None:
    sound = sealed(b"code" * 1000)
    assert library.damage(sound) == ""
    for broken in (b"", sound[:-1], sound[:500], sound[:200] + b"x" + sound[201:], sound + b" "):
        assert library.damage(broken) == "is damaged"
    assert library.damage(sealed(b"code", b"0" * 64)) == "was built from the sources of another version"


@pytest.mark.parametrize(
    ("content", "reason", "broken"),
    [
        (None, "were not built: install a C++ compiler", False),
        (b"\x7fELF", "is damaged", True),
        (sealed(b"not a library"), "cannot be used", True),
        (sealed(b"code", b"0" * 64), "another version", True),
    ],
)
def test_without_a_usable_library_the_reason_is_given_and_networks_train_by_products(
    content: bytes | None, reason: str, broken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content is not None:
        (tmp_path / f"_native{library.EXTENSION_SUFFIXES[0]}").write_bytes(content)
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    monkeypatch.setattr(library, "_loaded", library._loaded.__wrapped__)
    monkeypatch.delenv(kernels.SWITCH, raising=False)
    support = kernels.support()
    assert (support.lanes, support.name, support.broken) == (0, "", broken)
    assert reason in support.reason
    assert "pip install" in support.reason
    assert models.build([Conv(filters=(2,))], (8, 8, 1), 3).form == "products"


@needs_kernels
def test_the_switch_sets_the_widest_instruction_set_or_turns_the_kernels_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kernels.SWITCH, raising=False)
    widest = kernels.support().lanes
    assert widest in (4, 8, 16)
    for name, lanes in library.INSTRUCTION_SETS.items():
        monkeypatch.setenv(kernels.SWITCH, name)
        assert kernels.support().lanes == min(lanes, widest)
    monkeypatch.setenv(kernels.SWITCH, "off")
    assert kernels.support() == kernels.KernelSupport(reason="SEEDBED_KERNELS=off.")


def test_an_unknown_value_of_the_switch_is_an_error_with_the_nearest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.SWITCH, "avx12")
    with pytest.raises(SpecError, match=r"=avx12: it must be one of off, avx512, avx2, portable\. Did you mean 'avx"):
        kernels.support()


def test_bf16_and_large_windows_take_the_other_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kernels.SWITCH, raising=False)
    wide = Conv(filters=(2,), pool=(16,))
    assert models.build([wide], (32, 32, 1), 3).form == "products"
    for spec in (Conv(filters=(2,)), Dense(hidden=(2,))):
        assert models.build([spec], (8, 8, 1), 3, precision="bf16").form == "products"
        assert models.build([spec], (8, 8, 1), 3, on_cpu=False).form == "xla"


OTHER = """
#include "call.h"
extern "C" XLA_FFI_Error* {name}(XLA_FFI_CallFrame* frame) {{
  seedbed::Call call(frame);
  return call.answered() ? nullptr : call.error("called");
}}
"""
ASK = """
import sys
from pathlib import Path
from seedbed.kernels import library
library.FOLDER = Path(sys.argv[1])
print(library.support())
import jax
print(jax.numpy.zeros(1) + 1)
"""


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")
def test_a_library_for_another_version_of_xlas_interface_is_refused_and_jax_still_works(tmp_path: Path) -> None:
    header = tmp_path / "xla" / "ffi" / "api" / "c_api.h"
    header.parent.mkdir(parents=True)
    text = (library.SOURCES / "xla" / "ffi" / "api" / "c_api.h").read_text()
    header.write_text(text.replace("#define XLA_FFI_API_MINOR 3", "#define XLA_FFI_API_MINOR 9999"))
    assert header.read_text() != text
    source, built = tmp_path / "other.cc", tmp_path / f"_native{library.EXTENSION_SUFFIXES[0]}"
    functions = "".join(OTHER.format(name=f"seedbed_{name}") for name in library.FUNCTIONS).replace('#include "call.h"', "")
    source.write_text('#include "call.h"\n' + functions)
    shutil.copy(library.SOURCES / "call.h", tmp_path)
    flags = ["-std=c++17", "-shared", "-fPIC", f"-I{tmp_path}"]
    subprocess.run([str(COMPILER), *flags, str(source), "-o", str(built)], check=True)
    built.write_bytes(sealed(built.read_bytes()))
    run: Any = subprocess.run([sys.executable, "-c", ASK, str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "API version (0.9999) is incompatible" in run.stdout
    assert "broken=True" in run.stdout
    assert "[1.]" in run.stdout


def test_the_header_in_the_sources_is_the_one_of_the_pinned_jaxlib() -> None:
    import jax

    pins = (Path(__file__).parents[2] / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if f"jax=={jax.__version__}" not in pins:
        pytest.skip("another jaxlib has another header; for a year it takes libraries that were built with this one")
    path = Path("xla", "ffi", "api", "c_api.h")
    assert (library.SOURCES / path).read_bytes() == (Path(jax.ffi.include_dir()) / path).read_bytes()
