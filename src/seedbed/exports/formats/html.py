"""One page with the network inside: draw or open a picture, see probabilities, every layer and the weights."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import pages
from seedbed.data import Dataset
from seedbed.errors import ExportError
from seedbed.evaluation.browser import IN_BROWSER, browser_result, network_page
from seedbed.exports.javascript import javascript
from seedbed.exports.protocol import Draft, ExportOptions, NetworkFormat, Predictor
from seedbed.network import Network

NOT_RUN = "The page was not run here, since neither Node.js nor Chromium is installed."

SCRIPT = re.compile(r"<script([^>]*)>(.*?)</script>", re.DOTALL)

BODY = """\
{definitions}
const {{ Network, readSafetensors }} = module_network;
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
const network = new Network({description}, readSafetensors(bytes("{tensors}")));
const pixels = new Float32Array(bytes("{pixels}"));
const size = pixels.length / {count};
return Array.from({{ length: {count} }}, (_, i) => [...network.run(pixels.subarray(i * size, (i + 1) * size)).probabilities]);
"""


def _draft(network: Network, dataset: Dataset, stem: str, options: ExportOptions) -> Draft:
    family = network.spec.family
    if family not in IN_BROWSER:
        raise ExportError(
            f"The format 'html' holds networks of the families {' and '.join(IN_BROWSER)}; {network.name!r} is of {family}. "
            f"`seedbed serve` has a page for drawing that answers for it."
        )
    command = f"seedbed export {network.name} --format html"
    page = network_page(browser_result(network.result, dataset), network.weights, command=command)
    return Draft({f"{stem}.html": page.encode()}, ("Open it in a browser; it fetches nothing.",))


def _load(path: Path, network: Network) -> Predictor | str:
    """The page's own script with the weights that the page holds; only what draws is left out."""
    engine = javascript()
    if engine is None:
        return NOT_RUN
    scripts = SCRIPT.findall(path.read_text(encoding="utf-8"))
    held = {found[1]: text for attributes, text in scripts if (found := re.search(r'id="(\w+)"', attributes))}
    [script] = [text for attributes, text in scripts if not attributes]

    def predict(images: NDArray[Any]) -> NDArray[np.float32]:
        pixels = base64.b64encode(np.ascontiguousarray(images, "<f4").tobytes()).decode()
        body = BODY.format(definitions=pages.definitions(script, "exported"), **held, pixels=pixels, count=len(images))
        return np.array(engine.run(body), np.float32)

    return predict


FORMAT = NetworkFormat(
    "html", "a page: draw, and see what the network answers", (".html",), _draft, _load, "its own script in Node.js or Chromium"
)
