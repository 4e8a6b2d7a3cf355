from __future__ import annotations

from django.db import migrations, models

import django_task_worker.indexes
from django_task_worker.operations import AddIndexOnline, RemovePatternIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("django_task_worker", "0004_repair")]

    operations = [
        AddIndexOnline(
            model_name="databasetask",
            index=django_task_worker.indexes.PartialIndex(
                fallback=["status", "queue", "priority", "due_at"],
                fields=["queue", "priority", "due_at"],
                name="dtw_task_pending",
                where=models.Q(("status", "PENDING")),
            ),
        ),
        AddIndexOnline(
            model_name="databasetask",
            index=django_task_worker.indexes.PartialIndex(
                fallback=["next_attempt_at", "queue"],
                fields=["queue", "next_attempt_at"],
                name="dtw_task_retrying",
                where=models.Q(("next_attempt_at__isnull", False), ("status", "FAILED")),
            ),
        ),
        AddIndexOnline(
            model_name="databasetask",
            index=django_task_worker.indexes.PartialIndex(
                fallback=["status", "lease_expires_at"],
                fields=["lease_expires_at"],
                name="dtw_task_running",
                where=models.Q(("status", "PROGRESS")),
            ),
        ),
        AddIndexOnline(
            model_name="databasetask",
            index=django_task_worker.indexes.PartialUnique(
                fallback=["unique_active"],
                fields=["unique_active"],
                name="dtw_task_unique",
                where=models.Q(("unique_active__isnull", False)),
            ),
        ),
        AddIndexOnline(
            model_name="databasetask",
            index=models.Index(fields=["-created_at"], name="dtw_task_newest"),
        ),
        AddIndexOnline(
            model_name="databasetask",
            index=django_task_worker.indexes.PartialIndex(
                fallback=["finished_at"],
                fields=["finished_at"],
                name="dtw_task_ended",
                where=models.Q(("finished_at__isnull", False)),
            ),
        ),
        RemovePatternIndex(model_name="databasetask", field_name="id"),
    ]
