"""What stands for a picture where drawing is not what is tested."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any


def hashed(specification: Any, kinds: Sequence[str]) -> dict[str, bytes]:
    """Stands for `drawing.draw`: of the same chart the same bytes, without the second that drawing takes."""
    digest = hashlib.sha256(json.dumps(specification, sort_keys=True).encode()).hexdigest()
    return {kind: f"{kind} {digest}\n".encode() * 20 for kind in kinds}
