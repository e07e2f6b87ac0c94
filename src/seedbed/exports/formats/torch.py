"""PyTorch: a short Python file with the `nn.Module`, and its weights as safetensors."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset
from seedbed.errors import ExportError
from seedbed.exports.activations import FORMS
from seedbed.exports.graph import (
    NO_BORDER,
    Activated,
    Affine,
    BorderSizes,
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
    WeightArray,
    ZeroBorder,
    folded,
)
from seedbed.exports.layers import graph_of
from seedbed.exports.paths import identifier
from seedbed.exports.protocol import BATCH, Draft, ExportOptions, NetworkFormat, Predictor
from seedbed.network import Network
from seedbed.runs.arrays import safetensors_pieces

MISSING = (
    "The check runs the file by PyTorch, which is not installed: pip install torch, or write it unchecked with --no-check."
)

TEMPLATE = '''\
"""{title}, trained by seedbed on {data}: a PyTorch module. Its weights are in {weights}.

    import torch
    from {stem} import CLASSES, load

    network = load()
    probabilities = network(torch.zeros(1, {channels}, {height}, {width}))
    print(CLASSES[int(probabilities[0].argmax())])
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

CLASSES = {classes}


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
{modules}

    def forward(self, pixels: Tensor) -> Tensor:
        """Probabilities (n, {count}) of images (n, {channels}, {height}, {width}): pixels as stored, from 0 to {largest}."""
{steps}


def load(path: Path = Path(__file__).with_name("{weights}")) -> Network:
    """The trained network, for inference."""
    network = Network()
    network.load_state_dict(load_file(path))
    return network.eval()
