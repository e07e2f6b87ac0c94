"""Text for terminals."""

from __future__ import annotations

import doctest

import pytest

from seedbed.cli import text, watch


@pytest.mark.parametrize("module", [text, watch])
def test_the_examples_of_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\x1b]0;title\x07b", "a\\x1b]0;title\\x07b"),
        ("a\r\nb", "a\\r\\nb"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("lone \udc80", "lone \\udc80"),
        ("Zoë [bold]x[/bold] 図", "Zoë [bold]x[/bold] 図"),
    ],
)
def test_what_steers_a_terminal_is_shown_and_all_else_kept(hostile, shown):
    assert text.escaped(hostile) == shown
