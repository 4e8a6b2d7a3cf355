"""Storing one task: what `enqueue` does once its command line is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING, Any

from taskctl import call as grammar
from taskctl import errors, exits
from taskctl.call import Call
from taskctl.errors import CommandError
from taskctl.session import Session
from taskctl.times import Moment

if TYPE_CHECKING:
    from django_task_worker.models import DatabaseTask


@dataclass(frozen=True, kw_only=True)
class Request:
    """One task to store, checked as far as that needs no project. `options` are those of create_task."""

    name: str | None
    call: Call = field(default_factory=Call)
    options: dict[str, Any] = field(default_factory=dict)
    at: Moment | None = None
    check: bool = True


def settle(session: Session, request: Request) -> dict[str, Any]:
    """The options with the time of `--at` in its place."""
    if request.at is None:
        return request.options
    from django_task_worker import queries
    from taskctl.selectors import placed, project_zone

    assert session.alias is not None
    now = queries.database_now(session.alias)
    return request.options | {"run_after": placed(request.at, now, project_zone(), session, "--at")}


def store(
    session: Session, request: Request, *, fail_if_exists: bool, wait: bool, timeout_s: float | None
) -> int:
    """Stores the task, prints its id, or with `wait` its result; the exit code."""
    alias = session.open(create=True)
    name = request.name or ""
    task = create(session, request, alias)
    if request.check:
        _warn_numbers(session, name, request.call)
    if task.already_existed:
        session.terminal.note(f"there is one already: {task.pk[:12]} {task.name}")
    else:
        echo = f"queued {task.pk[:12]} {_masked(name, request.call)}"
        session.terminal.note(echo, level=0 if wait or session.terminal.err_is_tty else 1)
    session.settle()
    if task.already_existed and fail_if_exists:
        _print_id(session, task)
        return exits.NEGATIVE
    if wait:
        return _wait(session, task, timeout_s)
    if "queue" in request.options:
        _warn_nobody(session, task, alias)
    _print_id(session, task)
    return exits.OK


def _masked(name: str, call: Call) -> str:
    """The call as Python, without secrets: what is said of it ends in the logs of CI too."""
    from django_task_worker.conf import settings
    from django_task_worker.redaction import redact

    words = settings().redact
    return grammar.written(name, redact(call.args, words), redact(call.kwargs, words))


def create(session: Session, request: Request, alias: str) -> DatabaseTask:
    """The stored task. Raises CommandError in the terms of the command line."""
    from django_task_worker import client, exceptions

    name = request.name or ""
    options = settle(session, request)
    try:
        return client.create_task(
            name, request.call.args, request.call.kwargs, check=request.check, using=alias, **options
        )
    except exceptions.InvalidTask as error:
        raise refused(name, error) from error


def refused(name: str, error: Exception) -> CommandError:
    """Why the library refuses a task, in the terms of the command line."""
    from django_task_worker import exceptions

    text = str(error)
    match error:
        case exceptions.SignatureMismatch():
            return errors.bad_arguments(text, signature=error.signature, call=error.call)
        case exceptions.InvalidArguments():
            return errors.bad_arguments(text)
        case exceptions.UnknownTask():
            return errors.unknown_task(name, error.suggestions, text)
        case exceptions.TaskNotAllowed():
            return errors.task_not_allowed(name, text)
    return errors.usage(text)


def _print_id(session: Session, task: DatabaseTask) -> None:
    terminal = session.terminal
    if terminal.is_json:
        from taskctl.report import objects

        terminal.record(objects([task.pk], session)[0])
    else:
        terminal.line(terminal.clean(task.pk))
    terminal.flush()


def show(session: Session, request: Request) -> int:
    """Checks the task and prints the call; stores nothing."""
    session.set_up(create=False)
    from django_task_worker import arguments, exceptions, functions
    from django_task_worker.conf import settings

    name, args, kwargs = request.name or "", request.call.args, request.call.kwargs
    try:
        functions.check_name(name)
        functions.validate_options(request.options.get("queue"))
        arguments.check(args, kwargs, settings().max_argument_bytes)
        if request.check:
            functions.check_call(functions.resolve(name), args, kwargs, name)
            _warn_numbers(session, name, request.call)
    except exceptions.InvalidTask as error:
        raise refused(name, error) from error
    if session.terminal.is_json:
        session.terminal.record({"v": 1, "type": "call", "task": name, "args": args, "kwargs": kwargs})
    else:
        session.terminal.line(session.terminal.clean(grammar.written(name, args, kwargs, limit=10_000)))
    return exits.OK


def _warn_numbers(session: Session, name: str, call: Call) -> None:
    """A number for a parameter that wants text is stored as a number; say how to get the text."""
    if not call.numbers:
        return
    import inspect

    from django_task_worker import functions

    try:
        bound = inspect.signature(functions.resolve(name)).bind(
            *range(len(call.args)), **{k: k for k in call.kwargs}
        )
    except (TypeError, ValueError):
        return
    parameters = bound.signature.parameters
    for parameter, place in bound.arguments.items():
        word = call.numbers.get(place) if isinstance(place, int | str) else None
        if word is not None and parameters[parameter].annotation in (str, "str"):
            key = "" if isinstance(place, int) else f"{place}="
            session.terminal.problem(
                CommandError(
                    "number-for-text",
                    exits.OK,
                    f"{name}() wants text for '{parameter}' and gets the number {word}",
                    tries=[f"{key}str:{word}"],
                    word="warning",
                )
            )


def _warn_nobody(session: Session, task: DatabaseTask, alias: str) -> None:
    from taskctl.waiting import nobody_listens

    notice = nobody_listens(task.pk, task.queue, alias)
    if notice is not None:
        session.terminal.note(
            f"no worker listens to '{task.queue}' now: taskctl worker --queue {quote(task.queue)}"
        )


def _wait(session: Session, task: DatabaseTask, timeout_s: float | None) -> int:
    from taskctl.commands.wait import resume, timed_out
    from taskctl.waiting import TimedOut, Wait

    try:
        (final,) = Wait(session, [task.pk], timeout_s).tasks()
    except TimedOut as over:
        raise timed_out(over.ids, timeout_s or 0.0) from None
    except KeyboardInterrupt:
        session.terminal.note(f"still running; {resume([task.pk])} to resume")
        raise
    return _print_outcome(session, final.pk)


def _print_outcome(session: Session, task_id: str) -> int:
    from django_task_worker import queries
    from django_task_worker.conf import settings
    from taskctl.render import details

    assert session.alias is not None
    task = queries.get(task_id, session.alias)
    terminal = session.terminal
    if terminal.is_json:
        now = queries.database_now(session.alias)
        terminal.record(details.details(task, list(task.attempts.all()), now, settings().redact))
    elif task.status == "COMPLETED":
        from taskctl.terminal import to_json

        terminal.line(to_json(details.result_of(task), ascii_only=terminal.out_is_tty))
    terminal.flush()
    if task.status == "COMPLETED":
        return exits.OK
    raise _not_completed(task)


def _not_completed(task: DatabaseTask) -> CommandError:
    if task.status == "CANCELLED":
        return CommandError("task-cancelled", exits.NEGATIVE, f"{task.name} was cancelled")
    reason = ": ".join(part for part in (task.error_type, task.error) if part)
    first, *more = (reason or "no reason given").split("\n")
    return CommandError(
        "task-failed",
        exits.NEGATIVE,
        f"{task.name} failed: {first}",
        facts=more[:10],
        tries=[f"taskctl show {quote(task.pk[:12])}"],
    )
