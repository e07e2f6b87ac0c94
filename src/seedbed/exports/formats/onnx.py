"""ONNX: one file from pixels as stored to probabilities, for onnxruntime and what else reads ONNX.

Networks of plain layers are written operation by operation. What is not plain (recurrent layers, attention, layers of a user's
own) goes through Keras's own exporter, which converts JAX's operations by jax2onnx and needs no TensorFlow.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset
from seedbed.errors import ExportError
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
    ImageInput,
    Operation,
    Pooling,
    Probabilities,
    Reshaped,
    Window,
    ZeroBorder,
    folded,
)
from seedbed.exports.layers import UnknownLayer, graph_of
from seedbed.exports.protocol import BATCH, Draft, ExportOptions, NetworkFormat, Predictor
from seedbed.models.keras_backend import keras_session
from seedbed.network import Network

OPSET, IR_VERSION = 20, 9
"""Versions that onnxruntime reads since 1.17 (January 2024); opset 20 is the first with GELU."""

INPUT, OUTPUT = "pixels", "probabilities"
MISSING = "ONNX needs the packages onnx and onnxruntime, and {name!r} is missing: pip install 'seedbed[onnx]'."
ChannelOrder = Literal["first", "last"]
"""Place of the channels in maps: ONNX's convolutions have them first, images and flattened maps last."""


def _draft(network: Network, dataset: Dataset, stem: str, options: ExportOptions) -> Draft:
    try:
        import onnx
    except ImportError as error:
        raise ExportError(MISSING.format(name=error.name)) from None
    keras_model = network.keras()
    try:
        model, how = onnx_model(folded(graph_of(keras_model))), "each layer as plain operations"
    except UnknownLayer as unknown:
        model, how = _converted(keras_model, unknown), "by Keras's exporter, since not all layers are plain"
    onnx.helper.set_model_props(model, _metadata(network))
    onnx.checker.check_model(model)
    height, width, channels = network.image_shape
    lines = (
        f"Input {INPUT!r}: (n, {height}, {width}, {channels}) float32, pixels as stored; output {OUTPUT!r}: "
        f"(n, {len(network.classes)}). Its metadata has the names of the classes.",
        f"Written with opset {model.opset_import[0].version}, {how}.",
    )
    return Draft({f"{stem}.onnx": model.SerializeToString()}, lines)


def _metadata(network: Network) -> dict[str, str]:
    return {
        "classes": json.dumps(network.classes, ensure_ascii=False),
        "image_shape": json.dumps(network.image_shape),
        "preprocessing": f"none: pixels as stored, up to {network.scale:g}, height x width x channels",
        "run": network.name,
        "data": network.result.run.data.name,
        "network": network.spec.title,
    }


def _converted(keras_model: Any, unknown: UnknownLayer) -> Any:
    """The network by Keras's exporter.

    Raises:
        ExportError: jax2onnx is missing, or cannot convert an operation.
    """
    import onnx

    with tempfile.TemporaryDirectory() as folder, keras_session(seed=0) as keras:
        path, pixels = Path(folder) / "network.onnx", keras_model.inputs[0]
        signature = [keras.InputSpec(shape=pixels.shape, dtype=pixels.dtype, name=INPUT)]
        try:
            keras_model.export(path, format="onnx", verbose=False, input_signature=signature)
        except ImportError as error:
            raise ExportError(f"{unknown} Other layers need jax2onnx ({error}): pip install 'seedbed[jax2onnx]'.") from None
        except Exception as error:  # jax2onnx raises many types
            raise ExportError(f"{unknown} jax2onnx cannot convert it: {str(error).splitlines()[0]}") from None
        model = onnx.load(path)
    _renamed(model.graph, model.graph.input[0], INPUT)
    _renamed(model.graph, model.graph.output[0], OUTPUT)
    return model


def _renamed(graph: Any, value: Any, name: str) -> None:
    """Rename an input or output of a graph wherever it stands."""
    before, value.name = value.name, name
    for node in graph.node:
        node.input[:] = [name if each == before else each for each in node.input]
        node.output[:] = [name if each == before else each for each in node.output]


def onnx_model(graph: Graph) -> Any:
    """Write a graph as an ONNX model: `pixels` `(n, h, w, c)` to `probabilities` `(n, C)`."""
    import onnx
    from onnx import TensorProto, helper

    writer = _OnnxWriter()
    for number, operation in enumerate(graph.operations):
        writer.write(number, operation)
    writer.node("Identity", writer.name(len(graph.operations) - 1, "last"), output=OUTPUT)
    pixels = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", *graph.image_shape])
    out = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", graph.classes])
    made = helper.make_graph(writer.nodes, "network", [pixels], [out], writer.constants)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(made, opset_imports=opset, ir_version=IR_VERSION, producer_name="seedbed")
    return onnx.shape_inference.infer_shapes(model)


