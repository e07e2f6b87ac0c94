"""Keras on the backend that `KERAS_BACKEND` names: `fit`, one network after the other.

The model of a shape is built and compiled once; networks of equal shapes take turns in it, with fresh weights, their own
rate and their own penalty (a variable, so that nothing is compiled anew). A network of `bench.own_networks` is built and
compiled for each seed, as a user's loop over seeds does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from bench import own_networks
from bench.job import CLASSES, Answer, Arrays, Job, Net, arrays, give, steady, take

STEPS = {"jax": 1, "tensorflow": 64, "torch": 1}
"""Steps in one call of the compiled program: on TensorFlow 64 were faster than 16 or 1, on JAX no slower or faster, and the
PyTorch backend allows one only."""
JIT = {"jax": True, "tensorflow": False, "torch": False}
"""Compilation by XLA: TensorFlow's steps take half the time or less without it on CPUs, dense and convolutional alike."""


class _Penalty(keras.layers.Layer):  # type: ignore[misc]
    """Passes its input on and adds l2 * sum(w**2) of the kernels of earlier layers to the loss.

    Args:
        kernels: gives them; a function, because Keras takes layers among the attributes for parts of this one.
    """

    def __init__(self, kernels: Callable[[], list[Any]]) -> None:
        super().__init__()
        self.l2 = self.add_weight(shape=(), initializer="zeros", trainable=False, name="l2")
        self._kernels = kernels

    def call(self, x: Any) -> Any:
        for kernel in self._kernels():
            self.add_loss(self.l2 * keras.ops.sum(keras.ops.square(kernel)))
        return x


class _Seconds(keras.callbacks.Callback):  # type: ignore[misc]
    """The seconds of each epoch, validation included."""

    def __init__(self) -> None:
        super().__init__()
        self.each: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.each.append(time.perf_counter() - self._began)


def _layers(net: Net) -> list[Any]:
    layers = keras.layers
    if net.family == "dense":
        return [layers.Flatten(), *(layers.Dense(units, net.activation) for units in net.hidden), layers.Dense(CLASSES)]
    return [
        layers.Conv2D(20, 5, padding="same"),
        layers.MaxPooling2D(2),
        layers.ReLU(),
        layers.Conv2D(10, 3, padding="same"),
        layers.MaxPooling2D(2),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dense(CLASSES),
    ]


class _Trainer:
    """The images, and compiled models by shape."""

    def __init__(self, job: Job, images: Arrays) -> None:
        self.job = job
        self.images = images
        self.backend = keras.backend.backend()
        self.models: dict[tuple[Any, ...], Any] = {}

    def model(self, net: Net) -> Any:
        """A compiled model with fresh weights."""
        keras.utils.set_random_seed(net.seed)
        if net.family == "keras":
            return self._compiled(getattr(own_networks, net.own)(), net, from_logits=False)
        if net.shape not in self.models:
            self.models[net.shape] = self._built(net)
        else:
            self._draw_anew(self.models[net.shape])
        model = self.models[net.shape]
        model.optimizer.learning_rate = net.rate
        for layer in model.layers:
            if isinstance(layer, _Penalty):
                layer.l2.assign(net.l2)
        return model

    def _built(self, net: Net) -> Any:
        layers = _layers(net)
        shape = self.images.images.shape[1:]
        penalty = [_Penalty(lambda: [layer.kernel for layer in layers if hasattr(layer, "kernel")])]
        penalised = any(each.l2 for each in self.job.nets)
        model = keras.Sequential([keras.Input(shape), *layers, *(penalty if penalised else [])])
        return self._compiled(model, net, from_logits=True)

    def _compiled(self, model: Any, net: Net, *, from_logits: bool) -> Any:
        model.compile(
            keras.optimizers.Adam(net.rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits),
            metrics=["accuracy"],
            jit_compile=JIT[self.backend],
            steps_per_execution=STEPS[self.backend],
        )
        return model

    def _draw_anew(self, model: Any) -> None:
        for layer in model.layers:
            if hasattr(layer, "kernel_initializer"):
                layer.kernel_initializer = keras.initializers.GlorotUniform()
                layer.kernel.assign(layer.kernel_initializer(layer.kernel.shape))
                layer.bias.assign(np.zeros(layer.bias.shape, np.float32))
        for variable in model.optimizer.variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def train(self, net: Net) -> tuple[list[float], float]:
        """Seconds of each epoch, and the last accuracy."""
        found, seconds = self.images, _Seconds()
        history = self.model(net).fit(
            found.images,
            found.labels,
            batch_size=self.job.batch,
            epochs=self.job.epochs,
            validation_data=(found.validation_images, found.validation_labels),
            validation_batch_size=1000,
            verbose=0,
            callbacks=[seconds],
        )
        return seconds.each, float(history.history["val_accuracy"][-1])


def main() -> None:
    """Trains the job's networks one by one."""
    job = take()
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(job.threads)
    trainer = _Trainer(job, arrays(job))
    trained = [trainer.train(net) for net in job.nets]
    epochs, warm = zip(*(steady(seconds) for seconds, _ in trained), strict=True)
    give(Answer(sum(epochs), sum(warm), [accuracy for _, accuracy in trained]))


if __name__ == "__main__":
    main()
