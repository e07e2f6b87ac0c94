"""PyTorch, networks of one shape as one stack, as an expert would write it by hand for just this shape.

The first layers are one product with the shared minibatch, the later ones batched products; Adam is written out, with a
rate and a penalty for each network. No framework offers this form ready-made; it stands here as the strongest peer there
could be for networks that are all alike.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import torch
from torch.nn import functional

from bench.job import CLASSES, Answer, Job, arrays, give, steady, take

BETAS = (0.9, 0.999)
ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


def _glorot(members: int, inputs: int, outputs: int, device: Any) -> Any:
    limit = (6.0 / (inputs + outputs)) ** 0.5
    return (2 * torch.rand(members, inputs, outputs, device=device) - 1) * limit


class _Stack:
    """All members' weights: kernels `(members, in, out)`, biases `(members, 1, out)`, and Adam's two moments of each."""

    def __init__(self, job: Job, pixels: int, device: Any) -> None:
        torch.manual_seed(job.nets[0].seed)
        self.activate = ACTIVATIONS[job.nets[0].activation]
        sizes = [pixels, *job.nets[0].hidden, CLASSES]
        pairs = list(pairwise(sizes))
        members = len(job.nets)
        kernels = [_glorot(members, inputs, outputs, device) for inputs, outputs in pairs]
        biases = [torch.zeros(members, 1, outputs, device=device) for _, outputs in pairs]
        self.weights = [weight.requires_grad_() for pair in zip(kernels, biases, strict=True) for weight in pair]
        self.moments = [(torch.zeros_like(weight), torch.zeros_like(weight)) for weight in self.weights]
        self.rates = torch.tensor([net.rate for net in job.nets], device=device).reshape(-1, 1, 1)
        self.penalties = torch.tensor([net.l2 for net in job.nets], device=device).reshape(-1, 1, 1)

    def logits(self, x: Any) -> Any:
        """`(members, images, classes)` of images `(images, pixels)`."""
        kernel, bias = self.weights[:2]
        flat = x @ kernel.permute(1, 0, 2).reshape(x.shape[1], -1)
        a = flat.reshape(len(x), *bias.shape[::2]).permute(1, 0, 2) + bias
        for kernel, bias in zip(self.weights[2::2], self.weights[3::2], strict=True):
            a = torch.baddbmm(bias, self.activate(a), kernel)
        return a

    def loss(self, x: Any, y: Any) -> Any:
        """The sum of the members' losses, whose gradient is each member's own."""
        logits = self.logits(x)
        many = y.expand(len(logits), -1).reshape(-1)
        return functional.cross_entropy(logits.reshape(-1, CLASSES), many, reduction="sum") / len(x)

    def step(self, step: int) -> None:
        """Adam, with every member's own rate and penalty."""
        scale = (1 - BETAS[1] ** step) ** 0.5 / (1 - BETAS[0] ** step)
        with torch.no_grad():
            for weight, (mean, square) in zip(self.weights, self.moments, strict=True):
                gradient = weight.grad if weight.shape[1] == 1 else weight.grad.add_(2 * self.penalties * weight)
                mean.lerp_(gradient, 1 - BETAS[0])
                square.lerp_(gradient.square(), 1 - BETAS[1])
                weight.sub_(self.rates * scale * mean / square.sqrt().add_(1e-7))
                weight.grad = None


class _Trainer:
    """A stack, and the images that it learns."""

    def __init__(self, job: Job) -> None:
        found = arrays(job)
        self.job = job
        self.device = torch.device("cuda" if job.device == "gpu" else "cpu")
        self.x, self.vx = (
            torch.from_numpy(part).flatten(1).to(self.device) for part in (found.images, found.validation_images)
        )
        self.y, self.vy = (torch.from_numpy(part).to(self.device) for part in (found.labels, found.validation_labels))
        self.stack = _Stack(job, self.x.shape[1], self.device)
        compiled = job.options.get("compiled")
        self.loss = torch.compile(self.stack.loss, dynamic=False) if compiled else self.stack.loss
        self.taken = 0

    def epoch(self) -> float:
        """Trains and validates; returns the seconds."""
        began = time.perf_counter()
        for rows in torch.randperm(len(self.x), device=self.device).split(self.job.batch):
            loss = self.loss if len(rows) == self.job.batch else self.stack.loss
            loss(self.x.index_select(0, rows), self.y.index_select(0, rows)).backward()
            self.taken += 1
            self.stack.step(self.taken)
        self.accuracies()
        return time.perf_counter() - began

    def accuracies(self) -> list[float]:
        with torch.no_grad():
            logits = torch.cat([self.stack.logits(part) for part in self.vx.split(1000)], dim=1)
            found: list[float] = (logits.argmax(2) == self.vy).float().mean(1).tolist()
            return found


def main() -> None:
    """Trains the job's networks abreast."""
    job = take()
    torch.set_num_threads(job.threads)
    trainer = _Trainer(job)
    epoch, warm = steady([trainer.epoch() for _ in range(job.epochs)])
    give(Answer(epoch, warm, trainer.accuracies()))


if __name__ == "__main__":
    main()
