"""Judges a run of tasks by evidence that is not the product's own: what they wrote and what the rows did.

The journal says who ran what (`recorded`), the audit how the rows changed (`audit`). Together with the rows
as they are in the end they must agree with what is promised; every disagreement is a sentence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from django_task_worker.client import create_tasks
from django_task_worker.models import DatabaseTask
from tests.chaos import audit
from tests.chaos.audit import Entry
from tests.waiting import wait_until

ENDS = ("COMPLETED", "FAILED", "CANCELLED")
ARROWS = {
    (None, "PENDING"),
    ("PENDING", "PROGRESS"),
    ("RETRYING", "PROGRESS"),
    ("PROGRESS", "PENDING"),
    ("PROGRESS", "RETRYING"),
    *(("PROGRESS", end) for end in ENDS),
    ("PENDING", "CANCELLED"),
    ("RETRYING", "CANCELLED"),
}
STOPPED = ("T", "t")


@dataclass(frozen=True, kw_only=True)
class Note:
    """One line of the journal. `at` counts from the start of the machine, for all processes alike."""

    word: str
    key: str
    pid: int
    at: float
    about: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a task's row says in the end."""

    id: str
    key: str | None
    """Its name in the journal; None if it leaves no record there."""
    state: str
    retry_count: int
    max_retries: int
    has_lease: bool
    error_type: str | None


@dataclass
class Verdict:
    """What is wrong, and some figures."""

    wrong: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    claims: int = 0
    reruns: int = 0
    """Runs beyond the first of each task."""

    def __bool__(self) -> bool:
        return not self.wrong


class Oracle:
    """Stores recorded tasks in one database and judges them."""

    def __init__(self, alias: str, folder: Path) -> None:
        self.alias = alias
        self.folder = folder
        self._numbers = count()
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        (folder / "journal").touch()
        (folder / "journal").chmod(0o666)
        audit.install(alias)

    def store(
        self, number: int = 1, seconds: float = 0.0, fate: str = "end", **options: Any
    ) -> list[DatabaseTask]:
        """That many new tasks."""
        keys = [f"k{next(self._numbers)}" for _ in range(number)]
        arguments = [[str(self.folder), key, seconds, fate] for key in keys]
        return create_tasks(
            [{"name": "recorded.run", "args": args, "check": False, **options} for args in arguments]
        )

    def call(self, function: str, *arguments: Any, **options: Any) -> DatabaseTask:
        """A new task that calls another of the recorded functions."""
        args = [str(self.folder), f"k{next(self._numbers)}", *arguments]
        return create_tasks([{"name": f"recorded.{function}", "args": args, "check": False, **options}])[0]

    def notes(self) -> list[Note]:
        return [_note(line) for line in (self.folder / "journal").read_text().splitlines()]

    def words(self, word: str) -> Counter[str]:
        """How often each key has this word in the journal."""
        return Counter(note.key for note in self.notes() if note.word == word)

    def busy_processes(self) -> set[int]:
        """The processes whose last line is a start."""
        last = {note.pid: note.word for note in self.notes()}
        return {pid for pid, word in last.items() if word == "start"}

    def statuses(self) -> Counter[str]:
        return Counter(DatabaseTask.objects.using(self.alias).values_list("status", flat=True))

    def settled(self, timeout: float = 30.0) -> None:
        """Waits until nothing of it can happen any more."""
        tasks = DatabaseTask.objects.using(self.alias)
        final = tasks.final().values("pk")
        wait_until(lambda: not tasks.exclude(pk__in=final).exists(), timeout, what=self.statuses)

    def judge(self) -> Verdict:
        """The verdict so far; of tasks that have settled."""
        return judge(_rows(self.alias), audit.entries(self.alias), self.notes())

    def assert_holds(self, timeout: float = 30.0) -> Verdict:
        """Everything has settled, and nothing is wrong with how."""
        self.settled(timeout)
        verdict = self.judge()
        assert verdict, "\n".join(verdict.wrong[:20])
        return verdict


