"""How a worker is to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """The flags of `taskctl worker` and `manage.py run_worker`. Durations are seconds."""

    concurrency: int = 4
    max_retries: int = 0
    queues: tuple[str, ...] = ()
    """In order of preference; empty means all."""
    exclude_queues: tuple[str, ...] = ()
    name: str | None = None
    burst: bool = False
    """End when nothing is due."""
    max_tasks: int | None = None
    """Replace a child after so many tasks."""
    max_time_s: float | None = None
    max_memory_bytes: int | None = None
    poll_s: float | None = None
    """How often to look when nothing tells us to; None: 2 s with Redis, 1 s without."""
    grace_s: float = 30.0
    heartbeat_file: Path | None = None
    use_redis: bool = True
    using: str = "default"
