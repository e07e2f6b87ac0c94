"""Native kernels in C++ for compiled programs on a CPU: convolutions and poolings, layers of many dense networks, and the steps
of optimizers.

They are an optional part of the package, since a C++ compiler builds them at installation. `library` finds and checks the
built library; `calls`, `products` and `steps` have its functions for JAX. Where there are no kernels, other arithmetic is
chosen in `seedbed.models.forms`.
"""

from __future__ import annotations

from seedbed.kernels.library import INSTRUCTION_SETS, SWITCH, KernelSupport, support

__all__ = ["INSTRUCTION_SETS", "SWITCH", "KernelSupport", "support"]
