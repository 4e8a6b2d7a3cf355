"""The workers that have not signed off, with how many running rows are theirs.

A row says the name of its worker alone: of several with the same name, as after a restart with `--name`,
the newest has it in hand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django_task_worker.models import Worker
from django_task_worker.snapshot.counts import Held
from django_task_worker.snapshot.rows import WorkerRow


def read_workers(held: Iterable[Held], using: str, *, limit: int | None = None) -> tuple[WorkerRow, ...]:
    """By name; of the same name the newest first. Raises the errors of the database."""
    numbers: Counter[str] = Counter()
    for row in held:
        numbers[row.worker] += row.number
    known = Worker.objects.using(using).exclude(state=Worker.State.STOPPED).order_by("name", "-started_at")
    return tuple(_row(worker, numbers.pop(worker.name, 0)) for worker in known[:limit])


def _row(worker: Worker, held: int) -> WorkerRow:
    return WorkerRow(
        worker.id,
        worker.name,
        worker.host,
        worker.pid,
        worker.version,
        tuple(worker.queues),
        tuple(worker.exclude_queues),
        worker.slots,
        worker.busy,
        worker.completed,
        worker.failed,
        worker.state,
        worker.started_at.timestamp(),
        worker.seen_at.timestamp(),
        worker.drain_requested_at is not None,
        held,
    )
