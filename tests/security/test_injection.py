"""Text that was typed or stored never becomes part of a statement."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connections

from django_task_worker import lifecycle, queries
from django_task_worker.client import create_task, create_tasks
from django_task_worker.ids import new_id
from django_task_worker.lifecycle import Claimed, Demand, Outcome
from django_task_worker.models import DatabaseTask
from django_task_worker.queries import Selection
from django_task_worker.states import Kind

MARK = "mark7f3"
OPENINGS = [
    "'",
    '"',
    "`",
    "\\'",
    "%",
    "%s",
    "%%",
    "%(x)s",
    "{}",
    "')",
    "'))",
    "$$",
    "\\",
    "\n",
    ";",
    "\u02bc",
]
ENDINGS = [
    "",
    " OR 1=1",
    " OR '1'='1",
    "; DROP TABLE django_task_worker_databasetask",
    " UNION SELECT 1",
    "--",
    "/*",
    "#",
]
CLOSINGS = ["", "--", "'", "\\"]
CORPUS = [f"{MARK}{a}{b}{c}" for a, b, c in itertools.product(OPENINGS, ENDINGS, CLOSINGS)]
on_each = pytest.mark.parametrize(
    "using", ["postgres", pytest.param("mariadb", marks=pytest.mark.mariadb), "sqlite"], indirect=True
)


@contextmanager
def statements(using: str) -> Iterator[list[str]]:
    """The statements as they are before their parameters are filled in."""
    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connections[using].execute_wrapper(note):
        yield seen


def use_everywhere(text: str, using: str) -> None:
    """Wherever the library takes text from outside."""
    short = text[:100].replace("\n", " ")
    for selection in (
        Selection(ids=(text,)),
        Selection(queues=(text,)),
        Selection(workers=(text,)),
        Selection(task=text),
        Selection(error=text),
    ):
        assert not queries.select(selection, using).exists()
    assert not lifecycle.cancel([text], using=using).cancelled
    assert lifecycle.requeue([text], using=using) == []
    assert lifecycle.purge(before=None, queue=text, names=text, using=using) == []
    assert lifecycle.rescue(queue=text, ids=[text], using=using) == []
    task = create_task(
        "app.tasks.echo",
        [text],
        {"key": text},
        unique_key=short,
        check=False,
        using=using,
    )
    lifecycle.cancel([task.id], using=using)


@on_each
def test_text_from_outside_is_only_ever_a_parameter(using: str) -> None:
    assert len(CORPUS) > 500
    with statements(using) as seen:
        for text in CORPUS[:: 1 if using == "sqlite" else 7]:
            use_everywhere(text, using)
    assert len(seen) > 100
    assert [sql for sql in seen if MARK in sql] == []
    assert DatabaseTask.objects.using(using).exists(), "somebody dropped the table"


@on_each
def test_what_workers_write_holds_any_text_as_it_is(using: str) -> None:
    """On Postgres a worker's messages hold the values themselves."""
    texts = CORPUS[::3]
    create_tasks([{"name": "app.tasks.echo", "args": [text], "check": False} for text in texts], using=using)
    who = texts[5].replace("\n", " ")
    demand = Demand(
        count=len(texts),
        lease=new_id(),
        lease_s=30.0,
        worker=who,
        default_retries=0,
        exclude_queues=(texts[7],),
    )
    tasks = lifecycle.claim(demand, using).tasks
    written = {task.id: text for task, text in zip(tasks, texts, strict=True)}
    outcomes = [_outcome(task, written[task.id], number % 2 == 0) for number, task in enumerate(tasks)]
    assert len(lifecycle.finish(outcomes, using)) == len(texts)
    for task in DatabaseTask.objects.using(using):
        text = written[task.id]
        ended = (
            (task.result, task.result_json) if task.status == "COMPLETED" else (task.error, task.traceback)
        )
        assert (*ended, task.worker) == (text, text, who)


def _outcome(task: Claimed, text: str, is_good: bool) -> Outcome:
    if is_good:
        return Outcome(task=task, kind=Kind.COMPLETED, result=text, result_json=json.dumps(text))
    return Outcome(task=task, kind=Kind.FAILED, worker=text, error_type="E", error=text, traceback=text)


@pytest.mark.parametrize("using", ["sqlite"], indirect=True)
@pytest.mark.parametrize("flag", ["--sort", "-o", "--status", "--queue", "--since", "--limit"])
def test_words_that_name_columns_come_from_a_list(using: str, ctl: Callable[..., Any], flag: str) -> None:
    create_task("app.tasks.add", [1, 2])
    with statements(using) as seen:
        for text in ["name; drop", "args__x%27", "-created_at,1", "id) --", *CORPUS[::17]]:
            assert ctl("list", flag, text).code == 2, text
    assert [sql for sql in seen if MARK in sql or "drop" in sql] == []
