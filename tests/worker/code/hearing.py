"""A project that listens for what fails, counts asynchronously, and logs what cannot be told."""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from typing import NoReturn

from django.dispatch import receiver

from django_task_worker.models import DatabaseTask
from django_task_worker.signals import attempt_failed


class Told(Exception):
    """With the file to write to, and what the receiver then does."""


@receiver(attempt_failed)
def hear(sender: None, *, task_id: str, name: str, exception: BaseException, **_: object) -> None:
    if not isinstance(exception, Told):
        return
    path, then = exception.args
    with Path(path).open("a") as file:
        file.write(f"{task_id} {name} {type(exception).__name__}\n")
    if then == "fail":
        raise RuntimeError("deaf\x1b[2J")
    if then == "exit":
        sys.exit(3)


async def count() -> int:
    return await DatabaseTask.objects.acount()


def log_what_has_no_text() -> None:
    class Mute:
        def __str__(self) -> str:
            raise ValueError

    logging.getLogger("hearing").warning(Mute())


def print_in_a_signal_handler(times: int) -> None:
    """While something is being logged."""
    heard = 0

    def hear_it(*_: object) -> None:
        nonlocal heard
        heard += 1
        print("heard")

    logger = logging.getLogger("hearing")
    signal.signal(signal.SIGALRM, hear_it)
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    try:
        while heard < times:
            logger.warning("listening")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def fail(path: str, then: str) -> NoReturn:
    raise Told(path, then)
