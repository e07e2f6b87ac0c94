"""Networks of one form in every size. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

from seedbed.errors import SpecError
from seedbed.models import facts
from seedbed.records import DataFacts
from seedbed.specs import Conv, Dense

SizedNetwork = Dense | Conv

DEPTHS = (1, 2, 3)
"""Numbers of hidden layers of a dense network."""

STEP = 0.1
"""Steps of a convolutional form's width. Layers' widths are rounded, so that not all of them grow at once."""


@dataclass(frozen=True)
class Form:
    """Networks that differ only in their widths.

    Attributes:
        base: the network's settings without its widths.
        ratios: width of each layer, over the width of the first.
    """

    base: SizedNetwork
    ratios: tuple[float, ...]

    def network(self, width: float) -> SizedNetwork:
        """Make the network of a first layer's width; every layer has at least one unit or filter."""
        widths = tuple(max(1, round(width * ratio)) for ratio in self.ratios)
        return self.base.changed(**{self.base.widths: widths})

    def has(self, network: SizedNetwork) -> bool:
        """Return whether a network is of this form, with any activation."""
        widths = getattr(network, network.widths)
        if not (type(network) is type(self.base) and len(widths) == len(self.ratios)):
            return False
        around = range(max(0, int((widths[0] - 2) / self._step)), int(widths[0] / self._step) + 1)
        plain = network.changed(activation=self.base.activation)
        return any(self._numbered(number) == plain for number in around)

    @property
    def _step(self) -> float:
        return STEP if isinstance(self.base, Conv) else 1.0

    def _numbered(self, number: int) -> SizedNetwork:
        return self.network(1.0 + number * self._step)

    def sizes(self, data: DataFacts) -> Iterator[tuple[int, SizedNetwork]]:
        """Yield parameters and network, from the smallest on, without end.

        Raises:
            SpecError: the images are too small for this form.
        """
        known: SizedNetwork | None = None
        for number in count():
            network = self._numbered(number)
            if network != known:
                known = network
                yield parameters(network, data), network

    def largest(self, most: float, data: DataFacts) -> SizedNetwork | None:
        """Find the largest network with at most `most` parameters; None where even the smallest has more."""
        within = [network for _, network in takewhile(lambda size: size[0] <= most, self.sizes(data))]
        return within[-1] if within else None

    def fits(self, data: DataFacts) -> bool:
        """Return whether images of this size go through all layers."""
        try:
            next(self.sizes(data))
        except SpecError:
            return False
        return True


def parameters(network: SizedNetwork, data: DataFacts) -> int:
    """Count the numbers that the network learns."""
    return facts(network, data.image_shape, len(data.classes)).parameters


def forms(family: str, depths: Sequence[int], data: DataFacts) -> list[Form]:
    """List the forms to try, the plainest first, without those that the images are too small for."""
    known = dense_forms(depths) if family == "dense" else CONV_FORMS
    return [form for form in known if form.fits(data)]


def dense_forms(depths: Sequence[int]) -> list[Form]:
    """List the forms of each depth: layers as wide as the first, or wider, which costs little after wide images."""
    by_depth: dict[int, list[tuple[float, ...]]] = {
        1: [(1.0,)],
        2: [(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)],
        3: [(1.0, 1.0, 1.0), (1.0, 2.0, 2.0)],
    }
    return [Form(Dense(), ratios) for depth in depths for ratios in by_depth[depth]]


def _conv(ratios: tuple[float, ...], **settings: Any) -> Form:
    return Form(Conv(filters=(1,) * len(ratios), **settings), ratios)


CONV_FORMS = [
    _conv((1, 1.3, 1.2), kernel=(5, 3, 3), stride=2, pool=1),
    _conv((1, 1.5, 1.9), kernel=(5, 3, 3), stride=(2, 1, 1), pool=(1, 2, 2)),
    _conv((1, 1.3, 1.2), kernel=3, pool=2),
    _conv((1, 2.1, 2.5), kernel=(5, 5, 3), pool=2, separable=True),
    _conv((1, 2.1, 3), kernel=5, stride=(2, 1, 1), pool=(1, 2, 1), separable=True, head="average"),
]
"""Convolutional forms, the quickest first: strided or pooled, plain or separable, all pixels or each map's mean at the end."""
