"""Whose turn it is: a chore that one worker must do for all. Whoever's UPDATE matches has it for a while."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Q

from django_task_worker.expressions import DatabaseNow, ago, later
from django_task_worker.records import Turn


def take(name: str, holder: str, for_s: float, using: str) -> bool:
    """Have the turn for so many seconds, unless somebody else has it. Whoever has it may take it again."""
    turn = Turn.objects.using(using).filter(pk=name)
    is_free = Q(holder=holder) | Q(until__lt=DatabaseNow())
    if turn.filter(is_free).update(holder=holder, until=later(for_s)):
        return True
    if turn.exists():
        return False
    try:
        with transaction.atomic(using=using):
            Turn.objects.using(using).create(name=name, holder=holder, until=later(for_s))
    except IntegrityError:
        return False
    return True


def release(name: str, holder: str, using: str) -> None:
    """Let the next one have it at once."""
    Turn.objects.using(using).filter(pk=name, holder=holder).update(until=ago(1.0))
