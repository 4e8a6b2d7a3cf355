"""`taskctl list`"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from taskctl import options, selectors, values
from taskctl.errors import bad_value, nearest, usage
from taskctl.options import flag, value
from taskctl.session import Session, session_of
from taskctl.verb import verb

if TYPE_CHECKING:
    from django_task_worker.models import DatabaseTask, TaskQuerySet
    from django_task_worker.queries import Order
    from taskctl.render.columns import Column

DEFAULT_LIMIT = 50
SORTS = ("created", "due", "started", "finished", "run", "wait")


@verb(
    "taskctl list [SELECTORS] [FLAGS]",
    "taskctl list --status failed --since -1h",
    "taskctl list --task 'mail.*' --json | jq -r .id",
)
def list_tasks(
    context: typer.Context,
    ids: options.Ids = None,
    status: options.Status = None,
    queue: options.Queue = None,
    task: options.Task = None,
    worker: options.WorkerName = None,
    error: options.ErrorText = None,
    since: options.Since = None,
    until: options.Until = None,
    older_than: options.OlderThan = None,
    everything: options.All = False,
    limit: Annotated[
        str | None, value("--limit", metavar="N", about="at most this many; default 50, 0 = all")
    ] = None,
    sort: Annotated[
        str, value("--sort", metavar="KEY", about=f"{', '.join(SORTS)}; default created")
    ] = "created",
    reverse: Annotated[bool, flag("--reverse", about="the other way round")] = False,
    after: Annotated[
        str | None, value("--after", metavar="ID", about="go on behind this task: the next page")
    ] = None,
    count: Annotated[bool, flag("--count", about="the number only: exact up to 10000")] = False,
    exact: Annotated[bool, flag("--exact", about="with --count: exact, however long it takes")] = False,
    watch: Annotated[bool, flag("--watch", "-w", about="then tasks as they change, a line each")] = False,
    fail_if_any: Annotated[bool, flag("--fail-if-any", about="exit 1 if the list is not empty")] = False,
) -> int:
    """List tasks, newest first."""
    session = session_of(context)
    selector = selectors.read(
        ids=ids,
        status=status,
        queue=queue,
        task=task,
        worker=worker,
        error=error,
        since=since,
        until=until,
        older_than=older_than,
        everything=everything,
    )
    if sort not in SORTS:
        close = nearest(sort, SORTS, 1) or SORTS
        raise bad_value("--sort", sort, f"choose one of {', '.join(close)}")
    if watch and (count or after):
        raise usage("--watch does not go with --count or --after")
    most = values.limit(limit, DEFAULT_LIMIT)
    columns = choose_columns(session)
    alias = session.open()
    from django_task_worker import queries

    tasks = queries.select(selectors.place(selector, session, alias), alias)
    order = queries.Order(by=sort, ascending=reverse)
    if count:
        return _count(tasks, session, exact=exact, fail_if_any=fail_if_any)
    if watch:
        from taskctl.watch import follow

        show_more = shower(columns, session, more_to_come=True)
        return follow(tasks, order, most, show_more, session.terminal.note)
    found = _found(tasks, order, most, after, alias)
    shown = show(found, columns, session)
    if most is not None and shown == most:
        _tell_more(tasks, shown, session)
    return 1 if fail_if_any and shown else 0


def _found(
    tasks: TaskQuerySet, order: Order, most: int | None, after: str | None, alias: str
) -> Iterator[DatabaseTask]:
    from django_task_worker import queries

    behind = None if after is None else queries.find(after, alias)
    return queries.listing(tasks, order, limit=most, after=behind)


def _count(tasks: TaskQuerySet, session: Session, *, exact: bool, fail_if_any: bool) -> int:
    from django_task_worker import queries

    number = queries.count(tasks, cap=None if exact else queries.COUNT_CAP)
    is_capped = not exact and number > queries.COUNT_CAP
    shown = min(number, queries.COUNT_CAP) if not exact else number
    if session.terminal.is_json:
        session.terminal.record({"v": 1, "type": "count", "count": shown, "capped": is_capped})
    else:
        session.terminal.line(f"{shown}{'+' if is_capped else ''}")
    return 1 if fail_if_any and number else 0


def _tell_more(tasks: TaskQuerySet, shown: int, session: Session) -> None:
    if session.terminal.form != "table":
        return
    from django_task_worker import queries

    number = queries.count(tasks)
    if number > shown:
        more = f"{number - shown:,}" if number <= queries.COUNT_CAP else f"{queries.COUNT_CAP:,}+"
        session.terminal.note(f"… {more} more, use --limit 0")


def choose_columns(session: Session) -> Sequence[Column]:
    """The columns of --fields, or the usual ones. Raises CommandError for an unknown name."""
    from taskctl.listing import choose
    from taskctl.render.tasks import COLUMNS, MORE

    return choose(COLUMNS, MORE, session.terminal)


def show(tasks: Iterable[DatabaseTask], columns: Sequence[Column], session: Session) -> int:
    """Prints the tasks in the wanted form; how many there were."""
    return shower(columns, session)(tasks)


def shower(
    columns: Sequence[Column], session: Session, *, more_to_come: bool = False
) -> Callable[[Iterable[DatabaseTask]], int]:
    """Prints tasks each time it is called; a table goes on where it was."""
    from django_task_worker import queries
    from taskctl.listing import Listing
    from taskctl.render.tasks import as_object

    listing = Listing(columns, session.terminal, key="id", more_to_come=more_to_come)

    def show(tasks: Iterable[DatabaseTask]) -> int:
        assert session.alias is not None
        now = queries.database_now(session.alias)
        number = listing.show((as_object(task, now) for task in tasks), now)
        if not number and not more_to_come and session.terminal.form == "table":
            session.terminal.note("no tasks")
        return number

    return show
