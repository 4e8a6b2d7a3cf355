"""Put right what version 0.0.7 leaves on rows where it means nothing, a batch at a time."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import F, Q, Value
from django.db.models.functions import Concat

BATCH = 2000
STATUSES = ["PENDING", "PROGRESS", "COMPLETED", "FAILED", "CANCELLED"]


def repair(apps: Any, schema_editor: Any) -> None:
    """Once through the table by its key: what is stored meanwhile by old code needs no repair."""
    tasks = apps.get_model("django_task_worker", "DatabaseTask").objects.using(schema_editor.connection.alias)
    last = ""
    while ids := list(tasks.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        _repair(tasks.filter(pk__gt=last, pk__lte=ids[-1]))
        last = ids[-1]


def _repair(tasks: Any) -> None:
    failed = tasks.filter(status="FAILED")
    owed = Q(next_attempt_at__gt=F("finished_at")) | Q(finished_at__isnull=True)
    tasks.exclude(status__in=STATUSES).update(
        error=Concat(Value("version 0.0.7 left the unknown status "), F("status")), status="FAILED"
    )
    failed.filter(next_attempt_at__isnull=False).exclude(owed).update(next_attempt_at=None)
    tasks.exclude(status="FAILED").filter(next_attempt_at__isnull=False).update(next_attempt_at=None)
    failed.filter(next_attempt_at__isnull=False, finished_at__isnull=False).update(
        finished_at=None, duration=None, due_at=F("next_attempt_at")
    )
    unfinished = tasks.filter(status__in=["PENDING", "PROGRESS"])
    unfinished.filter(Q(finished_at__isnull=False) | Q(duration__isnull=False)).update(
        finished_at=None, duration=None
    )
    tasks.filter(status="PENDING").exclude(due_at=F("created_at")).update(due_at=F("created_at"))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("django_task_worker", "0003_leases_queues_attempts")]

    operations = [migrations.RunPython(repair, migrations.RunPython.noop)]
