from __future__ import annotations

from django.db import migrations, models

from django_task_worker.operations import AddConstraintUnchecked


class Migration(migrations.Migration):
    dependencies = [("django_task_worker", "0005_indexes")]

    operations = [
        AddConstraintUnchecked(
            model_name="databasetask",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["PENDING", "PROGRESS", "COMPLETED", "FAILED", "CANCELLED"])
                ),
                name="dtw_task_status",
            ),
        ),
        AddConstraintUnchecked(
            model_name="databasetask",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status", "PROGRESS"),
                    models.Q(("lease__isnull", True), ("lease_expires_at__isnull", True)),
                    _connector="OR",
                ),
                name="dtw_task_lease",
            ),
        ),
        AddConstraintUnchecked(
            model_name="databasetask",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("finished_at__isnull", True),
                    ("status__in", ["COMPLETED", "FAILED", "CANCELLED"]),
                    _connector="OR",
                ),
                name="dtw_task_finished",
            ),
        ),
        AddConstraintUnchecked(
            model_name="databasetask",
            constraint=models.CheckConstraint(
                condition=models.Q(("priority__gte", -100), ("priority__lte", 100)), name="dtw_task_priority"
            ),
        ),
    ]
