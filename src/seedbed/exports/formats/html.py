"""One page with the network inside: draw or open a picture, see probabilities, every layer and the weights."""

from __future__ import annotations

from seedbed.data import Dataset
from seedbed.errors import ExportError
from seedbed.evaluation.browser import IN_BROWSER, browser_result, network_page
from seedbed.exports.protocol import Draft, ExportOptions, NetworkFormat
from seedbed.network import Network


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


FORMAT = NetworkFormat("html", "a page: draw, and see what the network answers", (".html",), _draft, None, "a browser")
