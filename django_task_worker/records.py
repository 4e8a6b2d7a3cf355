"""The tables beside the tasks: statistics, logs, wishes, operations, turns. What they hold may be deleted."""

from __future__ import annotations

from django.db import models
from django.db.models import Index, UniqueConstraint

from django_task_worker.expressions import DatabaseNow

MINUTE_S = 60
HOUR_S = 3600


class MinuteStats(models.Model):
    """What one worker did in one minute with the tasks of one name in one queue; or in one hour."""

    id = models.CharField(primary_key=True, max_length=32, editable=False)
    """A digest of what the row is about, so that its worker can overwrite it."""
    starts_at = models.DateTimeField()
    span_s = models.PositiveIntegerField(default=MINUTE_S)
    queue = models.CharField(max_length=100)
    name = models.CharField(max_length=255)
    worker = models.CharField(max_length=255)
    completed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    retried = models.PositiveIntegerField(default=0)
    cancelled = models.PositiveIntegerField(default=0)
    wait_counts = models.JSONField(default=dict)
    """Attempts by how long they had been due when they were claimed: bucket of `statistics` to count."""
    wait_sum_s = models.FloatField(default=0.0)
    wait_max_s = models.FloatField(default=0.0)
    run_counts = models.JSONField(default=dict)
    run_sum_s = models.FloatField(default=0.0)
    run_max_s = models.FloatField(default=0.0)

    class Meta:
        verbose_name = verbose_name_plural = "statistics"
        indexes = [Index(fields=["span_s", "starts_at"], name="dtw_stats_time")]

    def __str__(self) -> str:
        return f"{self.name} in {self.queue} at {self.starts_at:%Y-%m-%d %H:%M}"


class TaskLog(models.Model):
    """What one attempt of a task logged and printed: its beginning and its end when it was much."""

    task = models.ForeignKey(
        "DatabaseTask", on_delete=models.CASCADE, related_name="logs", db_constraint=False, db_index=False
    )
    lease = models.CharField(max_length=22)
    """Of the claim: it tells the attempts apart, also when a task was started over."""
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=255, blank=True, null=True)
    text = models.TextField(default="")
    size = models.PositiveBigIntegerField(default=0)
    """How many bytes the attempt has written; more than `text` holds when its middle is left out."""
    is_final = models.BooleanField(default=False)
    updated_at = models.DateTimeField(db_default=DatabaseNow(), db_index=True)

    class Meta:
        verbose_name = "task log"
        ordering = ["id"]
        constraints = [UniqueConstraint(fields=["task", "lease"], name="dtw_log_attempt")]

    def __str__(self) -> str:
        return f"Log of attempt {self.number} of {self.task_id}"


class Wish(models.Model):
    """What somebody wants to see of a running task. Its worker looks here, and answers."""

    class Kind(models.TextChoices):
        STACK = "stack"
        LOG = "log"

    task_id = models.CharField(max_length=22, db_index=True)
    kind = models.CharField(max_length=10, choices=Kind)
    asked_at = models.DateTimeField(db_default=DatabaseNow())
    answered_at = models.DateTimeField(blank=True, null=True)
    answer = models.TextField(blank=True, null=True)

    class Meta:
        verbose_name_plural = "wishes"

    def __str__(self) -> str:
        return f"Wish for the {self.kind} of {self.task_id}"


class Operation(models.Model):
    """What an operator did to many tasks, a queue or a worker: who, when, why, and to how many."""

    at = models.DateTimeField(db_default=DatabaseNow())
    who = models.CharField(max_length=255)
    via = models.CharField(max_length=20)
    action = models.CharField(max_length=40)
    reason = models.CharField(max_length=255, blank=True, default="")
    selector = models.TextField(blank=True, default="")
    matched = models.PositiveBigIntegerField(default=0)
    changed = models.PositiveBigIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} by {self.who}"


class OperationTarget(models.Model):
    """One task that an operation changed. Stays when the task is purged."""

    operation = models.ForeignKey(
        Operation, on_delete=models.CASCADE, related_name="targets", db_constraint=False
    )
    task_id = models.CharField(max_length=22, db_index=True)

    def __str__(self) -> str:
        return f"{self.operation_id} of {self.task_id}"


class Turn(models.Model):
    """Which worker does a chore that one of them must do."""

    name = models.CharField(primary_key=True, max_length=50)
    holder = models.CharField(max_length=22)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"
