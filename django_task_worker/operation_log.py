"""What operators did: who, when, why, and to how many. Written after a change, for `show` and the admin."""

from __future__ import annotations

import getpass
import logging
import os
import socket
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError, transaction

from django_task_worker.cleaning import clean
from django_task_worker.lifecycle.routing import alias
from django_task_worker.records import Operation, OperationTarget

logger = logging.getLogger("django_task_worker.operations")

MAX_TARGETS = 1000
MAX_SELECTOR = 2000


def record(
    action: str,
    *,
    ids: Sequence[str] = (),
    matched: int,
    changed: int,
    skipped: int = 0,
    selector: str = "",
    reason: str = "",
    who: str | None = None,
    via: str = "taskctl",
    using: str | None = None,
) -> None:
    """Remember what was done, and to which tasks: the first thousand of them.

    `selector` says in words which tasks were meant; `who` is this user of this machine unless told otherwise.
    What was done stands even if it cannot be remembered: then this is logged, and nothing is raised.
    """
    database = alias(using)
    operation = Operation(
        action=action[:40],
        who=clean(who or this_user(), 255),
        via=via[:20],
        reason=clean(reason, 255),
        selector=clean(selector, MAX_SELECTOR),
        matched=matched,
        changed=changed,
        skipped=skipped,
    )
    try:
        with transaction.atomic(using=database):
            operation.save(using=database)
            OperationTarget.objects.using(database).bulk_create(
                OperationTarget(operation=operation, task_id=task_id) for task_id in ids[:MAX_TARGETS]
            )
    except (DatabaseError, InterfaceError) as error:
        logger.warning("cannot record the operation %s by %s: %s", operation.action, operation.who, error)


def this_user() -> str:
    """Who runs this process, and where: `ana@web1`."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def recent(limit: int = 50, *, using: str | None = None) -> list[Operation]:
    """The latest operations, the newest first."""
    return list(Operation.objects.using(alias(using)).order_by("-id")[:limit])


def of_task(task_id: str, *, using: str | None = None) -> list[Operation]:
    """The operations that are known to have changed this task, the newest first."""
    operations = Operation.objects.using(alias(using))
    return list(operations.filter(targets__task_id=task_id).order_by("-id"))
