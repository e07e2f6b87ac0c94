"""Build the native kernels, an optional part of the package; everything else is in `pyproject.toml`.

Without a C++ compiler the installation succeeds too, and `seedbed doctor` says what is missing.
"""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

FOLDER = Path("src/seedbed/kernels/native")
FLAGS = ["-std=c++17", "-O3", "-g0", "-ffp-contract=fast", "-fvisibility=hidden", "-Wall", "-Wextra"]
VARIANTS = {
    "avx2.cc": ["-mavx2", "-mfma"],
    "avx512.cc": [*(f"-mavx512{part}" for part in ("f", "bw", "cd", "dq", "vl")), "-mfma", "-mprefer-vector-width=512"],
}
"""Variants for some of the x86 processors, with their flags; the other files run on every processor of their kind."""
X86 = platform.machine().lower() in ("x86_64", "amd64")


class BuildKernels(build_ext):
    """Compile each variant with its own flags, and seal the library."""

    def build_extension(self, ext: Extension) -> None:
        flags = [*FLAGS, *(["-DSEEDBED_X86"] if X86 else [])]
        objects: list[str] = []
        for source in ext.sources:
            own = [*flags, *VARIANTS.get(Path(source).name, [])]
            objects += self.compiler.compile(
                [source], self.build_temp, include_dirs=[str(FOLDER)], extra_postargs=own, depends=ext.depends
            )
        library = self.get_ext_fullpath(ext.name)
        self.compiler.link_shared_object(objects, library, build_temp=self.build_temp, target_lang="c++")
        seal(Path(library))


def seal(library: Path) -> None:
    """Append digests of the sources and of the library: `seedbed.kernels.library` loads only what it can check."""
    sources = hashlib.sha256()
    for path in sorted(FOLDER.glob("*.*")):
        sources.update(path.name.encode() + b"\0" + path.read_bytes())
    content = library.read_bytes() + sources.hexdigest().encode()
    library.write_bytes(content + hashlib.sha256(content).hexdigest().encode())


KERNELS = Extension(
    "seedbed.kernels._native",
    sources=sorted(str(path) for path in FOLDER.glob("*.cc") if X86 or path.name not in VARIANTS),
    depends=sorted(map(str, FOLDER.rglob("*.h"))),
    language="c++",
    optional=True,
)

setup(cmdclass={"build_ext": BuildKernels}, ext_modules=[KERNELS])
