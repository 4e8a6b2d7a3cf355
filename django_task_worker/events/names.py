"""Asking for the addresses of a host, in limited time: the system itself may take half a minute to answer."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

SocketAddress = tuple[Any, ...]
LookUp = Callable[[str, int, float], list[SocketAddress]]
"""Of a host and a port, within so many seconds. Raises OSError."""

_ASK = (
    "import json, socket, sys; host, port = sys.argv[1:]; "
    "print(json.dumps([a[4] for a in socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)]))"
)


def by_thread(host: str, port: int, timeout_s: float) -> list[SocketAddress]:
    """For processes that may have threads. One that still waits for its answer is waited for again."""
    known = _without_asking(host, port)
    return known if known is not None else _question(host, port).answer(timeout_s)


def by_process(host: str, port: int, timeout_s: float) -> list[SocketAddress]:
    """For a supervisor, which has no threads so that forking is safe."""
    known = _without_asking(host, port)
    if known is not None:
        return known
    command = [sys.executable, "-I", "-S", "-c", _ASK, host, str(port)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise _too_late(host, timeout_s) from None
    if done.returncode:
        raise OSError(f"the name {host} is not known")
    return [tuple(address) for address in json.loads(done.stdout)]


def is_address(host: str) -> bool:
    """Whether nobody has to be asked where it is."""
    return _without_asking(host, 0) is not None


def _without_asking(host: str, port: int) -> list[SocketAddress] | None:
    """Of what is an address itself, or is in a file on every machine."""
    # Python imports its tables of international names, 2 MB, for whatever is a str.
    name = host.encode() if host.isascii() else host
    flags = 0 if host == "localhost" else socket.AI_NUMERICHOST
    with suppress(socket.gaierror):
        return [found[4] for found in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags)]
    return None


def _too_late(host: str, timeout_s: float) -> OSError:
    return TimeoutError(f"no address of {host} within {timeout_s:g} s")


class _Question:
    """What a thread asks, and what it has heard."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._addresses: list[SocketAddress] = []
        self._error: OSError | None = None
        self._answered = threading.Event()

    def ask(self) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            self._addresses = [address for *_, address in found]
        except (OSError, UnicodeError) as error:
            self._error = OSError(f"the name {self._host} is not known: {error}")
        _open_questions.pop((self._host, self._port), None)
        self._answered.set()

    def answer(self, timeout_s: float) -> list[SocketAddress]:
        if not self._answered.wait(timeout_s):
            raise _too_late(self._host, timeout_s)
        if self._error is not None:
            raise self._error
        return self._addresses


_open_questions: dict[tuple[str, int], _Question] = {}
os.register_at_fork(after_in_child=_open_questions.clear)  # nobody is asking here


def _question(host: str, port: int) -> _Question:
    """The one that is being asked already, or a new one."""
    new = _Question(host, port)
    question = _open_questions.setdefault((host, port), new)
    if question is new:
        threading.Thread(target=new.ask, name="task-names", daemon=True).start()
    return question
