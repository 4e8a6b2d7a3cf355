"""Two workers in one process, one after the other; each has a task to run."""

from __future__ import annotations

import django

django.setup()

from django_task_worker.client import create_task  # noqa: E402
from django_task_worker.worker.options import WorkerOptions  # noqa: E402
from django_task_worker.worker.supervisor import run  # noqa: E402

for _ in range(2):
    task = create_task("app.tasks.add", [1, 2])
    code = run(WorkerOptions(burst=True, poll_s=0.05, concurrency=2))
    task.refresh_from_db()
    print(f"code {code}, {task.status}", flush=True)
