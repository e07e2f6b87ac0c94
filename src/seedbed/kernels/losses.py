"""The gradient of the cross-entropy as one native pass: in XLA it takes several loops and reductions."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array

from seedbed.kernels.calls import floats, native_call


def loss_gradients(logits: Array, labels: Array, weights: Array, class_weights: Array | None, lanes: int) -> Array:
    """Gradients of each network's sum of weighted losses with respect to its logits, `(M, C, B)`.

    Args:
        logits: `(M, C, B)`.
        labels: classes of the images, `(B,)` int32. One that there is not is an error.
        weights: their weights in the sum, `(B,)`.
        class_weights: further weights by an image's class, `(M, C)`. None means 1.
        lanes: floats per vector.
    """
    of_classes = jnp.zeros(0) if class_weights is None else class_weights
    call = native_call("loss_gradients", floats(*logits.shape))
    found: Array = call(logits, labels, weights, of_classes, lanes=np.int64(lanes))
    return found
