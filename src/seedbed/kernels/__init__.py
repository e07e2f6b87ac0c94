"""Native kernels in C++ for compiled programs on a CPU: convolutions and poolings, and the layers of many dense networks.

They are an optional part of the package, since a C++ compiler builds them at installation. `library` finds and checks the
built library; `calls` and `products` have its functions for JAX. Where there are no kernels, `seedbed.models.forms` chooses
other arithmetic.
"""

from __future__ import annotations

from seedbed.kernels.library import SWITCH, KernelSupport, support

__all__ = ["SWITCH", "KernelSupport", "support"]