class _OnnxWriter:
    """Writes operations as nodes, with transpositions where an operation needs the channels elsewhere.

    Attributes:
        nodes, constants: what was written.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._outputs: dict[tuple[int, ChannelOrder], str] = {}
        self._layouts: dict[int, ChannelOrder] = {}
        self._operations: list[Operation] = []

    def node(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node, and return the name of its output."""
        from onnx import helper

        name = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def array(self, values: NDArray[Any], name: str = "constant") -> str:
        """Add an array, and return its name."""
        from onnx import numpy_helper

        name = f"{name}_{len(self.constants)}" if name == "constant" else name
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def constant(self, value: float) -> str:
        """Add a number, and return its name."""
        return self.array(np.array(value, np.float32))

    def name(self, number: int, layout: ChannelOrder) -> str:
        """Name of an operation's output in a layout."""
        if (number, layout) not in self._outputs:
            own = self._outputs[number, self._layouts[number]]
            maps = len(self._operations[number].shape) == 3
            order = [0, 3, 1, 2] if layout == "first" else [0, 2, 3, 1]
            self._outputs[number, layout] = self.node("Transpose", own, perm=order) if maps else own
        return self._outputs[number, layout]

    def write(self, number: int, operation: Operation) -> None:
        """Write an operation, and keep the name of its output."""
        self._operations.append(operation)
        layout: ChannelOrder = "first" if isinstance(operation, MAPPED) else "last"
        if isinstance(operation, ANYWHERE):
            layout = self._layouts[operation.inputs[0]]
        inputs = [self.name(each, layout) for each in operation.inputs]
        self._layouts[number] = layout
        self._outputs[number, layout] = RULES[type(operation)](self, operation, inputs)

    def layout(self, operation: Operation) -> ChannelOrder:
        """ChannelOrder of the inputs of an operation that takes either."""
        return self._layouts[operation.inputs[0]]


MAPPED = (Convolution, DepthwiseConvolution, Pooling, GlobalPooling, ZeroBorder)
ANYWHERE = (Affine, Activated, Combined)


def _pixels(to: _OnnxWriter, operation: ImageInput, inputs: list[str]) -> str:
    return INPUT


def _affine(to: _OnnxWriter, operation: Affine, inputs: list[str]) -> str:
    name = inputs[0]
    for label, values in operation.effective.items():
        spread = len(operation.shape) == 3 and to.layout(operation) == "first" and values.size > 1
        array = to.array(values.reshape(-1, 1, 1) if spread else values, f"{operation.name}/{label}")
        name = to.node("Mul" if label == "factor" else "Add", name, array)
    return name


def _fully_connected(to: _OnnxWriter, operation: FullyConnected, inputs: list[str]) -> str:
    arrays = (to.array(operation.kernel, f"{operation.name}/kernel"), to.array(operation.bias, f"{operation.name}/bias"))
    return to.node("Gemm", inputs[0], *arrays)


def _moved(window: Window) -> dict[str, Any]:
    return {"strides": list(window.strides), "pads": list(window.border)}


def _convolution(to: _OnnxWriter, operation: Convolution | DepthwiseConvolution, inputs: list[str]) -> str:
    kernel = to.array(operation.outputs_first, f"{operation.name}/kernel")
    bias = to.array(operation.bias, f"{operation.name}/bias")
    groups: dict[str, Any] = {"group": operation.channels} if isinstance(operation, DepthwiseConvolution) else {}
    return to.node("Conv", inputs[0], kernel, bias, **groups, **_moved(operation.window))


def _activated(to: _OnnxWriter, operation: Activated, inputs: list[str]) -> str:
    return FORMS[operation.function].onnx(to, inputs[0], operation.alpha)


def _pooling(to: _OnnxWriter, operation: Pooling, inputs: list[str]) -> str:
    operator = "MaxPool" if operation.kind == "max" else "AveragePool"
    return to.node(operator, inputs[0], kernel_shape=list(operation.pool), **_moved(operation.window))


def _global_pooling(to: _OnnxWriter, operation: GlobalPooling, inputs: list[str]) -> str:
    pooled = to.node("GlobalMaxPool" if operation.kind == "max" else "GlobalAveragePool", inputs[0])
    return pooled if len(operation.shape) == 3 else to.node("Flatten", pooled)


def _reshaped(to: _OnnxWriter, operation: Reshaped, inputs: list[str]) -> str:
    return to.node("Reshape", inputs[0], to.array(np.array([-1, *operation.shape], np.int64)))


def _zero_border(to: _OnnxWriter, operation: ZeroBorder, inputs: list[str]) -> str:
    top, left, bottom, right = operation.border
    return to.node("Pad", inputs[0], to.array(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)))


def _combined(to: _OnnxWriter, operation: Combined, inputs: list[str]) -> str:
    if operation.how == "join":
        first = len(operation.shape) == 3 and to.layout(operation) == "first"
        return to.node("Concat", *inputs, axis=1 if first else len(operation.shape))
    name, *others = inputs
    for other in others:
        name = to.node("Add" if operation.how == "sum" else "Mul", name, other)
    return name


def _probabilities(to: _OnnxWriter, operation: Probabilities, inputs: list[str]) -> str:
    if operation.how == "softmax":
        return to.node("Softmax", inputs[0], axis=-1)
    return to.node("Div", inputs[0], to.node("ReduceSum", inputs[0], to.array(np.array([-1], np.int64)), keepdims=1))


RULES: dict[type[Operation], Callable[[_OnnxWriter, Any, list[str]], str]] = {
    ImageInput: _pixels,
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
        import onnxruntime
    except ImportError as error:
        raise ExportError(MISSING.format(name=error.name)) from None
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    kind = np.uint8 if session.get_inputs()[0].type == "tensor(uint8)" else np.float32

    def predict(images: NDArray[Any]) -> NDArray[np.float32]:
        batches = (images[at : at + BATCH].astype(kind) for at in range(0, len(images), BATCH))
        return np.concatenate([session.run([OUTPUT], {INPUT: batch})[0] for batch in batches])

    return predict


FORMAT = NetworkFormat("onnx", "one file for onnxruntime and other readers of ONNX", (".onnx",), _draft, _load, "onnxruntime")
