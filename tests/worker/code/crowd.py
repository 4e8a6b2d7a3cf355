"""Tasks that usually pass at once, so that many wait behind one another in a child. One of them does not."""

from __future__ import annotations

import signal
import time
from datetime import timedelta

from django.utils import timezone

from django_task_worker.models import DatabaseTask
from django_task_worker.worker.context import current


def walk(stops_to: str) -> None:
    if stops_to == "give its row away":
        task = current()
        assert task is not None
        until = timezone.now() + timedelta(hours=1)
        DatabaseTask.objects.filter(pk=task.id).update(lease="elsewhere", lease_expires_at=until)
        time.sleep(60)
    elif stops_to == "hear a signal":
        signal.pause()
    elif stops_to == "sleep":
        time.sleep(60)
