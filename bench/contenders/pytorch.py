"""PyTorch, one network after the other: images on the device as one tensor, minibatches by index, fused Adam.

Convolutions run in the channels-last layout, and pooling comes before ReLU, which gives the same and costs less. Compiled
code is shared by networks of equal shapes, whose weights are drawn anew in place; the last, smaller minibatch goes
through the uncompiled function, so that nothing is compiled twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from bench.job import CLASSES, Answer, Job, Net, arrays, give, steady, take

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
Loss = Callable[[Any, Any, Any], Any]


def _dense(net: Net, pixels: int) -> Any:
    layers: list[Any] = []
    for units in net.hidden:
        layers += [nn.Linear(pixels, units), ACTIVATIONS[net.activation]()]
        pixels = units
    return nn.Sequential(*layers, nn.Linear(pixels, CLASSES))


def _conv(side: int) -> Any:
    """The exercise's network."""
    return nn.Sequential(
        nn.Conv2d(1, 20, 5, padding=2),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(20, 10, 3, padding=1),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(10 * (side // 4) ** 2, CLASSES),
    )


def _draw_anew(module: Any) -> None:
    """Glorot-uniform kernels and zero biases, as the other contenders begin."""
    for layer in module:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)


def _adam(module: Any, net: Net) -> Any:
    """Adam's weight decay adds 2 * l2 * w to the gradient: the penalty's own."""
    kernels = [parameter for parameter in module.parameters() if parameter.ndim > 1]
    biases = [parameter for parameter in module.parameters() if parameter.ndim == 1]
    groups = [{"params": kernels, "weight_decay": 2 * net.l2}, {"params": biases}]
    return torch.optim.Adam(groups, lr=net.rate, eps=1e-7, fused=True)


def _loss(module: Any, x: Any, y: Any) -> Any:
    return functional.cross_entropy(module(x), y)


class _Trainer:
    """The images of a job on its device, and modules by shape."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.device = torch.device("cuda" if job.device == "gpu" else "cpu")
        self.last = not job.options.get("channels_first", False)
        found = arrays(job)
        self.side = found.images.shape[1]
        self.x, self.y = self._placed(found.images, found.labels)
        self.vx, self.vy = self._placed(found.validation_images, found.validation_labels)
        self.modules: dict[tuple[Any, ...], tuple[Any, Loss]] = {}

    def _placed(self, images: Any, labels: Any) -> tuple[Any, Any]:
        x = torch.from_numpy(images)
        if self.job.nets[0].family == "dense":
            return x.reshape(len(x), -1).to(self.device), torch.from_numpy(labels).to(self.device)
        x = x.permute(0, 3, 1, 2).contiguous()
        x = x.contiguous(memory_format=torch.channels_last) if self.last else x
        return x.to(self.device), torch.from_numpy(labels).to(self.device)

    def module(self, net: Net) -> tuple[Any, Loss]:
        """A network of this shape with fresh weights, and its loss, compiled once a shape."""
        if net.shape not in self.modules:
            made = _dense(net, self.x.shape[1]) if net.family == "dense" else _conv(self.side)
            made = made.to(self.device)
            if net.family == "conv" and self.last:
                made = made.to(memory_format=torch.channels_last)
            mode = "reduce-overhead" if self.job.device == "gpu" else "default"
            loss = torch.compile(_loss, mode=mode, dynamic=False) if self.job.options.get("compiled") else _loss
            self.modules[net.shape] = made, loss
        module, loss = self.modules[net.shape]
        torch.manual_seed(net.seed)
        _draw_anew(module)
        return module, loss

    def train(self, net: Net) -> tuple[list[float], float]:
        """Seconds of each epoch, validation included, and the last accuracy."""
        module, loss = self.module(net)
        adam = _adam(module, net)
        seconds, accuracy = [], 0.0
        for _ in range(self.job.epochs):
            began = time.perf_counter()
            self._epoch(module, loss, adam)
            accuracy = self._validate(module)
            seconds.append(time.perf_counter() - began)
        return seconds, accuracy

    def _epoch(self, module: Any, loss: Loss, adam: Any) -> None:
        size = self.job.batch
        for rows in torch.randperm(len(self.x), device=self.device).split(size):
            adam.zero_grad(set_to_none=True)
            x, y = self.x.index_select(0, rows), self.y.index_select(0, rows)
            if x.ndim == 4 and self.last:
                x = x.contiguous(memory_format=torch.channels_last)
            (loss if len(rows) == size else _loss)(module, x, y).backward()
            adam.step()

    def _validate(self, module: Any) -> float:
        with torch.no_grad():
            logits = torch.cat([module(part) for part in self.vx.split(1000)])
            functional.cross_entropy(logits, self.vy).item()
            return float((logits.argmax(1) == self.vy).float().mean().item())


def main() -> None:
    """Trains the job's networks one by one."""
    job = take()
    torch.set_num_threads(job.threads)
    trainer = _Trainer(job)
    trained = [trainer.train(net) for net in job.nets]
    epochs, warm = zip(*(steady(seconds) for seconds, _ in trained), strict=True)
    give(Answer(sum(epochs), sum(warm), [accuracy for _, accuracy in trained]))


if __name__ == "__main__":
    main()