def judge(rows: Sequence[Row], entries: Sequence[Entry], notes: Sequence[Note]) -> Verdict:
    """Compare the three. Pure."""
    history: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        history[entry.task_id].append(entry)
    starts = Counter(note.key for note in notes if note.word == "start")
    ended = Counter(note.key for note in notes if note.word == "end")
    verdict = Verdict(
        ends=Counter(row.state for row in rows),
        runs=starts.total(),
        claims=sum(entry.became == "PROGRESS" for entry in entries),
        reruns=sum(number - 1 for number in starts.values()),
    )
    verdict.wrong += _wrong_notes(notes)
    verdict.wrong += _wrong_rows_missing(rows, history, starts)
    for row in rows:
        changes = history[row.id]
        problems = [*_wrong_arrows(changes), *_wrong_end(row, changes)]
        problems += _wrong_attempts(row, changes)
        if row.key is not None:
            problems += _wrong_runs(row, changes, starts[row.key], ended[row.key])
        verdict.wrong += [f"task {row.id} {row.key}: {problem}" for problem in problems]
    return verdict


def _wrong_notes(notes: Iterable[Note]) -> Iterable[str]:
    for note in notes:
        if note.word == "overlap" and note.about.rpartition(":")[2] not in STOPPED:
            yield f"{note.key} ran in process {note.pid} beside {note.about}"


def _wrong_rows_missing(
    rows: Sequence[Row], history: dict[str, list[Entry]], starts: Counter[str]
) -> Iterable[str]:
    gone = history.keys() - {row.id for row in rows}
    purged = {task_id for task_id in gone if history[task_id][-1].was in ENDS}
    yield from (f"task {task_id} is lost: {history[task_id][-1].was}" for task_id in gone - purged)
    keys = starts.keys() - {row.key for row in rows}
    if len(keys) > len(purged):
        yield f"ran and have no row: {sorted(keys)}"


def _wrong_arrows(changes: Sequence[Entry]) -> Iterable[str]:
    for change in changes:
        if change.was in ENDS:
            yield f"was final and changed: {change.was} → {change.became}"
        elif (change.was, change.became) not in ARROWS:
            yield f"no such transition: {change.was} → {change.became}, lease {change.was_lease}"
    leases = [change.became_lease for change in changes if change.became == "PROGRESS"]
    if len(set(leases)) < len(leases) or None in leases:
        yield f"was claimed under the same lease twice, or under none: {leases}"


def _wrong_end(row: Row, changes: Sequence[Entry]) -> Iterable[str]:
    if not changes or changes[-1].became != row.state:
        yield f"is {row.state}, but the audit ends with {changes[-1].became if changes else 'nothing'}"
    if row.state not in ENDS:
        yield f"has not ended: {row.state}"
    if row.has_lease:
        yield "has ended and holds a lease"
    outcomes = [change.became for change in changes if change.became in ENDS]
    if len(outcomes) > 1:
        yield f"has {len(outcomes)} outcomes: {outcomes}"


def _wrong_attempts(row: Row, changes: Sequence[Entry]) -> Iterable[str]:
    spent = sum(change.was == "PROGRESS" and change.became != "PENDING" for change in changes)
    if spent > 1 + row.max_retries or row.retry_count > row.max_retries:
        yield f"spent {spent} attempts and {row.retry_count} retries, may have {row.max_retries} retries"


def _wrong_runs(row: Row, changes: Sequence[Entry], starts: int, ended: int) -> Iterable[str]:
    claims = sum(change.became == "PROGRESS" for change in changes)
    if starts > claims:
        yield f"ran {starts} times with {claims} claims"
    if row.max_retries == 0 and starts > 1:
        yield f"may not run again and ran {starts} times"
    if row.state == "COMPLETED" and not ended:
        yield "is COMPLETED and never came to its end"


def _rows(alias: str) -> list[Row]:
    tasks = DatabaseTask.objects.using(alias).all()
    return [
        Row(
            id=task.id,
            key=str(task.args[1]) if task.args and task.name.startswith("recorded.") else None,
            state="RETRYING" if task.status == "FAILED" and not task.is_final else task.status,
            retry_count=task.retry_count,
            max_retries=task.max_retries or 0,
            has_lease=task.lease is not None,
            error_type=task.error_type,
        )
        for task in tasks
    ]


def _note(line: str) -> Note:
    word, key, pid, at, about = line.split(" ")
    return Note(word=word, key=key, pid=int(pid), at=float(at), about=about)
