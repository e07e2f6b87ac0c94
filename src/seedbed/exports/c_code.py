"""A graph as C99: the functions of its layers from `native/`, its arrays, and one call for each operation."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.exports.activations import FORMS
from seedbed.exports.graph import (
    Activated,
    Affine,
    Combined,
    Convolution,
    DepthwiseConvolution,
    FullyConnected,
    GlobalPooling,
    Graph,
    Operation,
    Pooling,
    Probabilities,
    Reshaped,
    Window,
    ZeroBorder,
)
from seedbed.exports.memory import memory_plan
from seedbed.exports.paths import identifier
from seedbed.exports.quantization import Int8Numbers, applies_activation, int8_kernel

NumberFormat = Literal["float32", "int8"]

WIDTH = 120
"""Characters of a line of numbers."""

Layer = FullyConnected | Convolution | DepthwiseConvolution


class CWriter(ABC):
    """Writes a graph's arrays and calls.

    Args:
        graph: graph with `scaled_first`.

    Attributes:
        arrays: definitions of constants.
        calls: statements of the function that predicts.
        constants: bytes of the constants.
        plan: places of the outputs in the block `memory`.
    """

    precision: NumberFormat
    value: str
    """C's type of an output."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.arrays: list[str] = []
        self.calls: list[str] = []
        self.constants = 0
        self.plan = memory_plan(graph)
        self._functions: dict[str, str] = {}
        for number, operation in enumerate(graph.operations[1:], start=1):
            self.write(number, operation)

    @property
    def functions(self) -> str:
        """The functions that the calls need, and those that these need, in an order in which each follows what it calls."""
        own, of_float32 = _sections(self.precision), _sections("float32")
        known = {"shared": own["shared"], **_sections("common"), **own}
        known |= {name: of_float32[name] for name in ("softmax", "shares")}
        text = "\n".join([*self.calls, *self._functions.values()])
        needed = {"shared"}
        while True:
            called = {name for name in known if re.search(rf"\b{name}\b", text)} - needed
            if not called:
                break
            needed |= called
            text = "\n".join(known[name] for name in called)
        return "\n".join([*(known[name] for name in known if name in needed), *self._functions.values()])

    def write(self, number: int, operation: Operation) -> None:
        """Write the calls of an operation."""
        if number == 1:
            assert isinstance(operation, Affine)
            arrays = self.affine_arrays(operation)
            self.call("load_pixels", "pixels", self.at(1), operation.size, operation.factor.size, *arrays, *self.to(1))
        elif isinstance(operation, Probabilities):
            self.probabilities(number, operation)
        elif isinstance(operation, FullyConnected | Convolution | DepthwiseConvolution):
            self.layer(number, operation)
        elif isinstance(operation, Affine):
            self.affine(number, operation)
        elif isinstance(operation, Activated):
            self.activated(number, operation)
        elif isinstance(operation, Pooling | GlobalPooling):
            self.pooling(number, operation)
        elif isinstance(operation, ZeroBorder):
            top, left, _, _ = operation.border
            window = self.window(operation, operation.inputs[0], (1, 1), Window(border=(top, left, 0, 0)))
            self.call("pad", self.at(operation.inputs[0]), self.at(number), window, self.zero(number))
        elif isinstance(operation, Combined):
            self.combined(number, operation)
        else:
            assert isinstance(operation, Reshaped)
            if self.at(number) != self.at(operation.inputs[0]):
                raise AssertionError("a change of shape moves no value")

    # What the two precisions write differently

    @abstractmethod
    def layer(self, number: int, operation: Layer) -> None:
        """Write a layer with weights."""

    @abstractmethod
    def affine(self, number: int, operation: Affine) -> None:
        """Write a factor and an offset for each channel."""

    @abstractmethod
    def activated(self, number: int, operation: Activated) -> None:
        """Write an elementwise function."""

    def to(self, number: int) -> tuple[str, ...]:
        """Arguments that say how an output stands for numbers."""
        return ()

    def zero(self, number: int) -> int:
        """The value that stands for 0 in an output."""
        return 0

    # What they share

    def probabilities(self, number: int, operation: Probabilities) -> None:
        """Write the probabilities where the caller wants them."""
        before = operation.inputs[0]
        self.call("numbers", self.at(before), "probabilities", operation.size, *self.to(before))
        self.call(operation.how, "probabilities", "probabilities", operation.size)

    def pooling(self, number: int, operation: Pooling | GlobalPooling) -> None:
        """Write a pooling; a global one has one window."""
        before = operation.inputs[0]
        if isinstance(operation, GlobalPooling):
            height, width, _ = self.graph.operations[before].shape
            shape = (1, 1, operation.shape[-1])
            window = self.window(operation, before, (height, width), Window(), shape)
        else:
            window = self.window(operation, before, operation.pool, operation.window)
        formats = (*self.to(before), *self.to(number)) if operation.kind == "average" else ()
        self.call(f"pool_{operation.kind}", self.at(before), self.at(number), window, *formats)

    def combined(self, number: int, operation: Combined) -> None:
        """Write a sum or a product input by input, or joined channels part by part."""
        first, *others = operation.inputs
        if operation.how == "join":
            start, channels = 0, operation.shape[-1]
            for each in operation.inputs:
                own = self.graph.operations[each].shape[-1]
                sizes = (operation.size // channels, own, start, channels)
                self.call("join", self.at(each), self.at(number), *sizes, *self.to(each), *self.to(number))
                start += own
            return
        name, formats = {"sum": "add", "product": "multiply"}[operation.how], self.to(first)
        left = self.at(first)
        for each in others:
            both = (*formats, *self.to(each), *self.to(number))
            self.call(name, left, self.at(each), self.at(number), operation.size, *both)
            left, formats = self.at(number), self.to(number)

    def call(self, function: str, *arguments: Any) -> None:
        """Add a call."""
        self.calls.append(f"{function}({', '.join(map(str, arguments))});")

    def at(self, number: int) -> str:
        """An output's place in memory."""
        return f"memory + {self.plan.offsets[number]}" if self.plan.offsets[number] else "memory"

    def array(self, operation: Operation, label: str, values: NDArray[Any]) -> str:
        """Define an array, and return its name."""
        kind = {"float32": "float", "int8": "int8_t"}[values.dtype.name]
        name = f"{identifier(operation.name)}_{label}"
        self.constants += values.nbytes
        self.arrays.append(f"static const {kind} {name}[{values.size}] = {{\n{_numbers(values)}\n}};\n")
        return name

    def affine_arrays(self, operation: Affine) -> tuple[str, str]:
        """Define factor and offset, each as long as the other."""
        size = max(operation.factor.size, operation.offset.size)
        factor, offset = (np.broadcast_to(each, size) for each in (operation.factor, operation.offset))
        return self.array(operation, "factor", factor), self.array(operation, "offset", offset)

    def window(
        self, operation: Operation, before: int, size: Sequence[int], window: Window, shape: Sequence[int] | None = None
    ) -> str:
        """Define the geometry of a sliding window, and return its address."""
        name = f"{identifier(operation.name)}_window"
        numbers = (
            *self.graph.operations[before].shape,
            *(shape or operation.shape),
            *size,
            *window.strides,
            *window.border[:2],
        )
        self.arrays.append(f"static const window {name} = {{{', '.join(map(str, numbers))}}};\n")
        return f"&{name}"

    def function(self, operation: Activated) -> str:
        """Define an elementwise function of one number, and return its name."""
        forms = FORMS[operation.function]
        takes = "{alpha}" in forms.c
        name = f"activate_{operation.function}"  # math.h has a tanh
        name += identifier(f"_{operation.alpha:g}")[1:] if takes else ""
        body = forms.c.format(alpha=_float(operation.alpha).removesuffix("f"))
        self._functions[name] = f"static float {name}(float x)\n{{\n    return {body};\n}}\n"
        return name


class Float32Writer(CWriter):
    """Writes a graph in float32."""

    precision = "float32"
    value = "float"

    def layer(self, number: int, operation: Layer) -> None:
        before = operation.inputs[0]
        arrays = (self.array(operation, "kernel", outputs_first(operation)), self.array(operation, "bias", operation.bias))
        if isinstance(operation, FullyConnected):
            self.call("fully_connected", self.at(before), self.at(number), *operation.kernel.shape, *arrays)
            return
        name = "convolve" if isinstance(operation, Convolution) else "convolve_depthwise"
        window = self.window(operation, before, operation.kernel.shape[:2], operation.window)
        self.call(name, self.at(before), self.at(number), window, *arrays)

    def affine(self, number: int, operation: Affine) -> None:
        sizes = (operation.size, operation.factor.size)
        self.call("affine", self.at(operation.inputs[0]), self.at(number), *sizes, *self.affine_arrays(operation))

    def activated(self, number: int, operation: Activated) -> None:
        self.call("apply", self.at(operation.inputs[0]), self.at(number), operation.size, self.function(operation))


class Int8Writer(CWriter):
    """Writes a graph in int8.

    Args:
        numbers: numbers of each output, see `int8_numbers`.
    """

    precision = "int8"
    value = "int8_t"

    def __init__(self, graph: Graph, numbers: dict[int, Int8Numbers]) -> None:
        self.numbers = numbers
        super().__init__(graph)

    def to(self, number: int) -> tuple[str, ...]:
        own = self.numbers[self._rounded(number)]
        return (f"(format){{{_float(own.scale)}, {own.zero}}}",)

    def zero(self, number: int) -> int:
        return self.numbers[number].zero

    def layer(self, number: int, operation: Layer) -> None:
        before = self.numbers[operation.inputs[0]]
        kernel, scale = int8_kernel(outputs_first(operation))
        combined = (scale * np.float32(before.scale)).astype(np.float32)
        labels: dict[str, NDArray[Any]] = {"kernel": kernel, "scale": combined, "bias": operation.bias}
        arrays = [self.array(operation, label, values) for label, values in labels.items()]
        taken = self.at(operation.inputs[0])
        if self._gives_logits(number):
            self.call("logits", taken, "probabilities", *operation.kernel.shape, *arrays, before.zero)
            return
        rest = (self._applied(number), before.zero, *self.to(number))
        if isinstance(operation, FullyConnected):
            self.call("fully_connected", taken, self.at(number), *operation.kernel.shape, *arrays, *rest)
            return
        name = "convolve" if isinstance(operation, Convolution) else "convolve_depthwise"
        window = self.window(operation, operation.inputs[0], operation.kernel.shape[:2], operation.window)
        self.call(name, taken, self.at(number), window, *arrays, *rest)

    def probabilities(self, number: int, operation: Probabilities) -> None:
        if self._gives_logits(operation.inputs[0]):
            self.call(operation.how, "probabilities", "probabilities", operation.size)
        else:
            super().probabilities(number, operation)

    def affine(self, number: int, operation: Affine) -> None:
        before = operation.inputs[0]
        sizes, formats = (operation.size, operation.factor.size), (*self.to(before), *self.to(number))
        arrays = self.affine_arrays(operation)
        self.call("affine", self.at(before), self.at(number), *sizes, *arrays, self._applied(number), *formats)

    def activated(self, number: int, operation: Activated) -> None:
        before = operation.inputs[0]
        if not applies_activation(self.graph, before):
            formats = (*self.to(before), *self.to(number))
            self.call("apply", self.at(before), self.at(number), operation.size, self.function(operation), *formats)

    def _applied(self, number: int) -> str:
        """Name of the function that an operation applies to its results."""
        if not applies_activation(self.graph, number):
            return "identity"
        follower = self.graph.operations[self._rounded(number)]
        assert isinstance(follower, Activated)
        return self.function(follower)

    def _rounded(self, number: int) -> int:
        """The operation whose numbers an output has: the activation that is applied to it, or itself."""
        return self.graph.users(number)[0] if applies_activation(self.graph, number) else number

    def _gives_logits(self, number: int) -> bool:
        """Whether an operation is the last layer, whose results are not rounded."""
        users = self.graph.users(number)
        last = len(users) == 1 and isinstance(self.graph.operations[users[0]], Probabilities)
        return last and isinstance(self.graph.operations[number], FullyConnected)


def outputs_first(operation: Layer) -> NDArray[np.float32]:
    """A layer's kernel in C's layout: outputs, then height, width and inputs."""
    if isinstance(operation, FullyConnected):
        return np.ascontiguousarray(operation.kernel.T)
    if isinstance(operation, Convolution):
        return np.ascontiguousarray(operation.kernel.transpose(3, 0, 1, 2))
    height, width, _, _ = operation.kernel.shape
    return np.ascontiguousarray(operation.kernel.transpose(2, 3, 0, 1).reshape(-1, height, width))


@cache
def _sections(file: NumberFormat | Literal["common"]) -> dict[str, str]:
    """Name -> text of the functions of a precision, or of those that both share."""
    text = files("seedbed.exports").joinpath("native", f"{file}.c").read_text(encoding="utf-8")
    parts = re.split(r"^/// (\w+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _numbers(values: NDArray[Any]) -> str:
    """Numbers with commas between them, in lines."""
    texts = map(str, values.ravel().tolist()) if values.dtype == np.int8 else map(_float, values.ravel().tolist())
    return "\n".join(_lines(f"{text}," for text in texts))


def _lines(words: Iterable[str]) -> Iterable[str]:
    line = "   "
    for word in words:
        if len(line) + len(word) >= WIDTH:
            yield line
            line = "   "
        line += f" {word}"
    yield line


def _float(value: float) -> str:
    """A float32 as C writes it; nine digits determine it.

    >>> _float(0.1), _float(2.0), _float(1e-9)
    ('0.1f', '2.0f', '1e-09f')
    """
    text = f"{float(np.float32(value)):.9g}"
    return f"{text}f" if any(sign in text for sign in ".en") else f"{text}.0f"
