"""The toy tasks of `taskctl demo`, which copies this file as demo.py into its temporary folder."""

import random
import time
from pathlib import Path

from django_task_worker import task


def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


def slow(seconds: float) -> float:
    """Takes its time."""
    time.sleep(seconds)
    return seconds


@task(backoff={"base": 0.3, "factor": 2})
def flaky(fails: int = 2) -> str:
    """Fails a few times, then works."""
    attempts = Path(__file__).with_name("attempts")
    with attempts.open("a") as file:
        file.write(".")
    if attempts.stat().st_size <= fails:
        raise ConnectionError("the line is busy")
    return "got through"


def resize(image: int, width: int = 256) -> str:
    """Pretends to work on a picture."""
    if width < 1:
        raise ValueError(f"a picture cannot be {width} pixels wide")
    time.sleep(random.uniform(0.02, 0.2))
    return f"image-{image}-{width}.png"


def mail(to: str) -> None:
    """Pretends to send a mail."""
    time.sleep(random.uniform(0.01, 0.05))
