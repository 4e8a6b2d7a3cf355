"""The tables: fields, constraints, indexes. What happens to the rows is in `lifecycle` and `registry`."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import CheckConstraint, Index, Q
from shortuuid.django_fields import ShortUUIDField

from django_task_worker import (
    globs,
    records,  # noqa: F401  the other tables of this app
)
from django_task_worker.expressions import DatabaseNow
from django_task_worker.ids import new_id
from django_task_worker.indexes import PartialIndex, PartialUnique
from django_task_worker.states import Status

DEFAULT_TIMEOUT_S = 300
RETRYING = Q(status=Status.FAILED.value, next_attempt_at__isnull=False)
FINAL = Q(status__in=[Status.COMPLETED.value, Status.CANCELLED.value]) | Q(
    status=Status.FAILED.value, next_attempt_at__isnull=True
)
WAITING = Q(status=Status.PENDING.value) | RETRYING
RUNNING = Q(status=Status.PROGRESS.value)


class TaskId(ShortUUIDField):
    """The short UUID field of the first migrations, with ids that cost a microsecond."""

    def _generate_uuid(self) -> str:
        return new_id()

    def deconstruct(self) -> tuple[str, str, Any, dict[str, Any]]:
        name, _, args, kwargs = super().deconstruct()
        return name, "shortuuid.django_fields.ShortUUIDField", args, kwargs


class TaskQuerySet(models.QuerySet["DatabaseTask"]):
    """Adjectives for tasks."""

    def due(self) -> TaskQuerySet:
        """Waiting, and its time has come by the database's clock."""
        return self.filter(WAITING, due_at__lte=DatabaseNow())

    def stale(self) -> TaskQuerySet:
        """Running under a lease that has expired by the database's clock."""
        return self.filter(RUNNING, lease_expires_at__lt=DatabaseNow())

    def named(self, pattern: str) -> TaskQuerySet:
        """Whose name matches a glob: `*` stands for anything, `?` for one character.

        By regular expression always: `=` takes no notice of case and accents on MySQL and MariaDB.
        """
        return self.filter(name__regex=globs.expression(pattern))

    def final(self) -> TaskQuerySet:
        """Completed, cancelled or failed for good."""
        return self.filter(FINAL)


class DatabaseTask(models.Model):
    """One task: what to call, what became of it, who runs it."""

    Status = Status
    STATUS_CHOICES = [(status.value, status.value.capitalize()) for status in Status]

    id = TaskId(primary_key=True, editable=False)
    name = models.CharField(max_length=255)
    args = models.JSONField(blank=True, null=True)
    kwargs = models.JSONField(blank=True, null=True)
    timeout = models.IntegerField(blank=True, null=True, default=DEFAULT_TIMEOUT_S)
    queue = models.CharField(max_length=100, default="default", db_default="default")
    priority = models.SmallIntegerField(default=0, db_default=0)
    max_retries = models.PositiveIntegerField(blank=True, null=True)
    unique_key = models.CharField(max_length=255, blank=True, null=True)
    metadata = models.JSONField(blank=True, null=True)

    status = models.CharField(max_length=20, choices=STATUS_CHOICES, default=Status.PENDING.value)
    due_at = models.DateTimeField(db_default=DatabaseNow())
    retry_count = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(blank=True, null=True, default=None)
    deferrals = models.PositiveSmallIntegerField(default=0, db_default=0)
    cancel_requested_at = models.DateTimeField(blank=True, null=True)
    unique_active = models.CharField(max_length=64, blank=True, null=True, editable=False)
    """The digest of `unique_key` until the task is final: one index that every database enforces."""

    worker = models.CharField(max_length=255, blank=True, null=True)
    lease = models.CharField(max_length=22, blank=True, null=True)
    lease_expires_at = models.DateTimeField(blank=True, null=True)

    result = models.TextField(blank=True, null=True)
    result_json = models.JSONField(blank=True, null=True)
    error = models.TextField(blank=True, null=True)
    error_type = models.CharField(max_length=255, blank=True, null=True)
    traceback = models.TextField(blank=True, null=True)
    progress = models.JSONField(blank=True, null=True)
    """How far the latest attempt has got, as it says itself: done, total, message."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    started_at = models.DateTimeField(blank=True, null=True, default=None)
    finished_at = models.DateTimeField(blank=True, null=True, default=None)
    duration = models.FloatField(blank=True, null=True, default=None)

    objects = TaskQuerySet.as_manager()

    already_existed: ClassVar[bool] = False
    """True on what `create_task` returns when an unfinished task with that `unique_key` was there."""

    class Meta:
        verbose_name = "task"
        constraints = [
            CheckConstraint(
                condition=Q(status__in=[status.value for status in Status]), name="dtw_task_status"
            ),
            CheckConstraint(
                condition=RUNNING | Q(lease__isnull=True, lease_expires_at__isnull=True),
                name="dtw_task_lease",
            ),
            CheckConstraint(
                condition=Q(finished_at__isnull=True)
                | Q(status__in=[Status.COMPLETED.value, Status.FAILED.value, Status.CANCELLED.value]),
                name="dtw_task_finished",
            ),
            CheckConstraint(condition=Q(priority__gte=-100, priority__lte=100), name="dtw_task_priority"),
        ]
        indexes = [
            PartialIndex(
                fields=["queue", "priority", "due_at"],
                where=Q(status=Status.PENDING.value),
                fallback=["status", "queue", "priority", "due_at"],
                name="dtw_task_pending",
            ),
            PartialIndex(
                fields=["queue", "next_attempt_at"],
                where=RETRYING,
                fallback=["next_attempt_at", "queue"],
                name="dtw_task_retrying",
            ),
            PartialIndex(
                fields=["lease_expires_at"],
                where=RUNNING,
                fallback=["status", "lease_expires_at"],
                name="dtw_task_running",
            ),
            PartialUnique(
                fields=["unique_active"], where=Q(unique_active__isnull=False), name="dtw_task_unique"
            ),
            Index(fields=["-created_at"], name="dtw_task_newest"),
            PartialIndex(fields=["finished_at"], where=Q(finished_at__isnull=False), name="dtw_task_ended"),
        ]

    def __str__(self) -> str:
        return f"Task {self.id}: {self.name} ({self.status})"

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to this task any more, unless an operator requeues it."""
        if self.status == Status.FAILED:
            return self.next_attempt_at is None
        return self.status in (Status.COMPLETED, Status.CANCELLED)


