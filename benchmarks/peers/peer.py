"""What a measure needs to know of another task queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from benchmarks.peers.environments import python_of
from benchmarks.processes import Program, run, until
from benchmarks.stage import Stage

PROGRAMS = Path(__file__).parent / "programs"


class Peer:
    """A task queue with a server of this run. Subclasses say how it is started, filled and watched."""

    name: ClassVar[str]
    requirements: ClassVar[Sequence[str]]
    program: ClassVar[str]
    scale: ClassVar[float] = 1.0
    """The part of the tasks of a measure that it is given: a slow one need not take minutes."""
    has_round_trip: ClassVar[bool] = False
    """Whether one can wait for the result of a task."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.python = python_of(self.program, self.requirements)
        self.url = self.create()
        self.environment = {
            **{key: value for key, value in stage.environment().items() if not key.startswith("DJANGO")},
            "PEER_URL": self.url,
            "PYTHONPATH": str(PROGRAMS),
            "PYTHONUNBUFFERED": "1",
        }
        self.install()

    def create(self) -> str:
        """Its place on the server; the URL."""
        return self.stage.postgres.create(f"peer_{self.program}")

    def install(self) -> None:
        """Make its tables."""

    def empty(self) -> None:
        """Remove all of its tasks."""
        raise NotImplementedError

    def commands(self) -> list[list[object]]:
        """The processes that make up its worker."""
        raise NotImplementedError

    def finished(self) -> Callable[[], int]:
        """A function that counts the tasks that have ended."""
        raise NotImplementedError

    def run(self, *words: object) -> str:
        """Run a program of its environment."""
        return run(words, cwd=PROGRAMS, env=self.environment)

    def share(self, total: int) -> int:
        """Its part of that many tasks."""
        return max(100, round(total * self.scale))

    def client(self, verb: str, **options: Any) -> Any:
        """What a verb of its program found out."""
        return json.loads(self.run(self.python, f"{self.program}.py", verb, json.dumps(options)))

    @contextmanager
    def worker(self) -> Iterator[list[Program]]:
        """Its worker, starting."""
        with ExitStack() as stack:
            programs = [
                stack.enter_context(Program(command, cwd=PROGRAMS, env=self.environment))
                for command in self.commands()
            ]
            yield programs

    @contextmanager
    def ready_worker(self) -> Iterator[list[Program]]:
        """Its worker, once it has run a task."""
        self.empty()
        with self.worker() as worker:
            self.client("single", count=1)
            finished = self.finished()
            for _ in until(60, 0.05):
                if finished() >= 21:
                    break
            yield worker

    def query(self, sql: str) -> list[Any]:
        """Rows of its database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def counting(self, sql: str) -> Callable[[], int]:
        """A function that asks this on one connection."""
        connection = psycopg.connect(self.url, autocommit=True)
        return lambda: int((connection.execute(sql.encode()).fetchone() or (0,))[0])
