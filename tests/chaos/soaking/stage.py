"""The servers and the three workers. What has been broken is mended after a while."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import connections

from tests.chaos.oracle import Oracle
from tests.databases import Database, PostgresDatabases
from tests.processes import MARK, Process, end_marked
from tests.servers import Postgres, Proxy, Redis
from tests.servers.folder import run_folder

HERE = Path(__file__).parent
PROJECT = HERE.parents[1] / "project"
SLOTS = 6
NAMES = ("steady", "second", "third")
SETTINGS = {"ALLOWED": ["recorded", "fates"]}


@dataclass
class Crew:
    """One of the three places for a worker, with a line of its own to the database."""

    name: str
    line: Proxy
    process: Process
    ended: list[Process] = field(default_factory=list)


class Stage:
    """Leaving the `with` ends everything."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._mark = uuid.uuid4().hex
        self._mending: list[tuple[float, Callable[[], None]]] = []
        self.postgres, self.redis = Postgres(), Redis()

    def __enter__(self) -> Stage:
        self._open.callback(self._end)
        self.postgres.start()
        self.redis.start()
        databases = PostgresDatabases(self.postgres)
        self.database: Database = self._open.enter_context(databases.fresh())
        self.postgres.execute(f"ALTER DATABASE {self.name} SET synchronous_commit = on")
        connections[self.database.alias].close()
        self.use_redis()
        self.oracle = Oracle(self.database.alias, run_folder() / "record")
        self.crews = [self._crew(name) for name in NAMES]
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    @property
    def name(self) -> str:
        return urlsplit(self.database.url).path.lstrip("/")

    def use_redis(self) -> None:
        from django.conf import settings

        settings.REDIS_URL = self.redis.url

    def _crew(self, name: str) -> Crew:
        line = Proxy(self.postgres)
        self._open.callback(line.close)
        return Crew(name, line, self._start(name, line))

    def _start(self, name: str, line: Proxy) -> Process:
        words = [
            "-m",
            "taskctl",
            "worker",
            "--concurrency",
            str(SLOTS),
            "--name",
            name,
            "--log-format",
            "json",
        ]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(run_folder()),
            "PYTHONPATH": os.pathsep.join(
                [str(HERE.parent / "code"), str(HERE.parents[1] / "worker" / "code")]
            ),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "TEST_DATABASE": self.database.url.replace(f":{self.postgres.port}/", f":{line.port}/"),
            "TEST_TASK_WORKER": json.dumps(SETTINGS),
            "REDIS_URL": self.redis.url,
            MARK: self._mark,
        }
        return Process([sys.executable, *words], cwd=PROJECT, env=environment)

    def replace(self, crew: Crew) -> None:
        """Somebody starts the worker again that has ended."""
        crew.ended.append(crew.process)
        crew.process = self._start(crew.name, crew.line)

    def later(self, seconds: float, mend: Callable[[], None]) -> None:
        """Mends something then."""
        self._mending.append((time.monotonic() + seconds, mend))

    def sleep(self, seconds: float) -> None:
        """Waits, and mends what is due."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            due = [entry for entry in self._mending if entry[0] <= time.monotonic()]
            self._mending = [entry for entry in self._mending if entry not in due]
            for _, mend in due:
                mend()
            time.sleep(0.05)

    def heal(self) -> None:
        """Mends everything now."""
        mending, self._mending = self._mending, []
        for _, mend in mending:
            mend()

    @property
    def processes(self) -> list[Process]:
        """All workers that there ever were."""
        return [process for crew in self.crews for process in (*crew.ended, crew.process)]

    def count(self, statement: str) -> int:
        import psycopg

        with psycopg.connect(f"{self.postgres.url}/{self.name}", autocommit=True) as link:
            row: Any = link.execute(statement.encode()).fetchone()
            return int(row[0])

    def _end(self) -> None:
        self.heal()
        for crew in getattr(self, "crews", ()):
            crew.process.close()
        end_marked(self._mark)
        self.redis.remove()
        self.postgres.remove()
