"""`taskctl worker`"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from taskctl import exits, options, values
from taskctl.errors import bad_value, configuration, home, usage
from taskctl.options import flag, value
from taskctl.session import Session, session_of
from taskctl.verb import verb

TAKES, RECYCLES, RUNS = "What it takes", "Its child processes", "How it runs"
FORMATS = ("auto", "text", "json", "journald")
LEVELS = ("debug", "info", "warning", "error")
GRACE_S = 30.0


@dataclass(frozen=True, kw_only=True)
class _Logging:
    format: str
    level: str


@verb(
    "taskctl worker [FLAGS]",
    "taskctl worker --concurrency 4",
    "taskctl worker --queue mail --queue default --retry 2",
)
def worker(
    context: typer.Context,
    concurrency: Annotated[
        str, value("--concurrency", "-c", metavar="N", about="tasks at a time; 4, auto = CPUs", panel=TAKES)
    ] = "4",
    retry: Annotated[
        str | None,
        value(
            "--retry", metavar="R", about='tries after the first; TASK_WORKER["MAX_RETRIES"], 0', panel=TAKES
        ),
    ] = None,
    queue: Annotated[
        list[str] | None,
        value("--queue", metavar="Q", about="repeatable, in order of preference; default: all", panel=TAKES),
    ] = None,
    exclude_queue: Annotated[
        list[str] | None, value("--exclude-queue", metavar="Q", about="repeatable: never these", panel=TAKES)
    ] = None,
    name: Annotated[str | None, value("--name", metavar="NAME", about="default host-pid", panel=RUNS)] = None,
    burst: Annotated[bool, flag("--burst", about="end when nothing is due", panel=RUNS)] = False,
    max_tasks: Annotated[
        str | None, value("--max-tasks", metavar="N", about="replace a child after N tasks", panel=RECYCLES)
    ] = None,
    max_time: Annotated[
        str | None,
        value("--max-time", metavar="DUR", about="replace a child after this time", panel=RECYCLES),
    ] = None,
    max_memory: Annotated[
        str | None,
        value("--max-memory", metavar="SIZE", about="replace a child above it: 300M", panel=RECYCLES),
    ] = None,
    poll: Annotated[
        str | None, value("--poll", metavar="DUR", about="idle poll; 1s, with Redis 2s", panel=RUNS)
    ] = None,
    grace: Annotated[
        str,
        value("--grace", metavar="DUR", about="when stopped, let tasks finish this long; 30s", panel=RUNS),
    ] = "30s",
    heartbeat_file: Annotated[
        str | None,
        value(
            "--heartbeat-file", metavar="PATH", about="touched while alive; PATH.ready while fit", panel=RUNS
        ),
    ] = None,
    log_format: Annotated[
        str, value("--log-format", metavar="F", about="auto, text, json, journald", panel=RUNS)
    ] = "auto",
    log_level: Annotated[
        str, value("--log-level", metavar="L", about="debug, info, warning, error", panel=RUNS)
    ] = "info",
    reload: Annotated[
        bool, flag("--reload", about="for development: start again when code has changed", panel=RUNS)
    ] = False,
    no_redis: Annotated[bool, flag("--no-redis", about="poll only", panel=RUNS)] = False,
    dry_run: Annotated[
        bool, flag("--dry-run", about="only show what would be claimed", panel=options.ACT)
    ] = False,
) -> int:
    """Run tasks from the database until told to stop.

    Ctrl-C or SIGTERM: takes no more, lets running tasks finish within --grace, exit 0. A second one hands
    them back now. Exit 78: the settings or migrations are wrong; 69: the database is not there.
    """
    session = session_of(context)
    given = {
        "concurrency": _cpus()
        if concurrency == "auto"
        else values.whole("--concurrency", concurrency, 1, 10_000),
        "queues": tuple(queue or ()),
        "exclude_queues": tuple(exclude_queue or ()),
        "name": name,
        "burst": burst,
        "max_tasks": values.whole_or_none("--max-tasks", max_tasks, 1),
        "max_time_s": values.duration_or_none("--max-time", max_time),
        "max_memory_bytes": None if max_memory is None else values.size("--max-memory", max_memory),
        "poll_s": values.duration_or_none("--poll", poll),
        "grace_s": values.duration("--grace", grace),
        "heartbeat_file": None if heartbeat_file is None else Path(heartbeat_file),
        "use_redis": not no_redis,
    }
    retries = values.whole_or_none("--retry", retry)
    logging = _Logging(
        format=_choice("--log-format", log_format, FORMATS), level=_choice("--log-level", log_level, LEVELS)
    )
    if reload:
        if burst or dry_run:
            raise usage("--reload goes with neither --burst nor --dry-run")
        return _reload(session)
    return _run(session, given, retries, logging, dry_run=dry_run)


def _choice(flag_name: str, text: str, known: tuple[str, ...]) -> str:
    if text.lower() not in known:
        raise bad_value(flag_name, text, f"choose one of {', '.join(known)}")
    return text.lower()


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run(
    session: Session, given: dict[str, Any], retries: int | None, log: _Logging, *, dry_run: bool
) -> int:
    alias = session.open(create=True)
    from django_task_worker import functions, logs
    from django_task_worker.conf import settings
    from taskctl import database

    for queue in (*given["queues"], *given["exclude_queues"]):
        functions.check_queue(queue)
    database.require_migrations(alias)
    if not dry_run:
        database.require_rights(alias)
    require_settings()
    if dry_run:
        return _show_due(session, given, alias)
    from django_task_worker.worker import supervisor
    from django_task_worker.worker.options import WorkerOptions

    budget = settings().max_retries if retries is None else retries
    wanted = WorkerOptions(using=alias, max_retries=budget, **given)
    level = "debug" if session.terminal.verbosity > 0 and log.level == "info" else log.level
    level = "error" if session.terminal.verbosity < 0 else level
    logs.configure(log.format, level, colour=session.terminal.err_colour)
    if session.terminal.err_is_tty:
        _banner(session, wanted, alias)
    database.connection(alias).close()
    return supervisor.run(wanted)


def _reload(session: Session) -> int:
    """Runs this command line without --reload, again and again."""
    alias = session.open(create=True)
    from django_task_worker.functions import own_files, project_folder
    from taskctl import database, reloading

    database.connection(alias).close()
    folder, own = project_folder(), own_files()
    session.terminal.note(f"starts again when code in {home(folder)} has changed")
    reloader = reloading.Reloader(
        reloading.command(sys.orig_argv), lambda: reloading.times(folder, own), session.terminal.note
    )
    return reloader.run()


def require_settings() -> None:
    """The system checks of this package must pass. Raises CommandError."""
    from django.core import checks

    for message in checks.run_checks(tags=["task_worker"]):
        if message.level >= checks.ERROR:
            raise configuration(message.msg)


def _banner(session: Session, wanted: Any, alias: str) -> None:
    from django_task_worker._version import __version__
    from taskctl import database

    queues = ", ".join(wanted.queues) or "all queues"
    if wanted.exclude_queues:
        queues += f" but {', '.join(wanted.exclude_queues)}"
    session.terminal.note(f"taskctl worker {__version__}, {wanted.concurrency} tasks at a time, {queues}")
    session.terminal.note(f"database {database.place_in_brackets(alias)}")
    session.terminal.note("Ctrl-C stops it: running tasks may finish first")


def _show_due(session: Session, given: dict[str, Any], alias: str) -> int:
    """What the first claim would bring, about in its order."""
    from django_task_worker import queries
    from taskctl.commands.list import choose_columns, show

    tasks = queries.due(alias, queues=given["queues"], exclude_queues=given["exclude_queues"])
    show(tasks[: given["concurrency"]], choose_columns(session), session)
    return exits.OK
