from __future__ import annotations

from django.db import migrations

from django_task_worker.operations import ValidateConstraint


class Migration(migrations.Migration):
    dependencies = [("django_task_worker", "0006_constraints")]

    operations = [
        ValidateConstraint("databasetask", "django_task_worker_databasetask_deferrals_check"),
        ValidateConstraint("databasetask", "django_task_worker_databasetask_max_retries_check"),
        ValidateConstraint("databasetask", "dtw_task_status"),
        ValidateConstraint("databasetask", "dtw_task_lease"),
        ValidateConstraint("databasetask", "dtw_task_finished"),
        ValidateConstraint("databasetask", "dtw_task_priority"),
    ]
