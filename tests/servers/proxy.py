"""A TCP proxy in front of a server, to break the line between it and its client."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

from tests.servers.process import HOST, Server, free_port

TO_SERVER, TO_CLIENT = "to_server", "to_client"
DIRECTIONS = frozenset({TO_SERVER, TO_CLIENT})


class Proxy:
    """Listens on `port` and passes on to `server`, until it is told otherwise.

    pass_on: as if it were not there. silence: nothing moves any more in these directions, connections stay
    open and new ones are accepted. refuse: new connections are refused. cut: resets what is open.
    cut_after: resets the connection that carries the next so many bytes. `delay_s` holds back each piece.
    """

    def __init__(self, server: Server, host: str = HOST) -> None:
        self.server = server
        self.host = host
        self.port = free_port()
        self.url = server.url.replace(f"{HOST}:{server.port}", f"{host}:{self.port}")
        self.delay_s = 0.0
        self.cuts = 0
        """How often `cut_after` has come to its end."""
        self._left: int | None = None
        self._counted = TO_CLIENT
        self._open = threading.Condition()
        self._silent: frozenset[str] = frozenset()
        self._listener: socket.socket | None = None
        self._pairs: set[_Pair] = set()
        self._closed = False
        self.pass_on()

    def pass_on(self) -> None:
        with self._open:
            self._silent = frozenset()
            self._open.notify_all()
        if self._listener is None:
            self._listener = socket.create_server((self.host, self.port))
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def silence(self, *directions: str) -> None:
        """Both directions when none is given."""
        with self._open:
            self._silent = frozenset(directions) or DIRECTIONS

    def refuse(self) -> None:
        """Refuses new connections and resets the open ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def cut(self) -> None:
        for pair in list(self._pairs):
            pair.reset()
        self._pairs.clear()

    def cut_after(self, count: int, direction: str = TO_CLIENT) -> None:
        """Once: lets so many bytes pass in this direction, by whichever connection, then resets that one."""
        with self._open:
            self._counted, self._left = direction, count

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._pairs)

    def close(self) -> None:
        self._closed = True
        self.refuse()
        with self._open:
            self._open.notify_all()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection((HOST, self.server.port), timeout=10)
            except OSError:
                _reset(client)
                continue
            server.settimeout(None)
            pair = _Pair(client, server)
            self._pairs.add(pair)
            for source, target, direction in ((client, server, TO_SERVER), (server, client, TO_CLIENT)):
                thread = threading.Thread(
                    target=self._pump, args=(pair, source, target, direction), daemon=True
                )
                thread.start()

    def _pump(self, pair: _Pair, source: socket.socket, target: socket.socket, direction: str) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self.delay_s:
                    time.sleep(self.delay_s)
                with self._open:
                    self._open.wait_for(lambda: direction not in self._silent or self._closed)
                allowed = self._allowed(data, direction)
                target.sendall(data[:allowed])
                if allowed < len(data):
                    self._pairs.discard(pair)
                    pair.reset()
            if not pair.is_cut:
                target.shutdown(socket.SHUT_WR)
        if pair.has_finished_one_way():
            self._pairs.discard(pair)
            pair.close()

    def _allowed(self, data: bytes, direction: str) -> int:
        """How much of this may pass; less than all of it means that the connection is to be cut."""
        with self._open:
            if self._left is None or direction != self._counted:
                return len(data)
            if len(data) <= self._left:
                self._left -= len(data)
                return len(data)
            allowed, self._left = self._left, None
            self.cuts += 1
            return allowed


class _Pair:
    """The two ends of one connection."""

    def __init__(self, *ends: socket.socket) -> None:
        self._ends = ends
        self._lock = threading.Lock()
        self._ways = 2
        self.is_cut = False

    def has_finished_one_way(self) -> bool:
        """To be told by each pump at its end; whether it was the last."""
        with self._lock:
            self._ways -= 1
            return self._ways == 0

    def close(self) -> None:
        for end in self._ends:
            end.close()

    def reset(self) -> None:
        self.is_cut = True
        for end in self._ends:
            _reset(end)


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RD)
    connection.close()
