"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], timeout: float = 10.0, *, what: object = "") -> T:
    """The first truthy value of `condition()`.

    Fails the test when `timeout` seconds have passed, saying `what` (called first if it can be) and the
    last value. An AssertionError in the condition counts as "not yet".
    """
    end = time.monotonic() + timeout
    pause = 0.002
    while True:
        try:
            value = condition()
            failure = repr(value)
        except AssertionError as error:
            value, failure = None, str(error)  # type: ignore[assignment]
        if value:
            return value
        if time.monotonic() > end:
            text = what() if callable(what) else what
            raise AssertionError(f"not within {timeout:g} s: {text or condition!r}; last: {failure}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
