"""Native kernels: convolution with bias, pooling and ReLU, forward and backward, in C++ for compiled programs on a CPU.

They are an optional part of the package, since a C++ compiler builds them at installation. `library` finds and checks the
built library; `calls` has its functions for JAX. Where there are no kernels, `seedbed.models.forms` chooses other arithmetic.
"""

from __future__ import annotations

from seedbed.kernels.library import SWITCH, KernelSupport, support

__all__ = ["SWITCH", "KernelSupport", "support"]
