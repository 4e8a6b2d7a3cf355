"""How it stands with the whole, now: queues, workers, and figures of a window beside them. Reads only.

What is counted row by row ends at a cap; what has ended is read from the statistics.
"""

from __future__ import annotations

from django_task_worker.overview.backlog import QueueNow, QueuesNow, queue_names, queues
from django_task_worker.overview.window import Figures, figures
from django_task_worker.overview.workforce import WorkersNow, workers

__all__ = ["Figures", "QueueNow", "QueuesNow", "WorkersNow", "figures", "queue_names", "queues", "workers"]
