"""Build the native kernels, an optional part of the package; all settings that need no code are in `pyproject.toml`.

Without a C++ compiler the installation succeeds too, and `seedbed doctor` says what is missing. The library is no module of
Python: it is loaded by `ctypes`, so one wheel for each system serves every Python, and one without kernels every system.
"""

from __future__ import annotations

import hashlib
import platform
import re
import sys
import tomllib
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).parent
FOLDER = Path("src/seedbed/kernels/native")
FLAGS = ["-std=c++17", "-O3", "-g0", "-ffp-contract=fast", "-fno-math-errno", "-fvisibility=hidden", "-Wall", "-Wextra"]
VARIANTS = {
    "avx2.cc": ["-mavx2", "-mfma"],
    "avx512.cc": [*(f"-mavx512{part}" for part in ("f", "bw", "cd", "dq", "vl")), "-mfma", "-mprefer-vector-width=512"],
}
"""Variants for some of the x86 processors, with their flags; the other files run on every processor of their kind."""
X86 = platform.machine().lower() in ("x86_64", "amd64")
LIBRARY = "_native.so"


class BuildKernels(build_ext):
    """Compile each variant with its own flags, and seal the library."""

    def get_ext_filename(self, fullname: str) -> str:
        """The same name for every Python: it holds nothing of one."""
        return str(Path(*fullname.split(".")).with_name(LIBRARY))

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


class Wheel(bdist_wheel):
    """A wheel for every Python 3: of one system with kernels, of any without them."""

    def get_tag(self) -> tuple[str, str, str]:
        *_, system = super().get_tag()
        self.root_is_pure = not any(Path(self.bdist_dir).rglob(LIBRARY))
        return "py3", "none", "any" if self.root_is_pure else system


def seal(library: Path) -> None:
    """Append digests of the sources and of the library: `seedbed.kernels.library` loads only what it can check."""
    sources = hashlib.sha256()
    for path in sorted(FOLDER.glob("*.*")):
        sources.update(path.name.encode() + b"\0" + path.read_bytes())
    content = library.read_bytes() + sources.hexdigest().encode()
    library.write_bytes(content + hashlib.sha256(content).hexdigest().encode())


def description() -> str:
    """README.md with the whole address of each picture and page: on a package index they are not beside it."""
    source = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Source"]
    text = (HERE / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"(!\[[^\]]*\]\()(?!https?:|#)", rf"\g<1>{source}/raw/main/", text)
    return re.sub(r"(?<!!)(\[[^\]]*\]\()(?!https?:|#)", rf"\g<1>{source}/blob/main/", text)


KERNELS = Extension(
    "seedbed.kernels._native",
    sources=sorted(str(path) for path in FOLDER.glob("*.cc") if X86 or path.name not in VARIANTS),
    depends=sorted(map(str, FOLDER.rglob("*.h"))),
    language="c++",
    optional=True,
)

setup(
    long_description=description(),
    long_description_content_type="text/markdown",
    cmdclass={"build_ext": BuildKernels, "bdist_wheel": Wheel},
    ext_modules=[] if sys.platform == "win32" else [KERNELS],  # Microsoft's compiler has no types of vectors as GCC and Clang
)
