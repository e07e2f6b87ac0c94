"""The kernels' own test in C++, under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import platform
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seedbed.kernels.library import SOURCES

COMPILER = shutil.which("g++") or shutil.which("clang++")
X86 = platform.machine().lower() in ("x86_64", "amd64")
FLAGS = ["-std=c++17", "-O1", "-ffp-contract=fast", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
FILES = {"portable.cc": [], "variant.cc": [], "driver.cc": []}
if X86:
    wide = [f"-mavx512{part}" for part in ("f", "bw", "cd", "dq", "vl")]
    FILES |= {"avx2.cc": ["-mavx2", "-mfma"], "avx512.cc": [*wide, "-mfma", "-mprefer-vector-width=512"]}
    FLAGS.append("-DSEEDBED_X86")


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")
def test_no_variant_reads_or_writes_outside_its_arrays_over_many_shapes(tmp_path: Path) -> None:
    def built(name: str) -> str:
        source = Path(__file__).parent / name if name == "driver.cc" else SOURCES / name
        out = tmp_path / f"{name}.o"
        command = [str(COMPILER), *FLAGS, *FILES[name], f"-I{SOURCES}", "-c", str(source), "-o", str(out)]
        subprocess.run(command, check=True)
        return str(out)

    with ThreadPoolExecutor(2) as threads:
        objects = list(threads.map(built, FILES))
    test = tmp_path / "driver"
    subprocess.run([str(COMPILER), *FLAGS, *objects, "-o", str(test)], check=True)
    run = subprocess.run([str(test)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-4000:]
    assert "4 lanes: " in run.stdout
