"""What ended and what is wanted next, in one transaction whose answer is not waited for. Postgres only."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections

from django_task_worker.lifecycle import postgresql
from django_task_worker.lifecycle.finish import in_order, report
from django_task_worker.lifecycle.postgresql_claim import claimed, claiming
from django_task_worker.lifecycle.postgresql_finish import Finishing
from django_task_worker.lifecycle.values import Change, Claimed, Demand, Outcome


def begin(outcomes: Sequence[Outcome], demand: Demand | None, using: str) -> Turnover | None:
    """Send both; None where that is not possible, and `finish` and `claim` do it instead.

    Only the demand's level is tried. Raises Django's database errors.
    """
    if not postgresql.is_supported(using) or (demand is not None and (demand.look or demand.level is None)):
        return None
    if any(outcome.notes is not None for outcome in outcomes):
        return None
    return Turnover(outcomes, demand, using)


class Turnover:
    """A transaction under way. Both parts of it take place, or neither does."""

    def __init__(self, outcomes: Sequence[Outcome], demand: Demand | None, using: str) -> None:
        self.outcomes = outcomes
        self.demand = demand
        self._using = using
        self._finishing = Finishing(in_order(outcomes))
        parts = [claiming(demand.level, demand.count, demand)] if demand and demand.level else []
        parts += self._finishing.parts if outcomes else []  # second: it ties the planner's hands
        self._exchange = postgresql.Exchange([(postgresql.BEFORE, None), *parts], connections[using])
        self.sent_at = self._exchange.sent_at
        self.fileno = self._exchange.fileno
        self.is_answered = self._exchange.is_answered
        self.is_answered_within = self._exchange.is_answered_within
        self.wait = self._exchange.wait

    @property
    def is_over(self) -> bool:
        """Whether the answer has been read, or has failed: there is nothing to listen to."""
        return self._exchange.is_over

    @property
    def has_brought_all(self) -> bool:
        """Whether it is answered, has succeeded, and has claimed as many tasks as were wanted."""
        counts = self._exchange.counts
        return bool(counts) and (self.demand is None or counts[0] == self.demand.count)

    def end(self) -> tuple[list[Change], list[Claimed]]:
        """What was settled, and what was claimed; waits for the answer. `report` must follow.

        Raises Django's database errors.
        """
        answers = self._exchange.rows()
        tasks = [] if self.demand is None else claimed(answers.pop(0), self.demand.lease)
        return self._finishing.changes(answers), tasks

    def report(self, done: Sequence[Change]) -> None:
        """Announce what was settled."""
        report(done, self.outcomes, self._using)
