"""The tables in Django's admin, to look at: nothing can be added, changed or deleted here."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models.functions import Left
from django.utils.html import format_html

from django_task_worker.cleaning import clean
from django_task_worker.conf import settings
from django_task_worker.models import DatabaseTask, Queue, Worker
from django_task_worker.redaction import redact

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet
    from django.http import HttpRequest

    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

MAX_COUNT = 10_000
MAX_ERROR = 80
MAX_SHOWN = 10_000
LARGE_COLUMNS = ("args", "kwargs", "metadata", "result", "result_json", "error", "traceback")


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most MAX_COUNT rows, however many there are: the pages end there."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:MAX_COUNT].count())


class ReadOnlyAdmin(ModelAdmin):
    """Lists and pages to look at, for whoever has the view permission."""

    actions = None
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class TaskList(ChangeList):
    """The list reads no large column: long texts and JSON are stored apart and slow to fetch."""

    def get_queryset(self, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        tasks = super().get_queryset(*args, **kwargs).defer(*LARGE_COLUMNS)
        listed: QuerySet[Any] = tasks.annotate(error_start=Left("error", 4 * MAX_ERROR))
        return listed


@admin.register(DatabaseTask)
class TaskAdmin(ReadOnlyAdmin):
    """Tasks, newest first. Arguments and results are shown without what TASK_WORKER["REDACT"] names."""

    list_display = ("id", "task", "status", "queue", "created_at", "run_time", "tries", "worker", "problem")
    ordering = ("-created_at",)
    sortable_by = ("created_at",)
    search_fields = ("id__exact",)
    search_help_text = "The whole id of a task"
    fieldsets = (
        (None, {"fields": ("id", "task", "status", "queue", "priority", "unique_key")}),
        ("Call", {"fields": ("arguments", "named_arguments", "timeout", "max_retries", "extra")}),
        ("Outcome", {"fields": ("returned", "returned_value", "error_type", "message", "trace")}),
        (
            "Times",
            {
                "fields": (
                    *("created_at", "due_at", "started_at", "finished_at", "updated_at", "duration"),
                    *("retry_count", "next_attempt_at", "deferrals", "cancel_requested_at"),
                )
            },
        ),
        ("Worker", {"fields": ("worker", "lease_expires_at")}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TaskList

    @admin.display(description="Task")
    def task(self, task: DatabaseTask) -> str:
        return clean(task.name, 255)

    @admin.display(description="Run", empty_value="-")
    def run_time(self, task: DatabaseTask) -> str | None:
        return None if task.duration is None else f"{task.duration:.3f} s"

    @admin.display(description="Tries")
    def tries(self, task: DatabaseTask) -> str:
        most = "?" if task.max_retries is None else task.max_retries + 1
        return f"{task.retry_count + 1}/{most}"

    @admin.display(description="Error")
    def problem(self, task: Any) -> str:
        first_line = (task.error_start or "").strip().partition("\n")[0]
        return clean(first_line, MAX_ERROR)

    @admin.display(description="Arguments")
    def arguments(self, task: DatabaseTask) -> str:
        return _pretty(task.args or [])

    @admin.display(description="Named arguments")
    def named_arguments(self, task: DatabaseTask) -> str:
        return _pretty(task.kwargs or {})

    @admin.display(description="Metadata")
    def extra(self, task: DatabaseTask) -> str:
        return _pretty(task.metadata or {})

    @admin.display(description="Result")
    def returned(self, task: DatabaseTask) -> str | None:
        # A value that may hold secrets under names is shown below, without them.
        return None if isinstance(task.result_json, dict | list) else _cut(task.result or "")

    @admin.display(description="Result as JSON")
    def returned_value(self, task: DatabaseTask) -> str | None:
        return None if task.result_json is None else _pretty(task.result_json)

    @admin.display(description="Error")
    def message(self, task: DatabaseTask) -> str:
        return _block(task.error or "")

    @admin.display(description="Traceback")
    def trace(self, task: DatabaseTask) -> str:
        return _block(task.traceback or "")


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Workers, the last seen first."""

    list_display = ("name", "host", "state", "busy", "slots", "seen_at", "started_at", "version")
    ordering = ("-seen_at",)
    sortable_by = ("seen_at",)


@admin.register(Queue)
class QueueAdmin(ReadOnlyAdmin):
    """Queues that somebody has paused or resumed."""

    list_display = ("name", "paused_at", "paused_by", "pause_reason", "paused_until")
    ordering = ("name",)
    sortable_by = ("name",)


def _pretty(value: Any) -> str:
    return _block(json.dumps(redact(value, settings().redact), ensure_ascii=False, indent=2))


def _block(text: str) -> str:
    return format_html("<pre>{}</pre>", _cut(text)) if text else ""


def _cut(text: str) -> str:
    return (
        text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}\n… {len(text) - MAX_SHOWN:,} more characters"
    )
