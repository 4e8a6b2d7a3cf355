"""`taskctl events`"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from taskctl import exits, options, values
from taskctl.errors import bad_value, nearest, redis_down, redis_required
from taskctl.listening.happenings import WORDS
from taskctl.options import SELECT, flag, value
from taskctl.render.events import word
from taskctl.session import Session, session_of
from taskctl.times import Moment
from taskctl.verb import verb

if TYPE_CHECKING:
    from taskctl.listening.follower import Follower
    from taskctl.listening.happenings import Happening
    from taskctl.listening.messages import Health
    from taskctl.listening.wanted import Wanted
    from taskctl.render.columns import Column

TYPES = {word(name): name for name in WORDS}


@dataclass(frozen=True, kw_only=True)
class How:
    """What the flags say besides which events."""

    count: int | None
    timeout_s: float | None
    since: Moment | None
    require_redis: bool


@verb(
    "taskctl events [FLAGS]",
    "taskctl events --type failed,retrying --since -10m",
    "taskctl events --task 'mail.*' --count 1 --timeout 30s --json",
)
def events(
    context: typer.Context,
    types: Annotated[
        str | None, value("--type", metavar="T[,T]", panel=SELECT, about=f"{', '.join(TYPES)}")
    ] = None,
    task: options.Task = None,
    queue: options.Queue = None,
    task_id: Annotated[str | None, value("--id", metavar="ID", panel=SELECT, about="of this task")] = None,
    count: Annotated[str | None, value("--count", metavar="N", about="end after N of them")] = None,
    timeout: Annotated[
        str | None, value("--timeout", metavar="DUR", about="end after this; 124 unless what was wanted came")
    ] = None,
    since: Annotated[
        str | None,
        value("--since", metavar="TIME", about="first what the database tells since then: -10m, today"),
    ] = None,
    require_redis: Annotated[
        bool, flag("--require-redis", about="exit 69 instead of reading the database when Redis is away")
    ] = False,
) -> int:
    """Follow what happens, a line an event: tasks, workers, queues. Ctrl-C ends it (exit 130).

    Follows Redis. Without it, or while it is away, the database is read every second (source: poll), which
    tells less: not each start, no releases. Events that went by unheard appear as a gap.

    With --timeout the exit code is 124 when fewer than --count events came, without --count when none came.
    """
    session = session_of(context)
    chosen = _types(types)
    how = How(
        count=values.whole_or_none("--count", count, 1),
        timeout_s=values.duration_or_none("--timeout", timeout),
        since=values.moment("--since", since),
        require_redis=require_redis,
    )
    columns = _columns(session)
    alias = session.open()
    from django_task_worker import queries
    from taskctl import selectors
    from taskctl.listening.wanted import Wanted

    selectors.require_queue(queue, alias)
    full_id = None if task_id is None else queries.find(task_id, alias)
    return _follow(session, Wanted(types=chosen, task=task, queue=queue, id=full_id), how, columns, alias)


def _types(text: str | None) -> frozenset[str] | None:
    if text is None:
        return None
    found = []
    for name in text.lower().split(","):
        if name.strip() not in TYPES:
            close = nearest(name.strip(), list(TYPES), 1)
            hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(TYPES)}"
            raise bad_value("--type", text, f"no such event. {hint}")
        found.append(TYPES[name.strip()])
    return frozenset(found)


def _columns(session: Session) -> Sequence[Column]:
    from taskctl.listing import choose
    from taskctl.render.events import LINES, MORE, TABLE

    usual = TABLE if session.terminal.form == "table" else LINES
    return choose(usual, [column for column in (*TABLE, *MORE) if column not in usual], session.terminal)


def _follow(session: Session, wanted: Wanted, how: How, columns: Sequence[Column], alias: str) -> int:
    from django_task_worker import queries
    from taskctl import selectors
    from taskctl.listening.follower import Follower
    from taskctl.listening.past import Past
    from taskctl.listing import Listing
    from taskctl.render.events import as_object
    from taskctl.times import now

    past = Past(alias, wanted)
    zone = selectors.zone(session)
    if how.since is not None:
        at = selectors.placed(how.since, queries.database_now(alias), zone, session, "--since")
        assert at is not None
        past.begin(at)
    listing = Listing(columns, session.terminal, key="id", more_to_come=True)
    follower = Follower(past, _teller(session, require_redis=how.require_redis))
    shown = 0
    for batch in _until(follower, how.timeout_s):
        rows = [happening for happening in batch if wanted.takes(happening)]
        rows = rows if how.count is None else rows[: how.count - shown]
        moment = now().astimezone(zone)
        shown += listing.show((as_object(happening, moment) for happening in rows), moment) if rows else 0
        if how.count is not None and shown >= how.count:
            return exits.OK
    return exits.TIMED_OUT if how.count is not None or not shown else exits.OK


def _until(follower: Follower, timeout_s: float | None) -> Iterator[list[Happening]]:
    """What happens until the time is over, and what was there already in any case."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    for batch in follower.batches(deadline):
        yield batch
        if not batch and deadline is not None and time.monotonic() >= deadline:
            return


def _teller(session: Session, *, require_redis: bool) -> Callable[[Health], None]:
    """Says how it stands with the servers whenever that changes."""
    from taskctl.database import redis_in_short
    from taskctl.listening.messages import DATABASE, DOWN, OFF

    was: dict[str, str] = {}

    def tell(health: Health) -> None:
        before, was[health.server] = was.get(health.server), health.state
        if health.server == DATABASE:
            words = "does not answer; trying again" if health.state == DOWN else "answers again"
            session.terminal.note(f"the database {words}")
        elif health.state in (DOWN, OFF) and require_redis:
            raise redis_required(redis_in_short(health.reason) or "REDIS_URL is not set")
        elif health.state == DOWN:
            session.terminal.problem(redis_down(redis_in_short(health.reason)))
        elif before == DOWN:
            session.terminal.note("Redis answers again: following it")

    return tell
