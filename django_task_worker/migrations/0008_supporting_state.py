from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import django_task_worker.expressions


class Migration(migrations.Migration):
    dependencies = [
        ("django_task_worker", "0007_validate"),
    ]

    operations = [
        migrations.CreateModel(
            name="Operation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(db_default=django_task_worker.expressions.DatabaseNow())),
                ("who", models.CharField(max_length=255)),
                ("via", models.CharField(max_length=20)),
                ("action", models.CharField(max_length=40)),
                ("reason", models.CharField(blank=True, default="", max_length=255)),
                ("selector", models.TextField(blank=True, default="")),
                ("matched", models.PositiveBigIntegerField(default=0)),
                ("changed", models.PositiveBigIntegerField(default=0)),
                ("skipped", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Turn",
            fields=[
                ("name", models.CharField(max_length=50, primary_key=True, serialize=False)),
                ("holder", models.CharField(max_length=22)),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Wish",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("task_id", models.CharField(db_index=True, max_length=22)),
                ("kind", models.CharField(choices=[("stack", "Stack"), ("log", "Log")], max_length=10)),
                ("asked_at", models.DateTimeField(db_default=django_task_worker.expressions.DatabaseNow())),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("answer", models.TextField(blank=True, null=True)),
            ],
            options={
                "verbose_name_plural": "wishes",
            },
        ),
        migrations.AddField(
            model_name="databasetask",
            name="progress",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="MinuteStats",
            fields=[
                ("id", models.CharField(editable=False, max_length=32, primary_key=True, serialize=False)),
                ("starts_at", models.DateTimeField()),
                ("span_s", models.PositiveIntegerField(default=60)),
                ("queue", models.CharField(max_length=100)),
                ("name", models.CharField(max_length=255)),
                ("worker", models.CharField(max_length=255)),
                ("completed", models.PositiveIntegerField(default=0)),
                ("failed", models.PositiveIntegerField(default=0)),
                ("retried", models.PositiveIntegerField(default=0)),
                ("cancelled", models.PositiveIntegerField(default=0)),
                ("wait_counts", models.JSONField(default=dict)),
                ("wait_sum_s", models.FloatField(default=0.0)),
                ("wait_max_s", models.FloatField(default=0.0)),
                ("run_counts", models.JSONField(default=dict)),
                ("run_sum_s", models.FloatField(default=0.0)),
                ("run_max_s", models.FloatField(default=0.0)),
            ],
            options={
                "verbose_name": "statistics",
                "verbose_name_plural": "statistics",
                "indexes": [models.Index(fields=["span_s", "starts_at"], name="dtw_stats_time")],
            },
        ),
        migrations.CreateModel(
            name="OperationTarget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("task_id", models.CharField(db_index=True, max_length=22)),
                (
                    "operation",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="targets",
                        to="django_task_worker.operation",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TaskLog",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lease", models.CharField(max_length=22)),
                ("number", models.PositiveIntegerField()),
                ("worker", models.CharField(blank=True, max_length=255, null=True)),
                ("text", models.TextField(default="")),
                ("size", models.PositiveBigIntegerField(default=0)),
                ("is_final", models.BooleanField(default=False)),
                (
                    "updated_at",
                    models.DateTimeField(
                        db_default=django_task_worker.expressions.DatabaseNow(), db_index=True
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="logs",
                        to="django_task_worker.databasetask",
                    ),
                ),
            ],
            options={
                "verbose_name": "task log",
                "ordering": ["id"],
                "constraints": [models.UniqueConstraint(fields=("task", "lease"), name="dtw_log_attempt")],
            },
        ),
    ]
