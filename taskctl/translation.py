"""Errors of the library, of Django and of the database in the user's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskctl import errors
from taskctl.errors import CommandError

if TYPE_CHECKING:
    from django_task_worker.queries import AmbiguousId
    from taskctl.session import Session


def translate(error: Exception, session: Session) -> CommandError | None:
    """The CommandError for it; None for what nobody expected."""
    from django.core.exceptions import ImproperlyConfigured

    from django_task_worker.exceptions import TaskWorkerError

    if isinstance(error, ImproperlyConfigured):
        return errors.configuration(str(error).split("\n")[0])
    if isinstance(error, TaskWorkerError):
        return _own(error, session)
    if session.alias is None:
        return None
    from taskctl.database import explain

    return explain(error, session.alias, session.command)


def _own(error: Exception, session: Session) -> CommandError:
    from django_task_worker import exceptions, queries
    from taskctl.storing import refused

    text = str(error)
    match error:
        case queries.AmbiguousId():
            return _ambiguous(error, session)
        case queries.TaskNotFound():
            return errors.task_not_found(error.text, shortest=queries.SHORTEST_PREFIX)
        case exceptions.ConfigurationError():
            return errors.configuration(text)
        case exceptions.InvalidTask():
            return refused(_quoted(text), error)
    return errors.unexpected(error)


def _quoted(text: str) -> str:
    """The name that the message of an error quotes."""
    parts = text.split("'")
    return parts[1] if len(parts) > 2 else text


def _ambiguous(error: AmbiguousId, session: Session) -> CommandError:
    from django_task_worker import queries
    from taskctl.render.tasks import ago, status_of

    now = queries.database_now(session.alias or "default")
    rows = [
        (task.pk[:12], status_of(task, now), task.name, ago(task.created_at, now))
        for task in error.candidates
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{pk:{widths[0]}}  {status:{widths[1]}}  {name[:60]:{min(widths[2], 60)}}  {age}"
        for pk, status, name, age in rows
    ]
    count = f"more than {len(rows)}" if error.more else str(len(rows))
    return errors.ambiguous_id(error.text, lines, count)
