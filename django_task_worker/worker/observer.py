"""What running tasks show while they run: their progress, their log so far, and their stack on request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from django_task_worker import lifecycle, wishes
from django_task_worker.conf import settings
from django_task_worker.events.subscription import Subscription
from django_task_worker.lifecycle import Claimed, Notes
from django_task_worker.states import Kind
from django_task_worker.worker.database import Database, Failed
from django_task_worker.worker.maintenance import Chore
from django_task_worker.worker.process import STACK_S, Process, Running

logger = logging.getLogger("django_task_worker.worker")

LOOK_S = 1.0
LOOK_UNASKED_S = 10.0
"""How soon a wish is noticed that no event told of."""
LONG_S = 2.0
STORE_LOG_S = 5.0
"""How often the log of a long task is stored when nobody follows it: it may be lost with its worker."""
NEVER_S = 1e9


@dataclass(slots=True)
class Seen:
    """What has been stored of a running task."""

    task: Claimed
    progress_count: int = 0
    size: int = 0
    store_at: float = 0.0


class Observer:
    """Looks at the children's slates, and at the wishes of those who want to see more."""

    def __init__(
        self,
        worker: str,
        database: Database,
        subscription: Subscription,
        processes: Callable[[], Iterable[Process]],
    ) -> None:
        self._worker = worker
        self._database = database
        self._subscription = subscription
        self._processes = processes
        self._seen: dict[str, Seen] = {}
        self._followed: dict[str, float] = {}
        self._obsolete: list[tuple[Claimed, Notes]] = []
        self._asked: list[tuple[int, Process, Running]] = []
        self._look_at = 0.0
        self._looking = Chore(every_s=LOOK_S, action=self._look)
        self._answering = Chore(every_s=NEVER_S, action=self._answer)

    @property
    def chores(self) -> tuple[Chore, ...]:
        return self._looking, self._answering

    def keep(self, task: Claimed, kind: Kind, notes: Notes) -> Notes:
        """Of what an attempt has left, that which is to be stored with its outcome."""
        if kind is not Kind.COMPLETED or settings().keep_logs == "all" or task.id in self._followed:
            return notes
        seen = self._seen.get(task.id)
        if seen is not None and seen.size:
            self._obsolete.append((task, notes))
        return replace(notes, log=None)

    def finish(self) -> None:
        """The worker ends."""
        self._discard()

    def _look(self, now: float) -> None:
        self._discard()
        running = [(process, process.head) for process in self._processes()]
        heads = [
            (process, head) for process, head in running if head is not None and head.started is not None
        ]
        self._remember({head.task.id: head.task for _, head in heads}, now)
        if heads:
            self._look_for_wishes(heads, now)
            self._store_progress(heads)
            self._store_logs(heads, now)

    def _remember(self, tasks: dict[str, Claimed], now: float) -> None:
        seen = self._seen
        self._seen = {
            task_id: seen[task_id] if task_id in seen and seen[task_id].task is task else Seen(task)
            for task_id, task in tasks.items()
        }
        self._followed = {
            task_id: until for task_id, until in self._followed.items() if now < until and task_id in tasks
        }

    def _look_for_wishes(self, heads: list[tuple[Process, Running]], now: float) -> None:
        if not self._subscription.saw_wish and now < self._look_at:
            return
        self._subscription.saw_wish = False
        self._look_at = now + LOOK_UNASKED_S
        by_id = {head.task.id: (process, head) for process, head in heads}
        found = self._database.run(
            "look for wishes", lambda: wishes.open_wishes(list(by_id), self._database.using)
        )
        if isinstance(found, Failed):
            return
        for wish in found:
            if wish.kind == wishes.LOG:
                self._followed[wish.task_id] = now + wishes.LASTS_S
            else:
                self._ask_for_stack(wish.pk, *by_id[wish.task_id], now)

    def _ask_for_stack(self, wish_id: int, process: Process, head: Running, now: float) -> None:
        if not any(asked is process for _, asked, _ in self._asked):
            process.ask_for_stack()
        self._asked.append((wish_id, process, head))
        self._answering.due = now + STACK_S

    def _answer(self, now: float) -> None:
        asked, self._asked = self._asked, []
        for wish_id, process, head in asked:
            if process.head is not head:
                continue
            text = process.stack() or ""
            self._database.run(
                "answer a wish",
                lambda wish_id=wish_id, text=text: wishes.answer(wish_id, text, self._database.using),  # type: ignore[misc]
            )

    def _store_progress(self, heads: list[tuple[Process, Running]]) -> None:
        found = []
        for process, head in heads:
            seen = self._seen[head.task.id]
            count = process.slate.progress_count
            if count != seen.progress_count:
                seen.progress_count = count
                progress = process.slate.progress
                if progress is not None:
                    found.append((head.task, progress))
        if found:
            self._database.run("write progress", lambda: lifecycle.note_progress(found, self._database.using))

    def _store_logs(self, heads: list[tuple[Process, Running]], now: float) -> None:
        if settings().keep_logs == "none":
            return
        found = []
        for process, head in heads:
            seen, size = self._seen[head.task.id], process.slate.size
            is_long = head.started is not None and now - head.started >= LONG_S
            is_wanted = head.task.id in self._followed or (is_long and now >= seen.store_at)
            if size != seen.size and is_wanted:
                seen.size, seen.store_at = size, now + STORE_LOG_S
                found.append((head.task, Notes(log=process.slate.text, log_size=size)))
        if found:
            self._database.run(
                "write logs",
                lambda: lifecycle.store_logs(
                    found, worker=self._worker, is_final=False, using=self._database.using
                ),
            )

    def _discard(self) -> None:
        """Let go of logs of completed tasks, except where somebody has begun to follow meanwhile."""
        obsolete, self._obsolete = self._obsolete, []
        if obsolete:
            self._database.run("drop logs", lambda: self._discard_unwanted(obsolete))

    def _discard_unwanted(self, obsolete: list[tuple[Claimed, Notes]]) -> None:
        using = self._database.using
        wanted = {
            wish.task_id
            for wish in wishes.open_wishes([task.id for task, _ in obsolete], using)
            if wish.kind == wishes.LOG
        }
        kept = [(task, notes) for task, notes in obsolete if task.id in wanted]
        lifecycle.store_logs(kept, worker=self._worker, is_final=True, using=using)
        lifecycle.discard_logs([task for task, _ in obsolete if task.id not in wanted], using)
