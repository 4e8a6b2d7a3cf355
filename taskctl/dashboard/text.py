"""Untrusted text made to fit a number of terminal cells. Pure."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from django_task_worker.cleaning import clean
from taskctl.render.table import cell_len, cut

MOST_MARKS = 2
"""Combining marks on one letter; some terminals take a long time over more."""


@lru_cache(maxsize=2048)
def fit(text: str, width: int, ascii_only: bool = False, middle: bool = False) -> str:
    """The text clean and in at most `width` cells; `middle` cuts a dotted name before its last part."""
    if width <= 0:
        return ""
    shown = clean(text, 4 * width + 256 * middle, ascii_only=ascii_only)
    if not shown.isascii():
        shown = _steady(shown)
    return cut(shown, width, ascii_only=ascii_only, middle=middle)


def _steady(text: str) -> str:
    """Without what terminals disagree about: selectors, skin tones, towers of marks."""
    kept, marks = [], MOST_MARKS
    for character in text:
        if character.isascii():
            marks = 0
        elif unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Mc"):
            marks += 1
            if marks > MOST_MARKS or "\ufe00" <= character <= "\ufe0f":
                continue
        elif "\U0001f3fb" <= character <= "\U0001f3ff":
            continue
        else:
            marks = 0
        kept.append(character)
    return "".join(kept)


def width_of(text: str) -> int:
    """The cells that a text from `fit` takes, each character for itself."""
    return len(text) if text.isascii() else cell_len(text)
