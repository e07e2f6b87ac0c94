"""C99: one header and one source, without allocation, and without any library but math.h; in float32 or int8."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset
from seedbed.errors import ExportError
from seedbed.exports.c_code import CWriter, Float32Writer, Int8Writer
from seedbed.exports.graph import Graph, folded, scaled_first
from seedbed.exports.layers import graph_of
from seedbed.exports.paths import identifier
from seedbed.exports.protocol import Draft, ExportOptions, NetworkFormat, Predictor
from seedbed.exports.quantization import int8_numbers
from seedbed.network import Network

CALIBRATED = 1000
"""Training images that choose the numbers of int8."""

COMPILERS = ("cc", "gcc", "clang")
MISSING = (
    "The check compiles the files, and there is no C compiler (CC, cc, gcc, clang): install one, or write them with --no-check."
)

HEADER = """\
/* {title}, trained by seedbed on {data}; in {precision}.
 *
 * {operations:,} multiply-adds per image. {constants:,} bytes of constants, {memory:,} bytes of static memory,
 * because of which {name}_predict must not run twice at the same time.
 */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {upper}_HEIGHT {height}
#define {upper}_WIDTH {width}
#define {upper}_CHANNELS {channels}
#define {upper}_CLASSES {classes}

/* A pixel as stored, from 0 to {largest}. */
typedef {pixel} {name}_pixel;

extern const char *const {name}_class_names[{upper}_CLASSES];

/* Probabilities of the classes of one image, row by row from the top, the channels of a pixel next to each other. */
void {name}_predict(const {name}_pixel pixels[{upper}_HEIGHT * {upper}_WIDTH * {upper}_CHANNELS],
    float probabilities[{upper}_CLASSES]);

#ifdef __cplusplus
}}
#endif

#endif
"""

SOURCE = """\
/* {title}, trained by seedbed on {data}; in {precision}. C99; link with -lm. */

#include "{name}.h"

#include <math.h>

#define PIXEL {name}_pixel

const char *const {name}_class_names[{upper}_CLASSES] = {{{class_names}}};

{functions}
{arrays}
static {value} memory[{size}];

void {name}_predict(const {name}_pixel pixels[{upper}_HEIGHT * {upper}_WIDTH * {upper}_CHANNELS],
    float probabilities[{upper}_CLASSES])
{{
{calls}
}}
"""


def _draft(network: Network, dataset: Dataset, stem: str, options: ExportOptions) -> Draft:
    name = identifier(stem)
    graph = scaled_first(folded(graph_of(network.keras())))
    if options.quantize:
        writer: CWriter = Int8Writer(graph, int8_numbers(graph, dataset.train.sample(CALIBRATED)))
    else:
        writer = Float32Writer(graph)
    pixel = "uint8_t" if dataset.train.pictures.image[1] == np.uint8 else "float"
    height, width, channels = network.image_shape
    facts: dict[str, Any] = {
        "name": name,
        "upper": name.upper(),
        "title": _in_comment(network.spec.title),
        "data": _in_comment(network.result.run.data.name),
        "precision": writer.precision,
        "operations": graph.multiplications,
        "constants": writer.constants,
        "memory": _bytes_of_memory(writer),
        "height": height,
        "width": width,
        "channels": channels,
        "classes": len(network.classes),
        "largest": f"{network.scale:g}",
        "pixel": pixel,
    }
    source = SOURCE.format(
        **facts,
        class_names=", ".join(map(_text, network.classes)),
        functions=writer.functions,
        arrays="\n".join(writer.arrays),
        value=writer.value,
        size=writer.plan.size,
        calls="\n".join(f"    {call}" for call in writer.calls),
    )
    files = {f"{name}.c": source.encode(), f"{name}.h": HEADER.format(**facts).encode()}
    return Draft(files, (_needs(graph, writer),))


def _needs(graph: Graph, writer: CWriter) -> str:
    operations = f"{2 * graph.multiplications:,} operations per image"
    return f"It takes {writer.constants:,} bytes of constants, {_bytes_of_memory(writer):,} bytes of memory, {operations}."


def _bytes_of_memory(writer: CWriter) -> int:
    return writer.plan.size * (1 if writer.precision == "int8" else 4)


def _in_comment(text: str) -> str:
    return text.replace("*/", "* /")


def _text(name: str) -> str:
    """A text as C writes it, in bytes of UTF-8.

    >>> _text('a"b')
    '"a\\\\042b"'
    """
    plain = (
        chr(byte) if (chr(byte).isalnum() and byte < 128) or byte in b" _-.,:+" else f"\\{byte:03o}" for byte in name.encode()
    )
    return f'"{"".join(plain)}"'


def compiler() -> list[str]:
    """The command of the C compiler: that of the variable CC, else the first that is found.

    Raises:
        ExportError: there is none.
    """
    named = os.environ.get("CC", "").split()
    found = named or [name for name in COMPILERS if shutil.which(name)][:1]
    if not found:
        raise ExportError(MISSING)
    return found


def compiled(source: Path, *options: str) -> Path:
    """Compile a source to a library next to it.

    Raises:
        ExportError: the compiler is missing, or refuses.
    """
    library = source.with_suffix(".so")
    command: Sequence[str] = [*compiler(), "-std=c99", "-O2", "-ffp-contract=off", *options, "-shared", "-fPIC"]
    run = subprocess.run([*command, str(source), "-o", str(library), "-lm"], capture_output=True, text=True, check=False)
    if run.returncode:
        raise ExportError(f"The C compiler refuses the file: {(run.stderr.splitlines() or ['no message'])[0]}")
    return library


def _load(path: Path, network: Network) -> Predictor:
    library = ctypes.CDLL(str(compiled(path)))
    function = library[f"{path.stem}_predict"]
    function.restype = None
    text = path.with_suffix(".h").read_text(encoding="utf-8")
    dtype = np.uint8 if f"typedef uint8_t {path.stem}_pixel" in text else np.float32

    def predict(images: NDArray[Any]) -> NDArray[np.float32]:
        pixels = np.ascontiguousarray(images, dtype).reshape(len(images), -1)
        out = np.zeros((len(images), len(network.classes)), np.float32)
        for image, row in zip(pixels, out, strict=True):
            function(image.ctypes.data_as(ctypes.c_void_p), row.ctypes.data_as(ctypes.c_void_p))
        return out

    return predict


FORMAT = NetworkFormat(
    "c",
    "C99 for small machines, float32 or int8 (--quantize)",
    (".c", ".h"),
    _draft,
    _load,
    "its own C, compiled",
    quantizes=True,
)
