"""How far tasks say they are, in words and as a bar. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django_task_worker.cleaning import clean
from taskctl.durations import brief
from taskctl.render.table import cut
from taskctl.render.tasks import stored_status

BAR = 20
PARTS = " ▏▎▍▌▋▊▉█"


def share(progress: Any) -> float | None:
    """The part that is done, 0 to 1; None where the task did not say of how much."""
    done, total = _number(progress, "done"), _number(progress, "total")
    if done is None or not total or total < 0:
        return None
    return max(0.0, min(done / total, 1.0))


def words(progress: Any) -> str:
    """`40%, 4,000 of 10,000 rows` or `3 rows`; empty for what tells nothing."""
    done, total, part = _number(progress, "done"), _number(progress, "total"), share(progress)
    count = (
        "" if done is None else _written(done) if total is None else f"{_written(done)} of {_written(total)}"
    )
    message = progress.get("message") if isinstance(progress, dict) else None
    text = f"{count} {message}" if message and isinstance(message, str) else count
    return text.strip() if part is None else f"{part:.0%}, {text.strip()}"


def _number(progress: Any, key: str) -> float | None:
    value = progress.get(key) if isinstance(progress, dict) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _written(number: float) -> str:
    return f"{number if isinstance(number, int) else round(number, 2):,}"


def bar(part: float, width: int = BAR, *, ascii_only: bool = False) -> str:
    """So many cells, filled in eighths of one."""
    if ascii_only:
        full = round(part * width)
        return "#" * full + "." * (width - full)
    full, eighths = divmod(round(part * width * 8), 8)
    text = "█" * full + (PARTS[eighths] if eighths else "")
    return text + "░" * (width - len(text))


def waited_for(
    tasks: Sequence[Any], total: int, waited_s: float, width: int, *, ascii_only: bool = False
) -> str:
    """One line about the tasks that are still waited for, of so many."""
    if total == 1:
        (task,) = tasks
        part, text = share(task.progress), words(task.progress)
        text = text if text and task.status == "PROGRESS" else stored_status(task)
    else:
        over = total - len(tasks)
        part = (over + sum(share(task.progress) or 0.0 for task in tasks)) / total
        text = f"{over:,} of {total:,} finished"
    drawn = "" if part is None else bar(part, ascii_only=ascii_only) + "  "
    room = max(width - len(drawn) - 10, 10)
    text = cut(clean(text, 4 * room, ascii_only=ascii_only), room, ascii_only=ascii_only)
    return f"{drawn}{text}  {brief(waited_s)}"
