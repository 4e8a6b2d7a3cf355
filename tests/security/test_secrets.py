"""Secrets of a project and of its tasks: canaries that must turn up nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
import redis as redis_client
from django.db import connections

from tests.databases import Database
from tests.processes import Process
from tests.servers import Redis
from tests.worker.marks import on_postgres
from tests.worker.outcomes import ended, enqueue

DATABASE, REDIS, KEY = "canary-database", "canary-redis", "canary-secret-key"
ARGUMENT, RESULT = "canary-argument", "canary-result"
COMMANDS = [
    ["doctor"],
    ["doctor", "--json"],
    ["list"],
    ["list", "--json"],
    ["list", "--status", "failed", "--search", "x", "--json"],
    ["tasks", "app.*"],
    ["top", "--once"],
    ["top", "--once", "--json"],
    ["--help"],
    ["worker", "--help"],
    ["enqueue", "--help"],
    ["enqueue", "app.tasks.add", "1"],
    ["enqueue", "app.tasks.nowhere"],
    ["purge", "--older-than", "1d", "--dry-run"],
    ["requeue", "--stale", "--dry-run"],
    ["list", "--debug", "--status", "nonsense"],
]


@pytest.fixture
def guarded(environment: dict[str, str], settings: Any) -> Iterator[Redis]:
    server = Redis(password=REDIS)
    server.start()
    environment["REDIS_URL"] = settings.REDIS_URL = server.url
    environment["REDIS_PASSWORD"] = settings.REDIS_PASSWORD = REDIS
    yield server
    server.remove()


@pytest.fixture
def secretive(
    database: Database, environment: dict[str, str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Database:
    """The database with a password, which this server does not mind."""
    environment["TEST_SECRET_KEY"] = settings.SECRET_KEY = KEY
    monkeypatch.setitem(connections[database.alias].settings_dict, "PASSWORD", DATABASE)
    url = database.url.replace("postgres@", f"postgres:{DATABASE}@")
    return Database(alias=database.alias, url=url)


def assert_silent(text: str, about: object, *allowed: str) -> None:
    found = {word for word in (DATABASE, REDIS, KEY, ARGUMENT, RESULT) if word in text} - set(allowed)
    assert not found, f"{found} in {about}:\n{text}"


class Eavesdropper:
    """Everything that is said on any channel."""

    def __init__(self, server: Redis) -> None:
        self._link = redis_client.Redis.from_url(server.url, password=server.password)
        self._ear = self._link.pubsub(ignore_subscribe_messages=True)
        self._ear.psubscribe("*")
        self._ear.get_message(timeout=1)

    def heard(self) -> str:
        parts = []
        while message := self._ear.get_message(timeout=0.3):
            parts.append(f"{message['channel']!r} {message['data']!r}")
        self._ear.close()
        self._link.close()
        return "\n".join(parts)


@on_postgres
def test_secrets_turn_up_nowhere(
    secretive: Database, guarded: Redis, worker: Callable[..., Process], ctl: Callable[..., Any]
) -> None:
    """Those of the settings in no output at all; arguments and results only where somebody asks for them."""
    ear = Eavesdropper(guarded)
    process = worker("--concurrency", 2, TEST_DATABASE=secretive.url)
    process.line("redis=ok")
    failed = enqueue("fail_with_secret", kwargs={"password": ARGUMENT})
    echoed = enqueue("echo", {"token": RESULT})
    printed = enqueue("speak", RESULT)
    enqueue("fail", "an error that says nothing")
    for task in (failed, echoed, printed):
        ended(task)
    lines = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    assert_silent("\n".join(lines), "ps")
    for words in [*COMMANDS, ["show", failed.id], ["show", failed.id, "--json"]]:
        done = ctl(*words)
        assert_silent(done.out + done.err, words)
    done = ctl("show", echoed.id)
    assert_silent(done.out + done.err, "show", RESULT)  # the result is what was asked for
    assert ARGUMENT in ctl("show", failed.id, "--reveal", "--yes").out, "the canary is not where it should be"
    heard = ear.heard()
    assert "task_failed" in heard
    assert_silent(heard, "Redis")
    assert process.stop() == 0
    assert "could not log in" in process.output
    assert_silent(process.output, "the worker's output", RESULT)  # what a task prints is its own business


@on_postgres
def test_secrets_are_in_no_error(
    secretive: Database,
    guarded: Redis,
    start: Callable[..., Process],
    ctl: Callable[..., Any],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    worker: Callable[..., Process],
) -> None:
    """Servers that are away, at start and later."""
    connection = connections[secretive.alias]
    good, away = str(connection.settings_dict["PORT"]), "1"
    settings.REDIS_URL = f"redis://canary-redis:canary-redis@127.0.0.1:{away}/0"
    assert_silent((done := ctl("doctor")).out + done.err, "doctor without Redis")
    assert_silent((done := ctl("enqueue", "app.tasks.add", 1, 2)).out + done.err, "enqueue without Redis")
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", away)
    for words in (["list"], ["doctor"], ["list", "--debug"], ["worker", "--burst"], ["show", "x", "--json"]):
        done = ctl(*words)
        assert done.code
        assert_silent(done.out + done.err, words)
    monkeypatch.setitem(connection.settings_dict, "PORT", good)
    process = worker(
        ready=False,
        TEST_DATABASE=secretive.url.replace(f":{good}/", f":{away}/"),
        TEST_TASK_WORKER=json.dumps({}),
    )
    assert process.wait() in (69, 78)
    assert_silent(process.output, "a worker without a database")
