"""Tasks that log, print and tell how far they are."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

import django_task_worker

logger = logging.getLogger("talk.deep")


class Chatty:
    """Logs while it is formatted."""

    def __str__(self) -> str:
        logger.warning("formatting")
        return "chatty"


def quiet() -> None:
    pass


def say(text: str, fail: bool = True) -> None:
    print(text)
    print("to stderr", file=sys.stderr)
    logger.warning("a warning with %s", "arguments")
    logger.debug("nobody hears this")
    if fail:
        raise ValueError("after saying it")


def say_and_die(text: str, number: int = signal.SIGKILL) -> None:
    print(text)
    os.kill(os.getpid(), number)
    time.sleep(30)


def say_and_hang(text: str, seconds: float = 60) -> None:
    print(text)
    time.sleep(seconds)


def say_until(path: str, seconds: float = 30) -> int:
    """Prints a numbered line each 0.1 s until the file is there."""
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end and not Path(path).exists():
        print(f"line {number}", flush=True)
        number += 1
        time.sleep(0.1)
    print("the last line")
    return number


def flood(lines: int) -> NoReturn:
    for number in range(lines):
        print(f"line {number} " + "é" * 90)
    raise ValueError("enough")


def log_strangely() -> NoReturn:
    try:
        raise KeyError("the cause")
    except KeyError:
        logger.exception("with a traceback")
    logger.warning("%d is no number", "this")
    logger.warning("%s", Chatty())
    logger.warning("with extra", extra={"task_id": "mine"})
    private = logging.getLogger("talk.private")
    private.propagate = False
    private.addHandler(logging.NullHandler())
    private.error("to nobody else")
    local = logging.getLogger("talk.local")
    local.addHandler(logging.StreamHandler())
    local.propagate = False
    local.error("said once")
    raise ValueError("enough")


def write_strangely() -> NoReturn:
    print("nul \0 surrogate \ud800 bell \a naïve 日本語 🙂")
    sys.stdout.writelines(["one\n", "two\n"])
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()
    if os.fork() == 0:
        print("from a fork", flush=True)
        os._exit(0)
    os.wait()
    subprocess.run(["echo", "from a program"], check=True)
    raise ValueError("enough")


def close_output() -> None:
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    sys.stdout.close()


def replace_output() -> None:
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def count(steps: int, path: str | None = None, message: str = "") -> None:
    for step in range(1, steps + 1):
        django_task_worker.progress(step, steps, message)
    while path is not None and not Path(path).exists():
        time.sleep(0.05)


def count_and_fail(done: float) -> NoReturn:
    django_task_worker.progress(done, message="x" * 5000 + "é")
    raise ValueError("enough")


def fail_to_count() -> None:
    django_task_worker.progress(float("inf"))