class TaskAttempt(models.Model):
    """One attempt that did not complete: it failed, was retried, lost, interrupted or cancelled."""

    task = models.ForeignKey(
        DatabaseTask, on_delete=models.CASCADE, related_name="attempts", db_constraint=False
    )
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=255, blank=True, null=True)
    outcome = models.CharField(max_length=20)
    error_type = models.CharField(max_length=255, blank=True, null=True)
    error = models.TextField(blank=True, null=True)
    traceback = models.TextField(blank=True, null=True)
    started_at = models.DateTimeField(blank=True, null=True)
    finished_at = models.DateTimeField(db_default=DatabaseNow())
    duration = models.FloatField(blank=True, null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Attempt {self.number} of {self.task_id}: {self.outcome}"


class Worker(models.Model):
    """One supervisor process that is, or was, running tasks."""

    class State(models.TextChoices):
        UP = "up"
        DRAINING = "draining"
        STOPPED = "stopped"

    id = models.CharField(primary_key=True, max_length=22, default=new_id, editable=False)
    name = models.CharField(max_length=255)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    version = models.CharField(max_length=40)
    queues = models.JSONField(default=list)
    """Names in order of preference; empty: all queues."""
    exclude_queues = models.JSONField(default=list)
    slots = models.PositiveIntegerField()
    busy = models.PositiveIntegerField(default=0, db_default=0)
    completed = models.PositiveBigIntegerField(default=0, db_default=0)
    failed = models.PositiveBigIntegerField(default=0, db_default=0)
    state = models.CharField(max_length=20, choices=State, default=State.UP)
    started_at = models.DateTimeField(db_default=DatabaseNow())
    seen_at = models.DateTimeField(db_default=DatabaseNow(), db_index=True)
    drain_requested_at = models.DateTimeField(blank=True, null=True)

    def __str__(self) -> str:
        return f"Worker {self.name} ({self.state})"


class Queue(models.Model):
    """A queue somebody paused or resumed. A queue needs no row to be used."""

    name = models.CharField(primary_key=True, max_length=100)
    paused_at = models.DateTimeField(blank=True, null=True)
    paused_by = models.CharField(max_length=255, blank=True, null=True)
    pause_reason = models.CharField(max_length=255, blank=True, null=True)
    paused_until = models.DateTimeField(blank=True, null=True)

    def __str__(self) -> str:
        return f"Queue {self.name}"
