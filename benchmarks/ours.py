"""This project as a user has it: a Django project, `taskctl worker`, and a program that stores tasks."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.processes import Program, run

HERE = Path(__file__).parent
PROJECT = HERE / "project"
TASKS = "django_task_worker_databasetask"
NAME = "django-task-worker"


class Project:
    """The project with one database, and maybe with Redis."""

    def __init__(self, database: str, *, redis_url: str | None, environment: Mapping[str, str]) -> None:
        self.database = database
        self.environment = {**environment, "BENCHMARK_DATABASE": database, "REDIS_URL": redis_url or ""}

    def taskctl(self, *arguments: object) -> list[object]:
        """The command line of `taskctl`."""
        return [sys.executable, "-m", "taskctl", *arguments]

    def worker(self, concurrency: int = 4, *flags: object) -> Program:
        """A worker; it may not be ready yet."""
        command = self.taskctl("worker", "--concurrency", concurrency, *flags)
        return Program(command, cwd=PROJECT, env=self.environment)

    def ready_worker(self, concurrency: int = 4, *flags: object) -> Program:
        """A worker that waits for tasks."""
        worker = self.worker(concurrency, *flags)
        worker.wait_for(r"\bready\b")
        return worker

    def client(self, verb: str, **options: Any) -> Any:
        """What a verb of project/client.py found out, in a process of its own."""
        command = [sys.executable, "client.py", verb, json.dumps(options)]
        return json.loads(run(command, cwd=PROJECT, env=self.environment))

    def query(self, sql: str, *parameters: object) -> list[Any]:
        """The rows, straight from the database."""
        if self.database.startswith("/"):
            with closing(sqlite3.connect(self.database, timeout=20)) as connection:
                return connection.execute(sql, parameters).fetchall()
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(sql.replace("?", "%s").encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def empty(self) -> None:
        """No tasks, and nothing left of those before."""
        if self.database.startswith("/"):
            self.query(f"DELETE FROM {TASKS}")
            return
        found = self.query("SELECT tablename FROM pg_tables WHERE tablename LIKE 'django_task_worker_%%'")
        self.query(f"TRUNCATE {', '.join(name for (name,) in found)}")

    def finished(self) -> Callable[[], int]:
        """A function that counts the tasks that end from now on, by way of an index."""
        (now,) = self.query("SELECT CURRENT_TIMESTAMP")[0]
        where = f"name <> 'app.tasks.other' AND finished_at >= {'?' if self._is_sqlite else '%s'}"
        sql = f"SELECT count(*) FROM {TASKS} WHERE {where}"
        if self._is_sqlite:
            return lambda: int(self.query(sql, now)[0][0])
        connection = psycopg.connect(self.database, autocommit=True)
        return lambda: int((connection.execute(sql.encode(), (now,)).fetchone() or (0,))[0])

    @property
    def _is_sqlite(self) -> bool:
        return self.database.startswith("/")


def migrate(project: Project) -> None:
    """Make the tables."""
    run([sys.executable, "manage.py", "migrate", "-v0"], cwd=PROJECT, env=project.environment)
