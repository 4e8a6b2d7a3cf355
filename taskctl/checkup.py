"""What `doctor` looks at, in order. Each check answers with a finding; none of them changes anything."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any

from taskctl.durations import brief
from taskctl.errors import CommandError, home
from taskctl.report import count
from taskctl.session import Session

OK, WARN, FAIL = "ok", "warn", "fail"
CLOCK_S = 1.0
OLD_S = 300.0
SIZE_CAP = 100_000


@dataclass(frozen=True)
class Finding:
    """One answer. `ms` is how long it took."""

    name: str
    status: str
    detail: str
    hint: str | None = None
    ms: float = 0.0


Check = Callable[[Session], Finding]


def run(session: Session, names: Sequence[str]) -> list[Finding]:
    """The findings of these checks; those that need what has failed before are left out."""
    found: list[Finding] = []
    for name, check, needs in CHECKS:
        if name not in names and name not in NEEDED:
            continue
        failed = {finding.name for finding in found if finding.status == FAIL}
        if failed & set(needs):
            continue
        began = time.perf_counter()
        try:
            finding = check(session)
        except Exception as error:
            finding = _failed(error, session)
        ms = round((time.perf_counter() - began) * 1000, 1)
        found.append(replace(finding, name=name, ms=ms))
    return [finding for finding in found if finding.name in names or finding.status == FAIL]


def _failed(error: Exception, session: Session) -> Finding:
    """The error as a finding: a check that cannot be made must not keep the others from being made."""
    from taskctl.translation import translate

    known = error if isinstance(error, CommandError) else translate(error, session)
    if known is None:
        raise error
    return _fail(": ".join([known.message, *known.facts[:1]]), known.tries[0] if known.tries else None)


def _ok(detail: str) -> Finding:
    return Finding("", OK, detail)


def _warn(detail: str, hint: str) -> Finding:
    return Finding("", WARN, detail, hint)


def _fail(detail: str, hint: str | None) -> Finding:
    return Finding("", FAIL, detail, hint)


def versions(session: Session) -> Finding:
    import django

    from django_task_worker._version import __version__

    text = f"taskctl {__version__}, Django {django.get_version()}, Python {sys.version.split()[0]}"
    if django.VERSION < (5, 2):
        return _fail(text, "Django 5.2 is the oldest that works")
    return _ok(text)


def settings(session: Session) -> Finding:
    session.set_up()
    found = session.found
    if found is None:
        return _ok("loaded by manage.py")
    if found.settings is None:
        return _ok(f"embedded default in {home(found.folder)}")
    return _ok(f"{found.settings}, told by {found.told_by}; first on sys.path: {home(found.folder)}")


def app(session: Session) -> Finding:
    from django.core import checks

    found = checks.run_checks(tags=["task_worker"])
    for level, make in ((checks.ERROR, _fail), (checks.WARNING, _warn)):
        for message in found:
            if message.level >= level:
                return make(message.msg, message.hint or "python manage.py check")
    return _ok("installed, settings in order")


def reach(session: Session) -> Finding:
    from taskctl import database

    alias = session.open()
    server = database.server(alias)
    skip = "" if server.has_skip_locked else ", no SKIP LOCKED"
    text = (
        f"{database.place_in_brackets(alias)} {server.version}, {server.isolation}{skip}, {server.ms:.1f}ms"
    )
    if server.isolation in ("serializable", "SERIALIZABLE"):
        return _warn(text, "workers wait for each other at this level; read committed is enough")
    return _ok(text)


def migrations(session: Session) -> Finding:
    from taskctl import database

    assert session.alias is not None
    missing = database.missing_migrations(session.alias)
    if missing:
        return _fail(
            f"missing: {', '.join(missing)}", "python manage.py migrate django_task_worker, or --fix"
        )
    return _ok("all applied")


def clock(session: Session) -> Finding:
    from django_task_worker import queries
    from taskctl import times

    assert session.alias is not None
    before = times.now()
    there = queries.database_now(session.alias)
    after = times.now()
    off_s = (there - before - (after - before) / 2).total_seconds()
    text = f"{abs(off_s) * 1000:.0f}ms {'ahead of' if off_s > 0 else 'behind'} this machine"
    if abs(off_s) > CLOCK_S:
        return _warn(f"the database is {text}", "set both clocks by NTP; tasks go by the database's")
    return _ok(f"the database is {text}")


def redis(session: Session) -> Finding:
    from django_task_worker import events
    from django_task_worker.conf import settings
    from django_task_worker.events.address import safe_url
    from django_task_worker.events.line import RedisUnavailable

    url = settings().redis_url
    if url is None:
        return _ok("not configured: workers poll")
    problem = events.redis_problem()
    if problem is not None:
        return _warn(problem, "start it, or set REDIS_URL = None; without it new tasks start up to 1s later")
    try:
        took_s = _round_trip()
    except RedisUnavailable as error:
        return _warn(f"publish and subscribe do not work: {error}", "may this user PUBLISH and SUBSCRIBE?")
    return _ok(f"{safe_url(url)}, publish and subscribe in {took_s * 1000:.1f}ms")


def _round_trip() -> float:
    """Seconds from a publish to its arrival. Raises RedisUnavailable."""
    from django_task_worker.events.redis import channel, connect, pack
    from django_task_worker.ids import new_id

    name, word = channel("task_doctor:", new_id()), new_id().encode()
    ear, mouth = connect(1.0), connect(1.0)
    try:
        ear.send(pack(b"SUBSCRIBE", name))
        ear.receive()
        began = time.perf_counter()
        mouth.send(pack(b"PUBLISH", name, word))
        heard = b""
        while word not in heard:
            heard += ear.receive()
        return time.perf_counter() - began
    finally:
        ear.close()
        mouth.close()


def workers(session: Session) -> Finding:
    from django_task_worker import queries, registry
    from django_task_worker._version import __version__

    alias = session.alias
    assert alias is not None
    up = registry.live_workers(alias)
    alone = [q for q in queries.waiting_queues(alias) if not any(registry.listens(w, q) for w in up)]
    names = ", ".join(f"{worker.name} ({', '.join(worker.queues) or '*'})" for worker in up) or "none up"
    if alone:
        flags = " ".join(f"--queue {quote(queue)}" for queue in alone)
        return _warn(f"{names}; tasks wait in {', '.join(alone)}", f"taskctl worker {flags}")
    if not up:
        return _warn(names, "taskctl worker")
    older = sorted({worker.version for worker in up} - {__version__})
    if older:
        return _warn(f"{names}; some run version {', '.join(older)}", f"restart them with {__version__}")
    gone = registry.forgettable(alias)
    if gone:
        lost = ", ".join(worker.name for worker in gone)
        return _warn(f"{names}; lost: {lost}", "taskctl workers forget --lost, or --fix")
    return _ok(names)


def stale(session: Session) -> Finding:
    from django_task_worker import queries

    assert session.alias is not None
    number = queries.count(queries.lost(session.alias))
    if number:
        return _warn(f"{number:,} running tasks have lost their worker", "taskctl requeue --stale")
    left = queries.count(queries.without_lease(session.alias))
    if left:
        return _warn(
            f"{left:,} running without a lease: version 0.0.7 runs them, or has left them",
            "workers take them back a minute after their time limit; to see them: "
            "taskctl list --status running",
        )
    return _ok("none")


def oldest(session: Session) -> Finding:
    from django_task_worker import queries

    assert session.alias is not None
    since = queries.oldest_due(session.alias)
    if since is None:
        return _ok("nothing waits")
    age_s = (queries.database_now(session.alias) - since).total_seconds()
    text = f"due for {brief(max(age_s, 0))}"
    return _warn(text, "more workers, or see: taskctl list --status pending") if age_s > OLD_S else _ok(text)


def table(session: Session) -> Finding:
    from django_task_worker import queries
    from django_task_worker.models import DatabaseTask

    alias = session.alias
    assert alias is not None
    number = queries.count(DatabaseTask.objects.using(alias).all(), cap=SIZE_CAP)
    text = f"{SIZE_CAP:,}+ tasks" if number > SIZE_CAP else count(number)
    missing = queries.missing_indexes(alias)
    unusable = queries.unusable_indexes(alias)
    if missing:
        return _warn(
            f"{text}; missing indexes: {', '.join(missing)}", "python manage.py migrate, or re-create them"
        )
    if unusable:
        return _warn(
            f"{text}; unusable indexes: {', '.join(unusable)}", f"REINDEX INDEX CONCURRENTLY {unusable[0]}"
        )
    return _ok(f"{text}, all indexes there")


def time_zone(session: Session) -> Finding:
    from django.conf import settings

    return _ok(f"{settings.TIME_ZONE}, USE_TZ = {settings.USE_TZ}")


def debug(session: Session) -> Finding:
    from django.conf import settings

    if settings.DEBUG:
        return _warn(
            "DEBUG = True", "in a worker that runs for long, Django then keeps every query in memory"
        )
    return _ok("DEBUG = False")


def pooling(session: Session) -> Finding:
    from taskctl import database

    assert session.alias is not None
    configured = database.connection(session.alias).settings_dict
    text = f"CONN_MAX_AGE = {configured.get('CONN_MAX_AGE')}"
    mode = database.pooler(session.alias)
    if mode is None:
        return _ok(text)
    text += f", behind a pooler of {mode}s"
    options: dict[str, Any] = configured["OPTIONS"]
    wanted = {
        'OPTIONS["prepare_threshold"] = None': options.get("prepare_threshold") is None,
        "DISABLE_SERVER_SIDE_CURSORS = True": bool(configured.get("DISABLE_SERVER_SIDE_CURSORS")),
    }
    wrong = [name for name, is_right in wanted.items() if not is_right]
    if mode == "transaction" and wrong:
        return _warn(text, f"in DATABASES: {', '.join(wrong)}")
    return _ok(text)


def completion(session: Session) -> Finding:
    import os

    from taskctl.suggestions import health

    detail, hint = health.look(session.suggestions, os.environ)
    return _ok(detail) if hint is None else _warn(detail, hint)


CHECKS: tuple[tuple[str, Check, tuple[str, ...]], ...] = (
    ("versions", versions, ()),
    ("settings", settings, ()),
    ("app", app, ("settings",)),
    ("database", reach, ("settings",)),
    ("migrations", migrations, ("settings", "database")),
    ("clock", clock, ("settings", "database")),
    ("redis", redis, ("settings", "app")),
    ("workers", workers, ("settings", "database", "migrations")),
    ("stale", stale, ("settings", "database", "migrations")),
    ("oldest", oldest, ("settings", "database", "migrations")),
    ("table", table, ("settings", "database", "migrations")),
    ("time-zone", time_zone, ("settings",)),
    ("debug", debug, ("settings",)),
    ("pooling", pooling, ("settings", "database")),
    ("completion", completion, ("settings",)),
)
NAMES = tuple(name for name, _, _ in CHECKS)
NEEDED = ("settings", "database")
"""Run whatever was asked for, because the others stand on them."""
QUICK = ("versions", "settings", "app", "database", "migrations")
