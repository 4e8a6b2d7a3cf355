"""Put right what version 0.0.7 leaves on rows where it means nothing, a batch at a time."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import F, Q, Value
from django.db.models.functions import Concat

BATCH = 2000
STATUSES = ["PENDING", "PROGRESS", "COMPLETED", "FAILED", "CANCELLED"]


def repair(apps: Any, schema_editor: Any) -> None:
    tasks = apps.get_model("django_task_worker", "DatabaseTask").objects.using(schema_editor.connection.alias)
    failed = tasks.filter(status="FAILED")
    owed = Q(next_attempt_at__gt=F("finished_at")) | Q(finished_at__isnull=True)
    _update(
        tasks.exclude(status__in=STATUSES),
        error=Concat(Value("version 0.0.7 left the unknown status "), F("status")),
        status="FAILED",
    )
    _update(failed.filter(next_attempt_at__isnull=False).exclude(owed), next_attempt_at=None)
    _update(tasks.exclude(status="FAILED").filter(next_attempt_at__isnull=False), next_attempt_at=None)
    _update(
        failed.filter(next_attempt_at__isnull=False, finished_at__isnull=False),
        finished_at=None,
        duration=None,
        due_at=F("next_attempt_at"),
    )
    _update(
        tasks.filter(status__in=["PENDING", "PROGRESS"]).filter(
            Q(finished_at__isnull=False) | Q(duration__isnull=False)
        ),
        finished_at=None,
        duration=None,
    )
    _update(tasks.filter(status="PENDING").exclude(due_at=F("created_at")), due_at=F("created_at"))


def _update(rows: Any, **changes: Any) -> None:
    while ids := list(rows.order_by().values_list("pk", flat=True)[:BATCH]):
        rows.model.objects.using(rows.db).filter(pk__in=ids).update(**changes)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("django_task_worker", "0003_leases_queues_attempts")]

    operations = [migrations.RunPython(repair, migrations.RunPython.noop)]
