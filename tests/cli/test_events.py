"""`taskctl events`: what happens, from Redis and from the database, each thing once."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from django_task_worker import lifecycle
from django_task_worker.client import create_task
from taskctl.listening.follower import Follower
from tests.cli.conftest import Ctl, Make, on_each, on_one
from tests.conftest import PROJECT
from tests.databases import Database
from tests.events import event, publish
from tests.servers import Postgres, Redis
from tests.waiting import wait_until

KEYS = [
    "v",
    "type",
    "seq",
    "ts",
    "event",
    "id",
    "task",
    "queue",
    "worker",
    "wait_s",
    "run_s",
    "tries",
    "error_type",
    "source",
    "count",
    "publisher",
]
Script = Callable[[Follower], Iterator[None]]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Script], None]:
    """`meanwhile(script)`: a generator that goes on whenever the command has nothing to print."""

    def arrange(script: Script) -> None:
        scripts: dict[int, Iterator[None]] = {}
        wait = Follower._wait

        def act_and_wait(self: Follower, deadline: float | None) -> None:
            next(scripts.setdefault(id(self), script(self)), None)
            wait(self, deadline)

        monkeypatch.setattr(Follower, "_wait", act_and_wait)

    return arrange


def seen(records: list[dict[str, Any]]) -> list[tuple[str, Any, str]]:
    return [(record["event"], record["id"], record["source"]) for record in records]


# --- from the database ---


@on_each
def test_the_past_comes_from_the_database(ctl: Ctl, make: Make) -> None:
    done = make("COMPLETED", age_s=60, name="mail.tasks.send", queue="mail", worker="web-1")
    make("FAILED", age_s=7200)
    new = make()
    records = ctl("events", "--since", "-10m", "--timeout", 0, "--json").records
    assert all(list(record) == KEYS for record in records)
    assert [(name, pk) for name, pk, _ in seen(records) if pk == done.pk] == [
        ("enqueued", done.pk),
        ("started", done.pk),
        ("completed", done.pk),
    ]
    assert seen(records)[-1] == ("enqueued", new.pk, "poll")
    assert len(records) == 4
    (completed,) = (record for record in records if record["event"] == "completed")
    assert (completed["task"], completed["queue"], completed["worker"]) == (
        "mail.tasks.send",
        "mail",
        "web-1",
    )
    assert (completed["run_s"], completed["wait_s"], completed["tries"]) == (0.5, 0.0, 1)
    assert (completed["seq"], completed["error_type"], completed["count"]) == (None, None, 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", completed["ts"])


@on_one
def test_without_since_only_what_happens_from_now_on(ctl: Ctl, make: Make, meanwhile: Any) -> None:
    make("COMPLETED", age_s=1)

    def script(follower: Follower) -> Iterator[None]:
        made.append(make().pk)
        yield

    made: list[str] = []
    meanwhile(script)
    done = ctl("events", "--count", 1, "--timeout", "20s", "--json")
    assert done.code == 0
    assert seen(done.records) == [("enqueued", made[0], "poll")]


@on_each
def test_following_the_database_tells_each_thing_once(
    ctl: Ctl, make: Make, up: Any, using: str, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskctl.listening.follower.POLL_S", 0.05)
    pending, failed = make(queue="mail"), make("FAILED", age_s=100)

    def script(follower: Follower) -> Iterator[None]:
        lifecycle.cancel([pending.pk], using=using)
        yield
        assert ctl_inside("retry", failed.pk).code == 0
        yield
        ctl_inside("queues", "pause", "mail")
        ctl_inside("queues", "resume", "mail")
        yield
        up("web-9")
        yield

    def ctl_inside(*words: str) -> Any:
        from taskctl import app

        return type("Done", (), {"code": app.run([*words, "-q", "-o", "table"], is_set_up=True)})

    meanwhile(script)
    done = ctl("events", "--timeout", "700ms", "--json")
    assert [record["event"] for record in done.records] == [
        "cancelled",
        "requeued",
        "paused",
        "resumed",
        "worker_up",
    ]


@on_one
def test_events_in_a_pipe_are_lines_of_the_same_columns(ctl: Ctl, make: Make) -> None:
    task = make("FAILED", age_s=5, error_type="Key\tError", worker="web-1")
    done = ctl("events", "--since", "-1m", "--type", "failed", "--timeout", 0, "--header")
    title, line = (row.split("\t") for row in done.lines)
    assert title == [
        *("time", "event", "id", "task", "queue", "worker", "wait_s", "run_s", "tries"),
        *("error_type", "source", "seq", "count", "publisher"),
    ]
    assert line[1:] == [
        *("failed", task.pk, "app.tasks.add", "default", "web-1", "0.0", "0.5", "1"),
        *("Key\\tError", "poll", "", "1", ""),
    ]
    assert ctl("events", "--since", "-1m", "--type", "failed", "--timeout", 0, "-o", "id").lines == [task.pk]
    assert ctl(
        *("events", "--since", "-1m", "--timeout", 0, "--type", "failed", "--fields", "event,id")
    ).lines == [f"failed\t{task.pk}"]


@on_one
def test_events_on_a_terminal_fit_80_columns(ctl: Ctl, make: Make, up: Any) -> None:
    up("w\x1b[2J\nx")
    make("FAILED", name="reports.tasks.monthly" + "y" * 60 + "\x1b[2J", error_type="[/]\x07", queue="q\x9b")
    done = ctl("events", "--since", "-1m", "--timeout", 0, tty=True, width=80)
    assert done.lines[0].split() == ["TIME", "EVENT", "ID", "TASK", "DETAILS"]
    assert len(done.lines) == 5
    assert all(len(line) <= 80 and line.isprintable() for line in done.lines)


@on_each
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--queue", "mail"], 3),
        (["--task", "mail.*"], 3),
        (["--task", "mail"], 0),
        (["--type", "completed,failed"], 2),
        (["--type", "COMPLETED", "--queue", "mail"], 1),
        (["--type", "worker_up"], 1),
    ],
)
def test_only_what_is_wanted_is_shown(ctl: Ctl, make: Make, up: Any, words: list[str], expected: int) -> None:
    make("COMPLETED", name="mail.tasks.send", queue="mail")
    make("FAILED")
    up()
    done = ctl("events", "--since", "-1m", "--timeout", 0, *words)
    assert len(done.lines) == expected
    assert done.code == (0 if expected else 124)


@on_one
def test_one_task_is_followed_by_its_id(ctl: Ctl, make: Make) -> None:
    task = make("COMPLETED")
    make("COMPLETED")
    words = ["events", "--since", "-1m", "--timeout", 0, "-o", "id"]
    assert ctl(*words, "--id", task.pk[:8]).lines == [task.pk] * 3
    assert ctl("events", "--id", "nosuchid").code == 3


# --- when it ends ---


@on_one
def test_a_timeout_is_124_unless_what_was_wanted_came(ctl: Ctl, make: Make) -> None:
    assert ctl("events", "--timeout", "10ms").__dict__ == {"code": 124, "out": "", "err": ""}
    assert ctl("events", "--timeout", "10ms", "--count", 1).code == 124
    make()
    assert ctl("events", "--since", "-1m", "--timeout", "10ms").code == 0
    assert ctl("events", "--since", "-1m", "--timeout", "10ms", "--count", 2).code == 124
    assert ctl("events", "--since", "-1m", "--timeout", "10s", "--count", 1).code == 0


@on_one
def test_no_more_than_the_wanted_number_is_shown(ctl: Ctl, make: Make) -> None:
    for _ in range(4):
        make()
    done = ctl("events", "--since", "-1m", "--count", 3)
    assert (done.code, len(done.lines)) == (0, 3)


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_it_quietly(database: Database, start: Any, number: int, code: int) -> None:
    create_task("app.tasks.add", [1, 2])
    process = start(sys.executable, "-m", "taskctl", "events", "--since", "-1m", TEST_DATABASE=database.url)
    process.line("enqueued")
    assert process.stop(number) == code
    assert len(process.lines) == 1


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_reader_that_goes_away_ends_it_at_once(database: Database, environment: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "taskctl", "events"],
        cwd=PROJECT,
        env={**environment, "TEST_DATABASE": database.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(20) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


# --- from Redis ---


@on_one
def test_what_redis_tells_is_shown_as_it_comes(ctl: Ctl, using: str, redis: Redis, meanwhile: Any) -> None:
    def script(follower: Follower) -> Iterator[None]:
        while not follower.is_live:
            yield
        publish(redis, b"\xff nonsense", event(1), event(2, event="task_failed", error_type="KeyError"))
        publish(redis, event(3, event="tasks_created", task_id=None, count=500, name=None))
        yield

    meanwhile(script)
    done = ctl("events", "--count", 3, "--timeout", "20s", "--json")
    assert (done.code, done.err) == (0, "")
    first, second, third = done.records
    assert first | {"ts": None} == {
        "v": 1,
        "type": "event",
        "seq": 2,
        "ts": None,
        "event": "completed",
        "id": "t1",
        "task": "app.tasks.add",
        "queue": "default",
        "worker": "w1",
        "wait_s": 0.01,
        "run_s": 0.02,
        "tries": 1,
        "error_type": None,
        "source": "redis",
        "count": 1,
        "publisher": "test",
    }
    assert (second["event"], second["error_type"]) == ("failed", "KeyError")
    assert (third["event"], third["id"], third["count"]) == ("enqueued", None, 500)


@on_one
def test_a_number_that_is_left_out_is_a_gap_in_its_place(
    ctl: Ctl, using: str, redis: Redis, meanwhile: Any
) -> None:
    def script(follower: Follower) -> Iterator[None]:
        while not follower.is_live:
            yield
        publish(redis, event(1), event(5), event(7, publisher="other"), event(6))
        yield

    meanwhile(script)
    records = ctl("events", "--count", 5, "--timeout", "20s", "--json").records
    assert [(record["event"], record["id"], record["count"]) for record in records] == [
        ("completed", "t1", 1),
        ("gap", None, 3),
        ("completed", "t5", 1),
        ("completed", "t7", 1),
        ("completed", "t6", 1),
    ]
    assert records[1]["publisher"] == "test"


@on_one
def test_what_both_tell_is_told_once(ctl: Ctl, make: Make, redis: Redis, using: str, meanwhile: Any) -> None:
    """Of the first task Redis tells all but its start, of the second nothing."""

    def script(follower: Follower) -> Iterator[None]:
        while not follower.is_live:
            yield
        task = make("COMPLETED", queue="mail")
        made.append(task.pk)
        at = task.finished_at.isoformat()
        publish(
            redis, event(1, task_id=task.pk, at=at), event(2, task_id=task.pk, event="task_created", at=at)
        )
        yield
        yield
        redis.stop()
        while follower.is_live:
            yield
        yield
        unheard.append(make("COMPLETED", queue="mail").pk)
        redis.start()
        while not follower.is_live:
            yield
        raise KeyboardInterrupt

    made: list[str] = []
    unheard: list[str] = []
    meanwhile(script)
    done = ctl("events", "--json")
    assert done.code == 130
    told = [(name, pk) for name, pk, _ in seen(done.records)]
    assert len(told) == len(set(told)) == 6
    assert {source for _, pk, source in seen(done.records) if pk == unheard[0]} == {"poll"}
    assert ("completed", made[0], "redis") in seen(done.records)
    assert ("started", made[0], "poll") in seen(done.records)
    warning = next(json.loads(line) for line in done.err.splitlines())
    assert (warning["type"], warning["code"]) == ("warning", "redis-unreachable")
    assert len(done.err.splitlines()) == 1


@on_one
def test_redis_that_is_away_is_a_warning_once_and_the_database_is_read(
    ctl: Ctl, make: Make, settings: Any
) -> None:
    settings.REDIS_URL = "redis://u:geheim@127.0.0.1:1/0"
    make()
    done = ctl("events", "--since", "-1m", "--timeout", "1500ms")
    assert (done.code, len(done.lines)) == (0, 1)
    assert done.err.count("warning: Redis is not reachable") == 1
    assert "geheim" not in done.err


@on_one
def test_redis_may_be_required(ctl: Ctl, using: str, settings: Any) -> None:
    done = ctl("events", "--require-redis")
    assert (done.code, done.out) == (69, "")
    assert done.err.startswith("error: Redis is not reachable (REDIS_URL is not set)")
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert ctl("events", "--require-redis").code == 69


@pytest.mark.direct
@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
def test_a_database_that_is_away_for_a_while_loses_nothing(
    database: Database, start: Any, postgres_server: Postgres
) -> None:
    create_task("app.tasks.add", [1, 2])
    process = start(sys.executable, "-m", "taskctl", "events", "--since", "-1m", TEST_DATABASE=database.url)
    process.line("enqueued")
    postgres_server.restart()
    connections[database.alias].close()
    process.line("the database does not answer; trying again")
    create_task("app.tasks.add", [1, 2])
    wait_until(lambda: process.output.count("enqueued") == 2, 15, what=lambda: process.output)
    process.line("the database answers again")
    assert process.stop(signal.SIGINT) == 130


@on_one
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--type", "fialed"], "--type fialed: no such event. Did you mean failed?"),
        (["--type", "failed,x"], "--type failed,x: no such event. There are enqueued, started, "),
        (["--count", "0"], "--count 0: must be a whole number of at least 1"),
        (["--timeout", "soon"], "--timeout soon: not a duration"),
        (["--since", "soon"], "--since soon: not a time"),
        (["--queue", "nosuch"], "no queue named 'nosuch'"),
        (["--fields", "evnt"], "--fields: no field named 'evnt'. Did you mean event?"),
    ],
)
def test_what_is_wrong_is_said(ctl: Ctl, using: str, words: list[str], message: str) -> None:
    done = ctl("events", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {message}")
