"""Specifications drawn as bytes; of many, each core draws its share: `python -m seedbed.figures.drawing` is a helper.

A conversion holds Python's global lock, so threads would draw one after the other. A helper is a process of its own and not
one of `multiprocessing`, which would run a user's script again in every helper.
"""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from seedbed import devices
from seedbed.figures.embedding import chart_page

VegaSpec = dict[str, Any]
Contents = dict[str, bytes]
WatchDrawing = Callable[[int, int], None]
"""Gets the number of figures that are drawn, and the number of all."""

PNG_SCALE = 2.0
CHARTS_PER_PROCESS = 8
"""Number of charts that a process draws in about two seconds."""
HEAD_START = 3
"""Number of charts that are drawn while further processes start."""
SECONDS_PER_CHART = 0.25
"""What a core takes to draw a chart (s)."""


def draw(spec: VegaSpec, kinds: Sequence[str]) -> Contents:
    """A chart as `png`, `svg` and `html`, whichever is asked for: kind -> bytes.

    The HTML is interactive and self-contained; the PNG is made from the SVG. Without a browser, without a network.
    """
    import vl_convert

    contents: Contents = {}
    if "html" in kinds:
        contents["html"] = chart_page(spec).encode()
    if "svg" in kinds or "png" in kinds:
        svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
        contents["svg"] = svg.encode()
        if "png" in kinds:
            contents["png"] = vl_convert.svg_to_png(svg, scale=PNG_SCALE)
    return {kind: contents[kind] for kind in kinds}


def draw_all(specs: Sequence[VegaSpec], kinds: Sequence[str], watch: WatchDrawing | None = None) -> list[Contents]:
    """Draw all charts, in their order; large numbers of them in several processes, which are taken for equally fast."""
    workers = max(1, min(devices.cores(), len(specs) // CHARTS_PER_PROCESS))
    alone = HEAD_START if workers > 1 else 0
    places = [slice(alone + worker, None, workers) for worker in range(workers)]
    drawn: list[Contents | None] = [None] * len(specs)
    with ExitStack() as processes:
        shares = [processes.enter_context(_drawing_process(specs[place], kinds)) for place in places[1:]]
        for place in [*range(alone), *range(alone, len(specs), workers)]:
            drawn[place] = draw(specs[place], kinds)
            if watch is not None:
                watch(place + 1 if place < alone else min(place + workers, len(specs)), len(specs))
        for place, share in zip(places[1:], shares, strict=True):
            drawn[place] = share()
    # charts that a process failed to draw are drawn here, where the error is raised
    return [draw(spec, kinds) if contents is None else contents for spec, contents in zip(specs, drawn, strict=True)]


@contextmanager
def _drawing_process(specs: Sequence[VegaSpec], kinds: Sequence[str]) -> Iterator[Callable[[], Sequence[Contents | None]]]:
    """Start a process that draws the charts; yield a function that returns its pictures, or None for each after a failure.

    They communicate through files: a pipe would wait for this process's thread, which waits for the lock.
    """
    with tempfile.TemporaryFile() as task, tempfile.TemporaryFile() as answer:
        task.write(json.dumps({"specs": list(specs), "kinds": list(kinds)}).encode())
        task.seek(0)
        command = [sys.executable, "-m", "seedbed.figures.drawing"]
        with subprocess.Popen(command, stdin=task, stdout=answer, stderr=subprocess.DEVNULL) as process:

            def drawn() -> Sequence[Contents | None]:
                if process.wait() != 0:
                    return [None] * len(specs)
                answer.seek(0)
                return [{kind: base64.b64decode(text) for kind, text in each.items()} for each in json.load(answer)]

            try:
                yield drawn
            finally:
                process.kill()


def main() -> None:
    """Draw the charts on standard input; write the files' bytes to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    task = json.loads(sys.stdin.buffer.read())
    drawn = [draw(spec, task["kinds"]) for spec in task["specs"]]
    print(json.dumps([{kind: base64.b64encode(content).decode() for kind, content in each.items()} for each in drawn]))


if __name__ == "__main__":
    main()
