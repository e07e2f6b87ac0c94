"""The glossary: what the terms of a page mean, in words that a student knows."""

from __future__ import annotations

import re

TERMS = {
    "95 % interval": "A range computed from the runs. Such ranges hold the true value in 95 of 100 experiments.",
    "Holm": "A correction for several comparisons: the more are made, the stronger each must be to count as clear.",
    "correction": "Of many comparisons some look real by chance. Corrected tests (Holm) allow for that.",
    "fresh seeds": "New runs that took no part in selecting the setting, so that their result is not optimistic.",
    "paired": "Both settings are run with the same seeds and judged on the same images, so that their luck cancels out.",
    "points": "Percentage points: from 95 % to 97 % are 2 points.",
    "seeds": "A seed fixes the initial weights and the order of the images. Other seeds show how much is luck.",
    "parameters": "The numbers that training adjusts: weights and biases.",
    "validation images": "Images that the network is not trained on. They judge it.",
    "cross-entropy": "The loss: the mean negative logarithm of the probability of the right class. Lower is better.",
    "best epoch": "The epoch whose network is kept, selected on the validation images.",
    "lambda": "The strength of weight decay: the factor of the sum of squared weights in the loss.",
    "resamples": "Sets of runs drawn from the real ones, with repeats, to see how much an answer depends on single runs.",
    "clear": "The difference is beyond chance, also after the correction for all comparisons that were planned.",
    "likely": "The difference is beyond chance by itself, but not after the correction for all planned comparisons.",
    "not shown": "It may be chance. That does not mean that there is no difference.",
}
"""Term -> explanation; also the order of the glossary on the page."""

_SPACE = "[ \N{NO-BREAK SPACE}]"

_PATTERN = re.compile(
    "|".join(rf"(?<![\w-]){_SPACE.join(term.split())}(?![\w-])" for term in sorted(TERMS, key=len, reverse=True))
)


def terms(escaped: str) -> str:
    """Mark the first occurrence of each term of the glossary.

    Args:
        escaped: text that may stand in HTML, without attributes that hold words.
    """
    seen: set[str] = set()

    def marked(found: re.Match[str]) -> str:
        term = found[0].replace("\N{NO-BREAK SPACE}", " ")
        if term in seen:
            return found[0]
        seen.add(term)
        return f'<dfn tabindex="0" data-about="{TERMS[term]}">{found[0]}</dfn>'

    return _PATTERN.sub(marked, escaped)
