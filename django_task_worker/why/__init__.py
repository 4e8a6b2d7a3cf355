"""Why a task is not running, or why it ended as it did, and the commands that help."""

from __future__ import annotations

from dataclasses import dataclass

from django_task_worker import queries
from django_task_worker.lifecycle.routing import alias
from django_task_worker.models import DatabaseTask
from django_task_worker.why.gathering import gather
from django_task_worker.why.reasons import Reason, reasons, state_of

__all__ = ["Explanation", "Reason", "explain"]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """`state` is the command line's word for it; `reasons` has what weighs most first, at least one."""

    task: DatabaseTask
    state: str
    reasons: tuple[Reason, ...]

    @property
    def summary(self) -> str:
        """One sentence."""
        return f"{self.state}: {self.reasons[0].text}"

    @property
    def commands(self) -> tuple[str, ...]:
        """What helps, each once."""
        return tuple(dict.fromkeys(reason.command for reason in self.reasons if reason.command))


def explain(task_id: str, *, using: str | None = None) -> Explanation:
    """Say why. The function of a waiting task is looked up, so its module is imported.

    Raises TaskNotFound.
    """
    database = alias(using)
    facts = gather(queries.get(task_id, database), database)
    return Explanation(task=facts.task, state=state_of(facts.task, facts.now), reasons=reasons(facts))
