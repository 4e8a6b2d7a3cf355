"""The selectors of the commands: read before Django is set up, placed in time and looked up afterwards."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from taskctl import values
from taskctl.durations import exact
from taskctl.errors import bad_value, nearest, unknown_queue, usage
from taskctl.times import Moment

if TYPE_CHECKING:
    from django_task_worker.queries import Selection
    from taskctl.session import Session

STATUSES = (
    "pending",
    "running",
    "completed",
    "failed",
    "cancelled",
    "scheduled",
    "retrying",
    "cancelling",
    "stale",
)
_STORED = {"progress": "running", "canceled": "cancelled"}
ERROR_WINDOW_S = 86400.0
MOST_WORDS = 20


@dataclass(frozen=True, kw_only=True)
class Selector:
    """What the user selected, checked as far as that needs neither clock nor database."""

    ids: tuple[str, ...] | None = None
    """None: not chosen by id. Empty: ids were to come from stdin, and none came, so there are no tasks."""
    statuses: tuple[str, ...] = ()
    queue: str | None = None
    task: str | None = None
    worker: str | None = None
    error: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    older_than_s: float | None = None
    everything: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was selected, not even --all."""
        return self == Selector()

    @property
    def words(self) -> str:
        """As it may be typed, for the log of operations."""
        given = {
            "--status": ",".join(self.statuses) or None,
            "--queue": self.queue,
            "--task": self.task,
            "--worker": self.worker,
            "--error": self.error,
            "--since": None if self.since is None else self.since.text,
            "--until": None if self.until is None else self.until.text,
            "--older-than": None if self.older_than_s is None else exact(self.older_than_s),
        }
        return typed(given, *(self.ids or ())[:MOST_WORDS], *(["--all"] if self.everything else []))

    def require(self, command: str, example: str) -> None:
        """A bulk change needs a selector. Raises CommandError."""
        if self.is_empty:
            raise usage(f"{command}: say which: {example}, or --all", tries=[f"taskctl {command} --help"])


def typed(given: Mapping[str, str | None], *words: str) -> str:
    """A command line of flags and words, those that are None left out."""
    from shlex import quote

    flags = [f"{name} {quote(value)}" for name, value in given.items() if value is not None]
    return " ".join([*flags, *map(quote, words)])


def read(
    *,
    ids: Sequence[str] | None = None,
    status: str | None = None,
    queue: str | None = None,
    task: str | None = None,
    worker: str | None = None,
    error: str | None = None,
    since: str | None = None,
    until: str | None = None,
    older_than: str | None = None,
    everything: bool = False,
) -> Selector:
    """The selector behind the flags. `-` among the ids reads ids from stdin. Raises CommandError."""
    if older_than is not None and until is not None:
        raise usage("--older-than and --until say the same: use one")
    return Selector(
        ids=tuple(expand(ids)) if ids else None,
        statuses=statuses(status) if status is not None else (),
        queue=queue,
        task=task,
        worker=worker,
        error=error,
        since=values.moment("--since", since),
        until=values.moment("--until", until),
        older_than_s=values.duration_or_none("--older-than", older_than, bare=False),
        everything=everything,
    )


def expand(ids: Sequence[str]) -> list[str]:
    """The ids, `-` replaced by the first field of each line on stdin; each once."""
    found: dict[str, None] = {}
    for text in ids:
        if text == "-":
            found |= dict.fromkeys(words[0] for line in sys.stdin or () if (words := line.split()))
        else:
            found[text] = None
    return list(found)


def statuses(text: str) -> tuple[str, ...]:
    """The words of --status: derived ones and the stored names too, any case."""
    found = []
    for word in text.lower().split(","):
        name = _STORED.get(word.strip(), word.strip())
        if name not in STATUSES:
            close = nearest(name, STATUSES, 1)
            hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(STATUSES)}"
            raise bad_value("--status", text, f"no such status. {hint}")
        found.append(name)
    return tuple(found)


def place(selector: Selector, session: Session, alias: str) -> Selection:
    """The selection in the database: full ids, times in UTC, a queue that exists. Raises CommandError."""
    from django_task_worker import queries

    require_queue(selector.queue, alias)
    since, until = _bounds(selector, session, alias)
    ids = selector.ids
    return queries.Selection(
        ids=None if ids is None else tuple(dict.fromkeys(queries.find(text, alias) for text in ids)),
        statuses=selector.statuses,
        queues=() if selector.queue is None else (selector.queue,),
        workers=() if selector.worker is None else (selector.worker,),
        task=selector.task,
        error=selector.error,
        since=since,
        until=until,
    )


def require_queue(name: str | None, alias: str) -> None:
    """A queue to filter by must be known. Raises CommandError with the nearest."""
    from django_task_worker import queries

    if name is not None and not queries.has_queue(name, alias):
        from django_task_worker import overview

        raise unknown_queue(name, overview.queue_names(alias))


def _bounds(selector: Selector, session: Session, alias: str) -> tuple[datetime | None, datetime | None]:
    timed = (selector.since, selector.until, selector.older_than_s, selector.error)
    if all(value is None for value in timed):
        return None, None
    from django_task_worker import queries

    now = queries.database_now(alias)
    zone = project_zone()
    since = placed(selector.since, now, zone, session, "--since")
    if since is None and selector.error is not None:
        since = now - timedelta(seconds=ERROR_WINDOW_S)
    until = placed(selector.until, now, zone, session, "--until")
    if selector.older_than_s is not None:
        until = now - timedelta(seconds=selector.older_than_s)
    return since, until


def placed(
    moment: Moment | None, now: datetime, zone: tzinfo, session: Session, flag: str
) -> datetime | None:
    """The time in UTC; one written without an offset is echoed, because the zone decided it."""
    if moment is None:
        return None
    from taskctl.times import local

    at = moment.place(now, zone)
    if moment.needs_zone:
        session.terminal.note(f"{flag} {moment.text} is {local(at, zone)}")
    return at


def project_zone() -> tzinfo:
    """settings.TIME_ZONE."""
    from django.utils import timezone

    return timezone.get_default_timezone()


def zone(session: Session) -> tzinfo:
    """In which times are shown to people."""
    return UTC if session.terminal.utc else project_zone()
