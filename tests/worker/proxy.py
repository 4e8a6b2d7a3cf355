"""A TCP proxy between the product and a server, which can misbehave on command."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from contextlib import suppress
from enum import Enum

HOST = "127.0.0.1"
CHUNK = 65536


class Mode(Enum):
    """What happens to what passes."""

    PASS = "pass"
    REFUSE = "refuse"
    """New connections are reset; open ones go on."""
    HANG = "hang"
    """New connections are accepted; nothing passes, either way."""
    DRIP = "drip"
    """One byte at a time, five a second, from the server."""


class _Pair:
    """One connection through the proxy."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.from_server = 0

    def close(self, *, hard: bool = True) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                if hard:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.close()


class Proxy:
    """Listens on `port` and passes everything on to the target, as the mode says.

    Use it in a `with`. `cut()` resets all open connections. `cut_when(*needles)` resets a connection as soon
    as the client has sent all that at once, before (`deliver=False`) or after the server was given it, and in
    any case before the client gets an answer.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server((HOST, 0))
        self._listener.settimeout(0.1)
        self.port = self._listener.getsockname()[1]
        self._mode = Mode.PASS
        self._pairs: set[_Pair] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._needles: tuple[bytes, ...] = ()
        self._deliver = True
        self._skip = 0
        self.cuts = 0
        self.accepted = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._thread.join()
        self._listener.close()
        self.cut()

    def set(self, mode: Mode) -> None:
        self._mode = mode

    def cut(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            pair.close()

    def cut_when(self, *needles: bytes, deliver: bool, skip: int = 0) -> None:
        """Once, for the next client that sends the needles, after `skip` that may."""
        self._deliver = deliver
        self._skip = skip
        self._needles = needles

    @property
    def open(self) -> int:
        return len(self._pairs)

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.accepted += 1
            if self._mode is Mode.REFUSE:
                _Pair(client, client).close()
                continue
            server = socket.create_connection((HOST, self._target_port))
            pair = _Pair(client, server)
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._serve, args=(pair,), daemon=True).start()

    def _serve(self, pair: _Pair) -> None:
        with selectors.DefaultSelector() as selector, suppress(OSError, ValueError):
            selector.register(pair.client, selectors.EVENT_READ, (pair.server, self._from_client))
            selector.register(pair.server, selectors.EVENT_READ, (pair.client, self._from_server))
            while pair in self._pairs:
                for key, _ in selector.select(0.05):
                    self._wait_while_hanging(pair)
                    to, take = key.data
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    if not take(pair, source, to):
                        return
        self._drop(pair)

    def _wait_while_hanging(self, pair: _Pair) -> None:
        while self._mode is Mode.HANG and pair in self._pairs:
            time.sleep(0.01)

    def _from_client(self, pair: _Pair, source: socket.socket, to: socket.socket) -> bool:
        data = source.recv(CHUNK)
        needles = self._needles
        is_hit = bool(needles) and all(needle in data for needle in needles)
        if is_hit and self._skip:
            self._skip -= 1
        elif is_hit:
            self._needles = ()
            if self._deliver:
                to.sendall(data)
                to.settimeout(10)
                to.recv(CHUNK)
            self.cuts += 1
            self._drop(pair)
            return False
        return self._pass(pair, data, to)

    def _from_server(self, pair: _Pair, source: socket.socket, to: socket.socket) -> bool:
        if self._mode is Mode.DRIP:
            time.sleep(0.2)
            return self._pass(pair, source.recv(1), to)
        return self._pass(pair, source.recv(CHUNK), to)

    def _pass(self, pair: _Pair, data: bytes, to: socket.socket) -> bool:
        if not data:
            self._drop(pair)
            return False
        to.sendall(data)
        return True

    def _drop(self, pair: _Pair) -> None:
        with self._lock:
            self._pairs.discard(pair)
        pair.close()
