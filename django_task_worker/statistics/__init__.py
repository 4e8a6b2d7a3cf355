"""How many tasks ended how, how long they waited and ran: by minute, queue, task name and worker.

Each worker counts in memory and overwrites its own rows every few seconds; whoever reads adds them up.
"""

from __future__ import annotations

from django_task_worker.statistics.counts import Counts
from django_task_worker.statistics.histogram import BOUNDS_S, Distribution
from django_task_worker.statistics.reading import (
    By,
    Point,
    Summary,
    begin,
    enqueued,
    queues,
    read,
    timeline,
    timelines,
)
from django_task_worker.statistics.recorder import Recorder
from django_task_worker.statistics.roll_up import forget, roll_up

__all__ = [
    "BOUNDS_S",
    "By",
    "Counts",
    "Distribution",
    "Point",
    "Recorder",
    "Summary",
    "begin",
    "enqueued",
    "forget",
    "queues",
    "read",
    "roll_up",
    "timeline",
    "timelines",
]
