"""The formats, one module each; a module has a `FORMAT`, and loads its libraries only when it is used."""

from __future__ import annotations

from seedbed.exports.formats import c, csv, html, json, keras, latex, onnx, safetensors, tensorboard, torch
from seedbed.exports.protocol import MetricsFormat, NetworkFormat
from seedbed.kinds import Registry

FORMATS: Registry[NetworkFormat | MetricsFormat] = Registry(
    "format",
    keras.FORMAT,
    onnx.FORMAT,
    torch.FORMAT,
    c.FORMAT,
    html.FORMAT,
    safetensors.FORMAT,
    csv.FORMAT,
    json.FORMAT,
    latex.FORMAT,
    tensorboard.FORMAT,
)
"""Formats of networks, then those of metrics."""
