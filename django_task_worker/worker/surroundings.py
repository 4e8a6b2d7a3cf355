"""What a task may change of its process, and the next one in it must not notice."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import gc
import locale
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

HANDLED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGCHLD,
    signal.SIGALRM,
)
"""The signals whose handling a child puts back to the system's own."""
_HANDLED = tuple(map(int, HANDLED))


# `signal` makes an enum of each number that it returns, which takes longer than to ask the system.
_handler_of = _signal.getsignal
_SIG_DFL = _signal.SIG_DFL


def _blocked() -> set[int]:
    found: set[int] = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
    return found


def _block(numbers: Iterable[int]) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, numbers)


def _collect(enabled: bool) -> None:
    gc.enable() if enabled else gc.disable()


_VALUES: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (_blocked, _block),
    (lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)),
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
    (gc.isenabled, _collect),
    (socket.getdefaulttimeout, socket.setdefaulttimeout),
    (threading.stack_size, threading.stack_size),
)
"""How to read a value of the process, and how to set it."""
MOST_LEFT_OPEN = 64
"""Files and connections that tasks may leave open before their process is replaced."""


class Surroundings:
    """The process as it was when this was made."""

    def __init__(self) -> None:
        self._folder = os.getcwd()
        self._umask = os.umask(0o022)
        os.umask(self._umask)
        self._environment: dict[Any, Any] = dict(self._raw_environment)
        self._path = list(sys.path)
        self._arguments = list(sys.argv)
        self._values = [(read, write, read()) for read, write in _VALUES]
        self._nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._first_free = _copy(self._nothing)

    @property
    def _raw_environment(self) -> dict[Any, Any]:
        found: dict[Any, Any] = os.environ._data  # type: ignore[attr-defined]
        return found

    def restore(self) -> bool:
        """Put folder, umask, environment, signals, path and limits back; False if the process is spoilt.

        A process is spoilt by child processes that a task left running, and by very many files or connections
        that tasks left open: they end with it.
        """
        try:
            sys.stdout.flush()
            sys.stderr.flush()
            os.chdir(self._folder)
        except (OSError, ValueError, AttributeError):
            return False
        os.umask(self._umask)
        if self._raw_environment != self._environment:
            os.environ.clear()
            os.environ.update(
                {os.fsdecode(key): os.fsdecode(value) for key, value in self._environment.items()}
            )
        if sys.path != self._path:
            sys.path[:] = self._path
        if sys.argv != self._arguments:
            sys.argv[:] = self._arguments
        for number in _HANDLED:
            if _handler_of(number) is not _SIG_DFL:
                signal.signal(number, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for read, write, value in self._values:
            if read() != value:
                write(value)
        try:
            left_open = _copy(self._nothing) - self._first_free
        except OSError:
            return False
        return left_open <= MOST_LEFT_OPEN and not _has_children()


def _copy(descriptor: int) -> int:
    """The lowest number that is free: the kernel gives it to a copy."""
    copy = os.dup(descriptor)
    os.close(copy)
    return copy


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