'''


def _draft(network: Network, dataset: Dataset, stem: str, options: ExportOptions) -> Draft:
    name = identifier(stem)
    code = _ModuleWriter(folded(graph_of(network.keras())))
    height, width, channels = network.image_shape
    text = TEMPLATE.format(
        title=_in_docstring(network.spec.title),
        data=_in_docstring(network.result.run.data.name),
        stem=name,
        weights=f"{name}.safetensors",
        height=height,
        width=width,
        channels=channels,
        classes=repr(network.classes),
        count=len(network.classes),
        largest=f"{network.scale:g}",
        modules="\n".join(f"        {line}" for line in code.modules or ["pass"]),
        steps="\n".join(f"        {line}" for line in code.steps),
    )
    weights = b"".join(safetensors_pieces(code.weights))
    line = f"It needs torch and safetensors: from {name} import load."
    return Draft({f"{name}.py": text.encode(), f"{name}.safetensors": weights}, (line,))


def _in_docstring(text: str) -> str:
    return text.replace("\\", "/").replace('"', "'")


class _ModuleWriter:
    """Writes a graph as the lines of a module; maps have their channels first.

    Attributes:
        modules: lines of its `__init__`.
        steps: lines of its `forward`.
        weights: its state dict.
    """

    def __init__(self, graph: Graph) -> None:
        self.modules: list[str] = []
        self.steps: list[str] = []
        self.weights: dict[str, WeightArray] = {}
        self._graph = graph
        self._expressions: dict[int, str] = {0: "pixels"}
        for number, operation in enumerate(graph.operations[1:], start=1):
            self._write(number, operation)

    def _write(self, number: int, operation: Operation) -> None:
        """Write an operation as a step, or leave it to the step of an activation that follows."""
        inputs = [self._expressions[each] for each in operation.inputs]
        expression = RULES[type(operation)](self, operation, inputs)
        users = self._graph.users(number)
        if not users:
            self.steps.append(f"return {expression}")
        elif users == [number + 1] and isinstance(self._graph.operations[number + 1], Activated):
            self._expressions[number] = expression
        else:
            variable = "x" if users == [number + 1] else identifier(operation.name)
            self.steps.append(f"{variable} = {expression}")
            self._expressions[number] = variable

    def module(self, operation: Operation, made: str, **arrays: NDArray[Any]) -> str:
        """Add a module with its arrays, and return its name in `forward`."""
        name = identifier(operation.name)
        self.modules.append(f"self.{name} = {made}")
        self.weights |= {f"{name}.{label}": np.ascontiguousarray(value, np.float32) for label, value in arrays.items()}
        return f"self.{name}"

    def buffer(self, operation: Operation, label: str, values: NDArray[Any]) -> str:
        """Add an array that is no module's, and return its name in `forward`."""
        name = f"{identifier(operation.name)}_{label}"
        shape = ", ".join(map(str, values.shape))
        self.modules.append(f'self.register_buffer("{name}", torch.zeros({shape}))')
        self.weights[name] = np.ascontiguousarray(values, np.float32)
        return f"self.{name}"

    def shape(self, number: int) -> tuple[int, ...]:
        return self._graph.operations[number].shape


def _affine(to: _ModuleWriter, operation: Affine, inputs: list[str]) -> str:
    result = inputs[0]
    for label, values in operation.effective.items():
        sign = "*" if label == "factor" else "+"
        if values.size > 1:
            spread = values.reshape(-1, 1, 1) if len(operation.shape) == 3 else values
            result = f"{result} {sign} {to.buffer(operation, label, spread)}"
        else:
            result = f"{result} {_with_number(sign, values.item())}"
    return result


def _with_number(sign: str, value: float) -> str:
    """A sign with its number, as a division where that is shorter.

    >>> _with_number("*", 1 / 255), _with_number("+", 0.5)
    ('/ 255', '+ 0.5')
    """
    inverse = round(1 / value) if value else 0
    divides = sign == "*" and abs(inverse) > 2 and np.float32(1 / inverse) == np.float32(value)
    return f"/ {inverse}" if divides else f"{sign} {value!r}"


def _fully_connected(to: _ModuleWriter, operation: FullyConnected, inputs: list[str]) -> str:
    made = f"nn.Linear({', '.join(map(str, operation.kernel.shape))})"
    return f"{to.module(operation, made, weight=operation.kernel.T, bias=operation.bias)}({inputs[0]})"


def _convolution(to: _ModuleWriter, operation: Convolution | DepthwiseConvolution, inputs: list[str]) -> str:
    x, weight, groups = inputs[0], operation.outputs_first, ""
    (filters, channels), size = weight.shape[:2], _pair((weight.shape[2], weight.shape[3]))
    if isinstance(operation, DepthwiseConvolution):
        channels, groups = operation.channels, f", groups={operation.channels}"
    border, strides = operation.window.border, operation.window.strides
    step = f", stride={_pair(strides)}" if strides != (1, 1) else ""
    if border[:2] == border[2:]:
        step += f", padding={_pair(border[:2])}" if border != NO_BORDER else ""
    else:
        x = _padded(x, border)
    made = f"nn.Conv2d({channels}, {filters}, {size}{step}{groups})"
    return f"{to.module(operation, made, weight=weight, bias=operation.bias)}({x})"


def _pair(sides: tuple[int, int]) -> str:
    return str(sides[0]) if sides[0] == sides[1] else str(sides)


def _padded(x: str, border: BorderSizes, value: str = "") -> str:
    top, left, bottom, right = border
    return f"F.pad({x}, ({left}, {right}, {top}, {bottom}){value})"


def _activated(to: _ModuleWriter, operation: Activated, inputs: list[str]) -> str:
    return FORMS[operation.function].torch.format(x=inputs[0], alpha=operation.alpha)


def _pooling(to: _ModuleWriter, operation: Pooling, inputs: list[str]) -> str:
    border, strides = operation.window.border, operation.window.strides
    sizes = _pair(operation.pool) + (f", {_pair(strides)}" if strides != operation.pool else "")
    if operation.kind == "max":
        x = inputs[0] if border == NO_BORDER else _padded(inputs[0], border, ', value=float("-inf")')
        return f"F.max_pool2d({x}, {sizes})"
    if border == NO_BORDER:
        return f"F.avg_pool2d({inputs[0]}, {sizes})"
    inside = f"F.avg_pool2d({_padded(f'torch.ones_like({inputs[0]}[:1, :1])', border)}, {sizes})"
    return f"F.avg_pool2d({_padded(inputs[0], border)}, {sizes}) / {inside}"


def _global_pooling(to: _ModuleWriter, operation: GlobalPooling, inputs: list[str]) -> str:
    keep = ", keepdim=True" if len(operation.shape) == 3 else ""
    return f"{inputs[0]}.{'amax' if operation.kind == 'max' else 'mean'}((2, 3){keep})"


def _reshaped(to: _ModuleWriter, operation: Reshaped, inputs: list[str]) -> str:
    before, after, x = to.shape(operation.inputs[0]), operation.shape, inputs[0]
    if len(before) == 3 and min(before[2], before[0] * before[1]) > 1:
        x = f"{x}.permute(0, 2, 3, 1)"
    if len(after) == 1:
        return f"{x}.flatten(1)"
    x = f"{x}.reshape(-1, {', '.join(map(str, after))})"
    return f"{x}.permute(0, 3, 1, 2)" if len(after) == 3 else x


def _zero_border(to: _ModuleWriter, operation: ZeroBorder, inputs: list[str]) -> str:
    return _padded(inputs[0], operation.border)


def _combined(to: _ModuleWriter, operation: Combined, inputs: list[str]) -> str:
    if operation.how == "join":
        return f"torch.cat(({', '.join(inputs)}), dim=1)"
    return (" + " if operation.how == "sum" else " * ").join(inputs)


def _probabilities(to: _ModuleWriter, operation: Probabilities, inputs: list[str]) -> str:
    if operation.how == "softmax":
        return f"torch.softmax({inputs[0]}, dim=1)"
    return f"{inputs[0]} / {inputs[0]}.sum(1, keepdim=True)"


RULES: dict[type[Operation], Callable[[_ModuleWriter, Any, list[str]], str]] = {
    Affine: _affine,
    FullyConnected: _fully_connected,
    Convolution: _convolution,
    DepthwiseConvolution: _convolution,
    Activated: _activated,
    Pooling: _pooling,
    GlobalPooling: _global_pooling,
    Reshaped: _reshaped,
    ZeroBorder: _zero_border,
    Combined: _combined,
    Probabilities: _probabilities,
}


def _load(path: Path, network: Network) -> Predictor:
    try:
        import torch
    except ImportError:
        raise ExportError(MISSING) from None
    spec = importlib.util.spec_from_file_location(f"seedbed_export_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded = module.load()

    def predict(images: NDArray[Any]) -> NDArray[np.float32]:
        first = np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32)
        with torch.no_grad():
            batches = [loaded(torch.from_numpy(first[at : at + BATCH])) for at in range(0, len(first), BATCH)]
        return np.concatenate([batch.numpy() for batch in batches])

    return predict


FORMAT = NetworkFormat(
    "torch", "a short Python file with the module, and its weights", (".py", ".safetensors"), _draft, _load, "PyTorch"
)
