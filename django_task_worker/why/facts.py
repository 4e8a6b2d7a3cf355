"""What has to be known of a task, its queue and the workers to say why it is as it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

AHEAD_CAP = 10_000


@dataclass(frozen=True, kw_only=True)
class Facts:
    """One moment. What has nothing to do with the task's state is left at its default."""

    task: Any
    now: datetime
    lease_s: float = 30.0
    sweep_s: float = 10.0
    pause: Any | None = None
    """The queue's row while nobody may claim from it."""
    workers: Sequence[Any] = ()
    """Those that are up, whatever they listen to."""
    listening: Sequence[Any] = ()
    """Those of them that take tasks of this queue and are not about to leave."""
    owner: Any | None = None
    """The worker that has the task, or had it last."""
    ahead: int = 0
    """Tasks that are claimed before; AHEAD_CAP + 1 stands for more."""
    rate: float = 0.0
    """Tasks a second that end in the queues of these workers."""
    misfit: str | None = None
    """Why this project would not run the function."""
    has_log: bool = False
