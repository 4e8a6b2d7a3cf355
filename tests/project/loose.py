"""A module beside manage.py, in no package."""

from __future__ import annotations


def double(number: float) -> float:
    return number * 2
