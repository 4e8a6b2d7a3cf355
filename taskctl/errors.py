"""What goes wrong, as the user sees it: one line, facts, a line to paste. Pure; printing is `terminal`'s.

Every function here returns the error to raise. The codes are a contract: people search for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from taskctl import exits


class CommandError(Exception):
    """A command cannot go on: `code` names the reason, `exit` is the exit code."""

    def __init__(
        self,
        code: str,
        exit: int,  # noqa: A002
        message: str,
        *,
        facts: Sequence[str] = (),
        tries: Sequence[str] = (),
        word: str = "error",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.exit = exit
        self.message = message
        self.facts = tuple(facts)
        self.tries = tuple(tries)
        self.word = word
        """What the first line starts with: error, warning, waiting."""


def usage(message: str, *, tries: Sequence[str] = (), facts: Sequence[str] = ()) -> CommandError:
    return CommandError("usage", exits.USAGE, message, tries=tries, facts=facts)


def bad_value(flag: str, value: str, reason: object) -> CommandError:
    return usage(f"{flag} {value}: {reason}")


def nearest(word: str, known: Sequence[str], count: int = 2) -> list[str]:
    """The most similar known words, best first."""
    from difflib import get_close_matches  # costs 3 ms, and only mistakes need it

    return get_close_matches(word, known, n=count, cutoff=0.6)


def no_such_option(option: str, known: Sequence[str], *, to_task: bool = False) -> CommandError:
    close = nearest(option, known, 1)
    message = f"no such option: {option}." + (f" Did you mean {close[0]}?" if close else "")
    tries = ["to hand it to the task, put it after '--'"] if to_task else []
    return usage(message.removesuffix(".") if not close else message, tries=tries)


def home(path: Path | str) -> str:
    """The path with the home folder written as ~."""
    text, base = str(path), str(Path.home())
    if base != "/" and (text == base or text.startswith(base + "/")):
        return "~" + text[len(base) :]
    return text


def settings_not_found(*, first: Path, last: Path, command: str, hints: Sequence[str] = ()) -> CommandError:
    walked = home(first) if first == last else f"{home(first)} upwards to {home(last)}"
    return CommandError(
        "settings-not-found",
        exits.CONFIGURATION,
        "I can't find your Django settings",
        facts=[
            "looked at: --settings, DJANGO_SETTINGS_MODULE, [tool.taskctl] in pyproject.toml, manage.py",
            f"from:      {walked}",
            *hints,
        ],
        tries=[f"cd to the folder with manage.py, or: taskctl --settings config.settings {command}"],
    )


def settings_import(
    *, module: str, because: str, told_by: str, first: Path | None, command: str, manage: Path | None
) -> CommandError:
    where = f"; first on sys.path: {home(first)}" if first else ""
    tries = []
    if manage is not None:
        tries = [f"taskctl --project {home(manage)} {command}          (manage.py is there)"]
    return CommandError(
        "settings-import",
        exits.CONFIGURATION,
        f"settings module '{module}' could not be imported",
        facts=[f"because:  {because}", f"told by:  {told_by}{where}"],
        tries=tries or [f"taskctl --debug {command}          to see where"],
    )


def app_not_installed(module: str) -> CommandError:
    return CommandError(
        "app-not-installed",
        exits.CONFIGURATION,
        f"'django_task_worker' is not in INSTALLED_APPS of {module}",
        tries=["add it there, then: python manage.py migrate"],
    )


def migrations_missing(names: Sequence[str], database: str) -> CommandError:
    count = "1 migration" if len(names) == 1 else f"{len(names)} migrations"
    shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
    return CommandError(
        "migrations-missing",
        exits.CONFIGURATION,
        f"the database lacks {count} of django_task_worker ({shown})",
        facts=[f"database: {database}"],
        tries=["python manage.py migrate django_task_worker       or: taskctl doctor --fix"],
    )


def configuration(reason: str) -> CommandError:
    return CommandError(
        "configuration", exits.CONFIGURATION, reason, tries=["python manage.py check, or: taskctl doctor"]
    )


def db_unreachable(*, alias: str, place: str, reason: str, tried_s: float) -> CommandError:
    tried = f" (tried for {tried_s:.0f}s)" if tried_s >= 0.95 else ""
    return CommandError(
        "db-unreachable",
        exits.UNAVAILABLE,
        f"can't reach the database '{alias}'",
        facts=[f"{place}: {reason}{tried}"],
        tries=["is it running, is the address in DATABASES right?   taskctl doctor"],
    )


def db_error(*, alias: str, place: str, reason: str) -> CommandError:
    """The connection was there and broke, or the statement took too long: trying again may help."""
    return CommandError(
        "db-error",
        exits.UNAVAILABLE,
        f"the database '{alias}' did not answer as it should",
        facts=[f"{place}: {reason}"],
        tries=["again, or look closer with: taskctl doctor"],
    )


def store_unusable(path: Path, reason: str) -> CommandError:
    return CommandError(
        "store-unusable",
        exits.PERMISSION,
        f"can't write the task file {home(path)}",
        facts=[f"because: {reason}"],
        tries=["another folder: taskctl --project DIR …, or name a Django project: --settings"],
    )


REDIS_DOWN_FACT = "tasks are safe in the database; new tasks start up to 1s later and top/events poll"


def redis_down(reason: str) -> CommandError:
    return CommandError(
        "redis-unreachable",
        exits.UNAVAILABLE,
        f"Redis is not reachable ({reason})",
        facts=[REDIS_DOWN_FACT],
        tries=["start Redis, or set REDIS_URL = None in settings to run without it"],
        word="warning",
    )


def redis_required(reason: str) -> CommandError:
    return CommandError(
        "redis-unreachable",
        exits.UNAVAILABLE,
        f"Redis is not reachable ({reason}), and --require-redis was given",
        tries=["start Redis; without --require-redis the database is read instead"],
    )


def unknown_task(name: str, suggestions: Sequence[str], reason: str = "") -> CommandError:
    package = name.split(".")[0]
    facts = [f"did you mean: {'   '.join(suggestions)} ?"] if suggestions else []
    if not facts and reason:
        facts = [reason]
    if suggestions:
        package = suggestions[0].split(".")[0]
    return CommandError(
        "unknown-task",
        exits.USAGE,
        f"no task named '{name}'",
        facts=facts,
        tries=[f"taskctl tasks '{package}.*'      (or --allow-unknown if another code base runs it)"],
    )


def task_not_allowed(name: str, reason: str) -> CommandError:
    return CommandError(
        "task-not-allowed",
        exits.USAGE,
        f"'{name}' may not run as a task",
        facts=[reason.removeprefix(f"'{name}' may not run as a task: ")],
        tries=['taskctl tasks                    (these may), or add it to TASK_WORKER["ALLOWED"]'],
    )


def bad_arguments(message: str, *, signature: str = "", call: str = "") -> CommandError:
    facts = [f"signature: {signature}"] if signature else []
    if call:
        facts.append(f"you gave:  {call}")
    return CommandError("bad-arguments", exits.USAGE, message, facts=facts)


def bad_json(message: str, *, facts: Sequence[str] = (), tries: Sequence[str] = ()) -> CommandError:
    return CommandError("bad-json", exits.USAGE, message, facts=facts, tries=tries)


def unknown_queue(name: str, known: Sequence[str]) -> CommandError:
    close = nearest(name, known, 1)
    facts = []
    listed = f"known: {', '.join(known) or 'none yet'}"
    facts.append(f"did you mean: {close[0]} ?     {listed}" if close else listed)
    tries = []
    if close:
        tries = [
            f"--queue {quote(close[0])}          (queues pause needs --create for a queue not seen before)"
        ]
    return CommandError("unknown-queue", exits.USAGE, f"no queue named '{name}'", facts=facts, tries=tries)


def db_permission(*, user: str, verb: str, table: str, command: str) -> CommandError:
    right = verb.split()[0].upper()
    return CommandError(
        "db-permission",
        exits.PERMISSION,
        f"the database user '{user}' may not {verb} {table}",
        facts=[f"needed for: {command}"],
        tries=[f"use a user with {right}, or: taskctl --database maintenance {command} …"],
    )


def db_refused(*, alias: str, place: str, reason: str) -> CommandError:
    return CommandError(
        "db-permission",
        exits.PERMISSION,
        f"the database '{alias}' refuses the connection",
        facts=[f"{place}: {reason}"],
        tries=["check USER and PASSWORD in DATABASES"],
    )


def task_not_found(text: str, *, shortest: int = 0) -> CommandError:
    """`shortest`: so many characters of an id are enough to look for it."""
    return CommandError(
        "task-not-found",
        exits.NOT_FOUND,
        f"no task with the id '{text}'",
        facts=[f"to be found by its beginning, it takes {shortest} characters"]
        if len(text) < shortest
        else [],
        tries=["taskctl list"],
    )


def worker_not_found(name: str, known: Sequence[str]) -> CommandError:
    close = nearest(name, known, 1)
    listed = f"up: {', '.join(known) or 'none'}"
    return CommandError(
        "worker-not-found",
        exits.NOT_FOUND,
        f"no worker named '{name}' is up",
        facts=[f"did you mean: {close[0]} ?     {listed}" if close else listed],
        tries=["taskctl workers"],
    )


def ambiguous_id(prefix: str, candidates: Sequence[str], count: str) -> CommandError:
    """`candidates` are lines that show id, status, task and age."""
    return CommandError(
        "ambiguous-id",
        exits.NOT_FOUND,
        f"{count} tasks start with '{prefix}'",
        facts=candidates,
        tries=["more characters"],
    )


def needs_confirmation(sentence: str, *, reason: str, dry_run: bool = True) -> CommandError:
    look = ", or look first with --dry-run" if dry_run else ""
    return CommandError(
        "needs-confirmation",
        exits.NOT_CONFIRMED,
        f"{sentence} and can't ask ({reason})",
        tries=[f"add --yes{look}"],
    )


def declined() -> CommandError:
    return CommandError("not-confirmed", exits.NOT_CONFIRMED, "nothing was changed")


def waiting_for_nobody(short: str, queue: str, workers: Sequence[str]) -> CommandError:
    return CommandError(
        "no-worker",
        exits.OK,
        f"{short} is pending in '{queue}', but no worker listens to that queue",
        facts=[f"workers up: {', '.join(workers) or 'none'}"],
        tries=[f"in another terminal: taskctl worker --queue {quote(queue)}"],
        word="waiting",
    )


def unwritten(reason: str) -> CommandError:
    return CommandError(
        "unwritten",
        exits.UNWRITTEN,
        f"can't write: {reason}",
        tries=["is the disk full where the output goes, or the temporary folder?   df -h"],
    )


def unexpected(error: BaseException) -> CommandError:
    return CommandError(
        "bug",
        exits.BUG,
        f"something went wrong inside taskctl ({type(error).__name__}: {error})",
        tries=["taskctl --debug …  and report it with the output"],
    )
