"""Tasks whose arguments pick their fate."""

from __future__ import annotations

import asyncio
import builtins
import ctypes
import datetime
import decimal
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

ANSWER = 42


class Unprintable:
    """Breaks whoever calls `str` or `repr` on it."""

    def __str__(self) -> NoReturn:
        raise RuntimeError("this cannot be shown")

    __repr__ = __str__


class UnprintableError(Exception):
    def __str__(self) -> NoReturn:
        raise RuntimeError("this cannot be shown")

    __repr__ = __str__


# Results


def add(a: float, b: float) -> float:
    """Adds two numbers."""
    return a + b


def multiply_numbers(a: float, b: float) -> float:
    return a * b


def nothing() -> None:
    return None


def echo(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return {"args": args, "kwargs": kwargs}


async def add_later(a: float, b: float, seconds: float = 0.01) -> float:
    await asyncio.sleep(seconds)
    return a + b


def big(size: int) -> str:
    return "x" * size


def value(kind: str) -> Any:
    """A result that is not, or hardly, JSON."""
    return {
        "decimal": lambda: decimal.Decimal("1.50"),
        "date": lambda: datetime.date(2026, 1, 2),
        "set": lambda: {1},
        "bytes": lambda: b"\xff",
        "nan": lambda: float("nan"),
        "nul": lambda: "a\0b",
        "surrogate": lambda: "a\ud800b",
        "unicode": lambda: "naïve 日本語 🙂",
        "unprintable": Unprintable,
        "deep": lambda: _nested(100_000),
        "cycle": _cycle,
        "huge_number": lambda: 10**5000,
    }[kind]()


# Failures


def fail(message: str = "no luck", kind: str = "ValueError") -> NoReturn:
    """Raises a builtin exception by its name."""
    raise getattr(builtins, kind)(message)


def fail_times(times: int, counter: str) -> int:
    """Fails `times` times, counted by the bytes of the file `counter`; then returns the attempt's number."""
    attempt = _append(counter, b".")
    if attempt <= times:
        raise ConnectionError(f"attempt {attempt} failed")
    return attempt


def fail_unprintably() -> NoReturn:
    raise UnprintableError


def fail_with_secret(password: str) -> NoReturn:
    raise ValueError("could not log in")


def recurse(depth: int = 0) -> int:
    return recurse(depth + 1) + 1


# Time


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def sleep_in_c(seconds: int, hold: bool = False) -> int:
    """Sleeps in C, where no Python exception arrives; `hold` keeps the interpreter lock as well."""
    library = ctypes.PyDLL(None) if hold else ctypes.CDLL(None)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        library.sleep(seconds)
    return seconds


def spin(seconds: float) -> int:
    """Computes without a pause."""
    turns = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        turns += 1
    return turns


def refuse_to_end(seconds: float) -> str:
    """Ignores SIGTERM and swallows every exception until the time is over."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            time.sleep(0.05)
        except BaseException:
            continue
    return "stubborn"


# Deaths


def leave(code: int = 0) -> NoReturn:
    sys.exit(code)


def leave_at_once(code: int = 3) -> NoReturn:
    os._exit(code)


def kill_self(number: int = signal.SIGKILL) -> None:
    os.kill(os.getpid(), number)
    time.sleep(30)


def segfault() -> None:
    ctypes.string_at(0)


def eat_memory(megabytes: int) -> int:
    kept = bytearray(megabytes * 1024 * 1024)
    kept[::4096] = b"x" * len(kept[::4096])
    return len(kept)


# Side effects


def speak(text: str, error: str = "") -> None:
    print(text)
    if error:
        print(error, file=sys.stderr)


def journal(path: str, key: str, seconds: float = 0.0) -> str:
    """Appends `start key pid` and `end key pid` to the file, each in one write."""
    _append(path, f"start {key} {os.getpid()}\n".encode())
    if seconds:
        time.sleep(seconds)
    _append(path, f"end {key} {os.getpid()}\n".encode())
    return key


def journal_and_fail(path: str, key: str) -> NoReturn:
    journal(path, key)
    raise ValueError(f"{key} failed")


def journal_and_die(path: str, key: str) -> None:
    """Writes the first line only, then kills its own process."""
    _append(path, f"start {key} {os.getpid()}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def leave_a_process(seconds: float, path: str) -> int:
    """Starts a process that outlives the task unless somebody ends its group; its pid is in the file."""
    process = subprocess.Popen(["sleep", str(seconds)])
    Path(path).write_text(str(process.pid))
    process.wait()
    return process.pid


def process_id() -> int:
    return os.getpid()


def environment(name: str) -> str | None:
    return os.environ.get(name)


def working_folder() -> str:
    return os.getcwd()


def change_folder(path: str) -> None:
    os.chdir(path)


# The database


def count_tasks(status: str) -> int:
    from django_task_worker.models import DatabaseTask

    return DatabaseTask.objects.filter(status=status).count()


def enqueue_another(path: str, key: str) -> str:
    from django_task_worker.client import create_task

    return str(create_task("app.tasks.journal", [path, key]).id)


def leave_a_transaction_open() -> None:
    from django.db import transaction

    transaction.set_autocommit(False)
    count_tasks("PENDING")


def break_the_connection() -> None:
    from django.db import connection

    connection.ensure_connection()
    assert connection.connection is not None
    connection.connection.close()


def _append(path: str, data: bytes) -> int:
    """Adds to the file in one write; its size then."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, data)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def _cycle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value
