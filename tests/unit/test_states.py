"""What follows an attempt: one function decides, and it is total."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_task_worker.states import (
    MAX_DEFERRALS,
    TARGETS,
    Budget,
    Kind,
    Status,
    Transition,
    decide,
    deferral_s,
)

BUDGETS = st.builds(
    Budget,
    retry_count=st.integers(0, 10),
    max_retries=st.integers(0, 10),
    deferrals=st.integers(0, 2 * MAX_DEFERRALS),
)
ENDED_BY_ITSELF = [Kind.FAILED, Kind.TIMED_OUT, Kind.LOST]


def budget(left: int, spent: int = 0, deferrals: int = 0) -> Budget:
    return Budget(retry_count=spent, max_retries=spent + left, deferrals=deferrals)


@given(kind=st.sampled_from(Kind), budget=BUDGETS, cancel_requested=st.booleans())
def test_every_end_of_an_attempt_leads_somewhere(kind: Kind, budget: Budget, cancel_requested: bool) -> None:
    assert TARGETS[decide(kind, budget, cancel_requested=cancel_requested)] in Status


@given(budget=BUDGETS, cancel_requested=st.booleans())
def test_a_success_stands_even_against_a_cancellation(budget: Budget, cancel_requested: bool) -> None:
    assert decide(Kind.COMPLETED, budget, cancel_requested=cancel_requested) is Transition.COMPLETE


@given(kind=st.sampled_from([kind for kind in Kind if kind is not Kind.COMPLETED]), budget=BUDGETS)
def test_everything_else_ends_cancelled_when_somebody_asked_for_it(kind: Kind, budget: Budget) -> None:
    assert decide(kind, budget, cancel_requested=True) is Transition.CANCEL


@given(kind=st.sampled_from(Kind), budget=BUDGETS, cancel_requested=st.booleans())
def test_a_retry_is_granted_only_while_the_budget_lasts(
    kind: Kind, budget: Budget, cancel_requested: bool
) -> None:
    if decide(kind, budget, cancel_requested=cancel_requested) is Transition.RETRY:
        assert budget.retry_count < budget.max_retries


@pytest.mark.parametrize("retries", range(6))
@pytest.mark.parametrize("kind", ENDED_BY_ITSELF)
def test_r_retries_are_r_plus_one_attempts(kind: Kind, retries: int) -> None:
    attempts, granted = 1, 0
    while decide(kind, Budget(retry_count=granted, max_retries=retries)) is Transition.RETRY:
        granted += 1
        attempts += 1
    assert attempts == retries + 1


def test_a_retry_count_above_the_budget_is_no_budget() -> None:
    assert decide(Kind.FAILED, Budget(retry_count=3, max_retries=1)) is Transition.FAIL


def test_what_will_fail_each_time_is_not_retried() -> None:
    assert decide(Kind.REFUSED, budget(left=5)) is Transition.FAIL


def test_what_had_not_started_goes_back_unspent() -> None:
    assert decide(Kind.NOT_STARTED, budget(left=0)) is Transition.RELEASE


def test_an_interrupted_task_goes_back_only_if_it_may_run_twice() -> None:
    assert decide(Kind.INTERRUPTED, budget(left=0)) is Transition.FAIL
    assert decide(Kind.INTERRUPTED, budget(left=1)) is Transition.RELEASE
    assert decide(Kind.INTERRUPTED, budget(left=0, spent=1)) is Transition.RELEASE


def test_a_missing_function_is_deferred_three_times_then_fails() -> None:
    ends = [decide(Kind.MISSING, budget(left=5, deferrals=n)) for n in range(5)]
    assert ends == [Transition.DEFER] * 3 + [Transition.FAIL] * 2
    assert [deferral_s(n) for n in range(3)] == [10, 20, 40]


def test_a_task_that_may_run_elsewhere_is_deferred_without_end() -> None:
    assert decide(Kind.BLOCKED, budget(left=0, deferrals=100)) is Transition.DEFER


def test_a_killed_attempt_that_was_to_be_cancelled_is_cancelled() -> None:
    assert decide(Kind.CANCELLED, budget(left=5)) is Transition.CANCEL


def test_each_status_but_progress_is_where_some_attempt_ends() -> None:
    assert set(TARGETS) == set(Transition)
    assert set(TARGETS.values()) == set(Status) - {Status.PROGRESS}
