"""What an operator should know before tasks run: said once, at the start of a worker."""

from __future__ import annotations

import logging
import os

from django.conf import settings

logger = logging.getLogger("django_task_worker.worker")


def say_cautions() -> None:
    """Warn of what is no fault of ours and makes every fault of a task worse."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        logger.warning("running as root: so does every task; start workers as a user of their own")
    if settings.DEBUG:
        logger.warning("DEBUG is on: tasks remember every query, and their memory grows")
