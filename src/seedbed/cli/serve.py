"""`seedbed serve`: the page, live and on this machine only."""

from __future__ import annotations

import gc
from contextlib import suppress
from pathlib import Path

import click

from seedbed.cli import options
from seedbed.cli.screen import note, result
from seedbed.errors import SpecError

FULL_COLLECTIONS = 1_000
"""Collections of younger objects before one of all objects, which takes 0.1 s with 2,000 runs while a request waits."""


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Port; 0 for any.  [default: 8000, or any if taken]")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Interface; others need --token.")
@click.option("--token", default="", envvar="SEEDBED_TOKEN", metavar="TEXT", help="What every request must show.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@options.home
def command(port: int | None, host: str, token: str, no_browser: bool, home: Path) -> None:
    """Show the home's runs on a page: live curves, comparisons with error bars, mistakes, and the data.

    The page is on this machine only, and fetches nothing from elsewhere. Trainings appear on it whether they were started
    before or after it, and continue when it is stopped. Ctrl-C stops it.
    """
    from seedbed.runs import RunStore
    from seedbed.web import PageServer

    try:
        server = PageServer.of(RunStore(home), host=host, port=port, token=token)
    except SpecError as error:
        raise click.UsageError(str(error)) from None
    result(f"The page of {home}: {server.address}")
    note("Ctrl-C stops it; trainings continue.")
    if not no_browser:
        _open(server.address)
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTIONS)
    with suppress(KeyboardInterrupt):
        server.run()


def _open(address: str) -> None:
    """Open a browser, without waiting for it: a machine without a screen may take seconds to find none."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
