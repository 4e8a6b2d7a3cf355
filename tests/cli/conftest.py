"""Running taskctl in this process, on the database under test."""

from __future__ import annotations

import io
import itertools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from taskctl import app, terminal

if TYPE_CHECKING:
    from django_task_worker.models import DatabaseTask, Worker


@dataclass(frozen=True)
class Result:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


on_one = pytest.mark.parametrize("using", ["sqlite"], indirect=True)
"""For what does not depend on the kind of database."""
on_each = pytest.mark.parametrize(
    "using", ["postgres", pytest.param("mariadb", marks=pytest.mark.mariadb), "sqlite"], indirect=True
)
Ctl = Callable[..., Result]
Make = Callable[..., "DatabaseTask"]


@pytest.fixture
def ctl(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ctl:
    """`ctl("list", "--json")` runs a command line; `answer` is typed on a terminal, `stdin` comes by pipe."""

    def run(
        *words: object, stdin: str = "", answer: str | None = None, tty: bool = False, width: int = 100
    ) -> Result:
        stream = io.TextIOWrapper(io.BytesIO((answer or stdin).encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        tty = tty or answer is not None
        monkeypatch.setattr(terminal, "is_a_tty", lambda stream: tty)
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.delenv("CI", raising=False)
        capsys.readouterr()
        code = app.run([str(word) for word in words], is_set_up=True)
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def make(using: str) -> Make:
    """A stored task; `age_s` moves all its times into the past."""
    from django_task_worker import queries
    from django_task_worker.models import DatabaseTask

    numbers = itertools.count()

    def create(status: str = "PENDING", *, age_s: float = 0.0, lease_s: float = 30.0, **fields: Any) -> Any:
        at = queries.database_now(using) - timedelta(seconds=age_s)
        values: dict[str, Any] = {"name": "app.tasks.add", "args": [1, 2], "kwargs": {}, "due_at": at}
        if status in ("COMPLETED", "FAILED", "CANCELLED"):
            values |= {"finished_at": at, "started_at": at, "duration": 0.5, "due_at": at}
        if status == "PROGRESS":
            values |= _lease(at, lease_s, next(numbers))
        task = DatabaseTask.objects.using(using).create(status=status, **(values | fields))
        DatabaseTask.objects.using(using).filter(pk=task.pk).update(created_at=at)
        task.refresh_from_db()
        return task

    return create


def _lease(at: datetime, lease_s: float, number: int) -> dict[str, Any]:
    expires = at + timedelta(seconds=lease_s)
    return {
        "lease": f"{number:022}",
        "lease_expires_at": expires,
        "worker": "web-1",
        "started_at": at,
        "max_retries": 0,
    }


@pytest.fixture
def up(using: str) -> Callable[..., Worker]:
    """A worker that is up."""
    from django_task_worker.models import Worker

    def create(name: str = "web-1", queues: tuple[str, ...] = (), **fields: Any) -> Worker:
        values = {"host": "web", "pid": 1, "version": "1.0.0", "slots": 4, **fields}
        return Worker.objects.using(using).create(name=name, queues=list(queues), **values)

    return create
