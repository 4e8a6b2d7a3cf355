"""What somebody wants to see of a running task. Its worker looks when it is told, and at each heartbeat."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from django_task_worker.events import Event, EventName, announce
from django_task_worker.expressions import DatabaseNow, ago
from django_task_worker.records import Wish

STACK: Final = Wish.Kind.STACK
LOG: Final = Wish.Kind.LOG
LASTS_S = 30.0
"""How long a wish counts; whoever goes on wishing says so again."""
FORGET_S = 3600.0


def ask(task_id: str, kind: Wish.Kind, using: str) -> int:
    """Leave a wish; its number."""
    wish = Wish.objects.using(using).create(task_id=task_id, kind=kind)
    announce([Event(event=EventName.TASK_WATCHED, wakes=True, told=False)], using)
    return int(wish.pk)


class Standing:
    """A wish that lasts as long as somebody renews it."""

    def __init__(self, task_id: str, kind: Wish.Kind, using: str) -> None:
        self._task_id = task_id
        self._kind = kind
        self._using = using
        self._asked_at = -LASTS_S

    def renew(self) -> None:
        """Say so again if it is time to. Cheap to call often."""
        now = time.monotonic()
        if now - self._asked_at > LASTS_S / 3:
            self._asked_at = now
            ask(self._task_id, self._kind, self._using)


def open_wishes(task_ids: Sequence[str], using: str) -> list[Wish]:
    """What is wanted of these tasks and not answered yet."""
    wishes = Wish.objects.using(using).filter(task_id__in=task_ids, answered_at__isnull=True)
    return list(wishes.filter(asked_at__gt=ago(LASTS_S)).order_by("id"))


def answer(wish_id: int, text: str, using: str) -> None:
    """Fulfil a wish."""
    wish = Wish.objects.using(using).filter(pk=wish_id)
    wish.update(answer=text, answered_at=DatabaseNow())
    task_id = wish.values_list("task_id", flat=True).first()
    announce([Event(event=EventName.TASK_MORE, task_id=task_id, told=False)], using)


def answer_to(wish_id: int, using: str) -> str | None:
    """The answer, once there is one."""
    answers = Wish.objects.using(using).filter(pk=wish_id, answered_at__isnull=False)
    found: str | None = answers.values_list("answer", flat=True).first()
    return found


def forget_old(using: str) -> None:
    """Delete what nobody waits for any more."""
    Wish.objects.using(using).filter(asked_at__lt=ago(FORGET_S))._raw_delete(using)
