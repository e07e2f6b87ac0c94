"""The glossary marks terms once per sentence, and only whole ones."""

from __future__ import annotations

from seedbed.pages.glossary import TERMS, terms
from seedbed.pages.rendering import explained


def test_a_term_is_explained_where_it_first_stands():
    marked = terms("2 points, then 3 points.")
    assert marked.count("<dfn") == 1
    assert marked.startswith(f'2 <dfn tabindex="0" data-about="{TERMS["points"]}">points</dfn>, then 3 points.')


def test_a_longer_term_wins_and_parts_of_words_are_left_alone():
    assert terms("fresh seeds").count("<dfn") == 1
    assert "<dfn" not in terms("viewpoints and midpoints-based")


def test_a_term_with_a_percentage_is_found_in_text_that_does_not_break():
    marked = explained("The 95 % interval of <b>.")
    assert TERMS["95 % interval"] in marked
    assert "95\N{NO-BREAK SPACE}% interval</dfn>" in marked
    assert "&lt;b&gt;" in marked
