from __future__ import annotations

from django.apps import AppConfig


class WorkerConfig(AppConfig):
    """The app `django_task_worker`."""

    name = "django_task_worker"
    verbose_name = "Task worker"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_task_worker import checks  # noqa: F401  registers the system checks
