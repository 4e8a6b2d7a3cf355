"""What a command did, told in the form the user asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from taskctl.errors import nearest, usage

if TYPE_CHECKING:
    from taskctl.render.table import Look
    from taskctl.session import Session
    from taskctl.terminal import Terminal

MOST_TOUCHED = 1000


@dataclass
class Action:
    """A change: prints ids or objects as they come, and the summary at the end.

    As a context manager it writes into the log of operations what has changed by its end, however it ends;
    `selector` says there what was meant, and `reason` why.
    """

    session: Session
    name: str
    dry_run: bool = False
    matched: int = 0
    changed: int = 0
    selector: str = ""
    reason: str = ""
    began: float = field(default_factory=time.monotonic)
    touched: list[str] = field(default_factory=list)
    """The first of the tasks that have changed."""

    def __enter__(self) -> Action:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.changed or self.dry_run:
            return
        from django_task_worker import operation_log

        operation_log.record(
            self.name,
            ids=self.touched,
            matched=max(self.matched, self.changed),
            changed=self.changed,
            skipped=self.skipped,
            selector=self.selector,
            reason=self.reason,
            using=self.session.alias,
        )

    @property
    def skipped(self) -> int:
        return max(self.matched - self.changed, 0)

    def done(self, ids: Sequence[str]) -> None:
        """These tasks have changed (or would have)."""
        self.tell(ids, lambda: objects(ids, self.session))

    def gone(self, ids: Sequence[str]) -> None:
        """These tasks have been deleted: there is nothing left to show but the ids."""
        self.tell(ids, lambda: [{"v": 1, "type": "purged", "id": task_id} for task_id in ids])

    def tell(self, keys: Sequence[str], rows: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        """These have changed; `rows` gives their objects where those are wanted."""
        self.changed += len(keys)
        self.touched += keys[: MOST_TOUCHED - len(self.touched)]
        terminal = self.session.terminal
        if terminal.is_json:
            for row in rows():
                terminal.record(row)
        elif terminal.form != "table":
            for key in keys:
                terminal.row([key])
        terminal.flush()

    def finish(self, sentence: str) -> None:
        """The summary: an object with --json, else the sentence on stderr."""
        terminal = self.session.terminal
        if sentence:
            terminal.note(sentence)
        if terminal.is_json:
            terminal.record(
                {
                    "v": 1,
                    "type": "summary",
                    "action": self.name,
                    "matched": self.matched,
                    "changed": self.changed,
                    "skipped": self.skipped,
                    "dry_run": self.dry_run,
                    "took_s": round(time.monotonic() - self.began, 3),
                }
            )


def objects(ids: Sequence[str], session: Session) -> list[dict[str, Any]]:
    """The task objects as they are now, in the order of the ids."""
    from django_task_worker import queries
    from taskctl.render.tasks import as_object

    assert session.alias is not None
    now = queries.database_now(session.alias)
    found = queries.light(ids, session.alias)
    return [chosen(as_object(found[pk], now), session.terminal) for pk in ids if pk in found]


def chosen(row: dict[str, Any], terminal: Terminal) -> dict[str, Any]:
    """The object with the keys of --fields only, in that order. Raises CommandError for unknown names."""
    if terminal.fields is None:
        return row
    for name in terminal.fields:
        if name not in row:
            raise unknown_field(name, [key for key in row if key not in ("v", "type")])
    return {name: row[name] for name in terminal.fields}


def unknown_field(name: str, known: Sequence[str]) -> Exception:
    close = nearest(name, known, 1)
    hint = f"Did you mean {close[0]}? " if close else ""
    return usage(f"--fields: no field named '{name}'. {hint}".rstrip(), facts=[f"known: {', '.join(known)}"])


def look(terminal: Terminal) -> Look:
    """How tables and blocks are drawn here."""
    from taskctl.render.table import Look

    return Look(
        width=terminal.width,
        colour=terminal.out_colour,
        ascii_only=terminal.ascii_only,
        header=terminal.header is not False,
    )


def count(number: int, noun: str = "task") -> str:
    """`1 task`, `1,204 tasks`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def pairs(row: Mapping[str, Any], terminal: Terminal) -> None:
    """`key<TAB>value` lines; what is not text, number or time is JSON."""
    from taskctl.terminal import to_json
    from taskctl.times import iso

    for key, value in row.items():
        if isinstance(value, datetime):
            value = iso(value)
        elif isinstance(value, bool | dict | list):
            value = to_json(value)
        terminal.row([key, value])
