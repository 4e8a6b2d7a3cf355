"""The floor of latency: the bare parts of what happens between storing a task and its result, and no more.

`python -m benchmarks.relay DATABASE REDIS-PORT` waits for a message, claims a row, has a child process note
when the task was entered, completes the row and tells so. `Client` is the other side.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.servers import HOST

TABLE = """
CREATE TABLE relay (
    id bigint PRIMARY KEY, args jsonb NOT NULL, status text NOT NULL, due_at timestamptz NOT NULL,
    finished_at timestamptz, result text
);
CREATE INDEX relay_pending ON relay (due_at) WHERE status = 'PENDING'
"""
INSERT = "INSERT INTO relay (id, args, status, due_at) VALUES (%s, '[1,2]'::jsonb, 'PENDING', now())"
CLAIM = """
UPDATE relay SET status = 'RUNNING' WHERE id = ANY (ARRAY (
    SELECT id FROM relay WHERE status = 'PENDING' ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED))
RETURNING id
"""
FINISH = "UPDATE relay SET status = 'COMPLETED', finished_at = now(), result = '3' WHERE id = %s"


class Redis:
    """A connection that publishes without waiting, or listens."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def subscribe(self, channel: str) -> None:
        self.socket.sendall(f"SUBSCRIBE {channel}\r\n".encode())
        self.socket.recv(4096)

    def publish(self, channel: str) -> None:
        self.socket.sendall(f"PUBLISH {channel} 1\r\n".encode())
        while select.select([self.socket], [], [], 0)[0]:
            self.socket.recv(4096)


class Client:
    """What an application does, bare."""

    def __init__(self, database: str, redis_port: int) -> None:
        self._database: psycopg.Connection[Any] = psycopg.connect(database, autocommit=True)
        self._redis, self._done = Redis(redis_port), Redis(redis_port)
        self._done.subscribe("relay_done")
        self._number = int((self._database.execute("SELECT count(*) FROM relay").fetchone() or (0,))[0])

    def store(self) -> int:
        """One task; its number."""
        self._number += 1
        self._database.execute(INSERT, (self._number,))
        self._redis.publish("relay_new")
        return self._number

    def wait(self, number: int) -> None:
        """Until its result is there."""
        while True:
            self._done.socket.recv(4096)
            query = "SELECT result FROM relay WHERE id = %s AND status = 'COMPLETED'"
            if self._database.execute(query, (number,)).fetchone():
                return

    def idle(self, count: int, every_s: float, marks: Path) -> list[float]:
        """Milliseconds until entry, one task now and then."""
        marks.unlink(missing_ok=True)
        began = {}
        for _ in range(count):
            time.sleep(every_s)
            at = time.monotonic_ns()
            began[self.store()] = at
        self.wait(self._number)
        lines = (line.split() for line in marks.read_text().splitlines())
        entered = {int(number): int(at) for number, at in lines}
        return [(entered[number] - at) / 1e6 for number, at in began.items()]

    def round_trips(self, count: int) -> list[float]:
        """Milliseconds until the result."""
        taken = []
        for _ in range(count):
            began = time.perf_counter()
            self.wait(self.store())
            taken.append((time.perf_counter() - began) * 1000)
        return taken


def _child(channel: socket.socket, marks: str) -> None:
    while number := channel.recv(64):
        entered = time.monotonic_ns()
        with open(marks, "a") as file:
            file.write(f"{number.decode()} {entered}\n")
        channel.send(b"3")
    os._exit(0)


def main(database: str, redis_port: int, marks: str) -> None:
    """The worker's side; runs until it is killed."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        _child(theirs, marks)
    theirs.close()
    connection = psycopg.connect(database, autocommit=True)
    incoming, outgoing = Redis(redis_port), Redis(redis_port)
    incoming.subscribe("relay_new")
    print("ready", flush=True)
    while incoming.socket.recv(4096):
        while row := connection.execute(CLAIM).fetchone():
            ours.send(str(row[0]).encode())
            ours.recv(64)
            connection.execute(FINISH, row)
            outgoing.publish("relay_done")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), os.environ["BENCHMARK_MARKS"])
