from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import django_task_worker.expressions
import django_task_worker.ids
import django_task_worker.models
from django_task_worker.operations import AddFieldUnchecked


class Migration(migrations.Migration):
    dependencies = [("django_task_worker", "0002_databasetask_next_attempt_at")]

    operations = [
        migrations.CreateModel(
            name="Queue",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False)),
                ("paused_at", models.DateTimeField(blank=True, null=True)),
                ("paused_by", models.CharField(blank=True, max_length=255, null=True)),
                ("pause_reason", models.CharField(blank=True, max_length=255, null=True)),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="TaskAttempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("worker", models.CharField(blank=True, max_length=255, null=True)),
                ("outcome", models.CharField(max_length=20)),
                ("error_type", models.CharField(blank=True, max_length=255, null=True)),
                ("error", models.TextField(blank=True, null=True)),
                ("traceback", models.TextField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                (
                    "finished_at",
                    models.DateTimeField(db_default=django_task_worker.expressions.DatabaseNow()),
                ),
                ("duration", models.FloatField(blank=True, null=True)),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=django_task_worker.ids.new_id,
                        editable=False,
                        max_length=22,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("host", models.CharField(max_length=255)),
                ("pid", models.PositiveIntegerField()),
                ("version", models.CharField(max_length=40)),
                ("queues", models.JSONField(default=list)),
                ("exclude_queues", models.JSONField(default=list)),
                ("slots", models.PositiveIntegerField()),
                ("busy", models.PositiveIntegerField(db_default=0, default=0)),
                ("completed", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("failed", models.PositiveBigIntegerField(db_default=0, default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[("up", "Up"), ("draining", "Draining"), ("stopped", "Stopped")],
                        default="up",
                        max_length=20,
                    ),
                ),
                ("started_at", models.DateTimeField(db_default=django_task_worker.expressions.DatabaseNow())),
                (
                    "seen_at",
                    models.DateTimeField(
                        db_default=django_task_worker.expressions.DatabaseNow(), db_index=True
                    ),
                ),
                ("drain_requested_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AlterModelOptions(
            name="databasetask",
            options={"verbose_name": "task"},
        ),
        migrations.AddField(
            model_name="databasetask",
            name="cancel_requested_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        AddFieldUnchecked(
            model_name="databasetask",
            name="deferrals",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="due_at",
            field=models.DateTimeField(db_default=django_task_worker.expressions.DatabaseNow()),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="error_type",
            field=models.CharField(blank=True, max_length=255, null=True),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="lease",
            field=models.CharField(blank=True, max_length=22, null=True),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="lease_expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        AddFieldUnchecked(
            model_name="databasetask",
            name="max_retries",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="metadata",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="priority",
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="queue",
            field=models.CharField(db_default="default", default="default", max_length=100),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="result_json",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="traceback",
            field=models.TextField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="unique_active",
            field=models.CharField(blank=True, editable=False, max_length=64, null=True),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="unique_key",
            field=models.CharField(blank=True, max_length=255, null=True),
        ),
        migrations.AddField(
            model_name="databasetask",
            name="worker",
            field=models.CharField(blank=True, max_length=255, null=True),
        ),
        migrations.AlterField(
            model_name="databasetask",
            name="status",
            field=models.CharField(
                choices=[
                    ("PENDING", "Pending"),
                    ("PROGRESS", "Progress"),
                    ("COMPLETED", "Completed"),
                    ("FAILED", "Failed"),
                    ("CANCELLED", "Cancelled"),
                ],
                default="PENDING",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="taskattempt",
            name="task",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempts",
                to="django_task_worker.databasetask",
            ),
        ),
    ]
