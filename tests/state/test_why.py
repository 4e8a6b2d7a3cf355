"""Why a task is as it is: the facts, from every database."""

from __future__ import annotations

from typing import Any

import pytest

from django_task_worker import registry, why
from django_task_worker.expressions import ago
from django_task_worker.models import Worker
from django_task_worker.queries import TaskNotFound
from django_task_worker.states import Kind, Transition
from django_task_worker.statistics import Recorder
from tests.lifecycle.tasks import STATES, Tasks


def worker(
    using: str, name: str = "web1", *, queues: tuple[str, ...] = (), slots: int = 4
) -> registry.Identity:
    who = registry.new_identity(name)
    registry.register(who, queues=queues, exclude_queues=(), slots=slots, using=using)
    return who


def codes(task_id: str) -> list[str]:
    return [reason.code for reason in why.explain(task_id).reasons]


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_explained(tasks: Tasks, state: str) -> None:
    task_id = tasks.in_state(state)
    found = why.explain(task_id)
    assert found.state == state
    assert found.summary == f"{state}: {found.reasons[0].text}"
    assert found.task.pk == task_id


def test_a_task_that_is_not_there_is_not_found(using: str) -> None:
    with pytest.raises(TaskNotFound):
        why.explain("nobody")


def test_without_a_worker_nobody_takes_it(tasks: Tasks) -> None:
    found = why.explain(tasks.add())
    assert [reason.code for reason in found.reasons] == ["no-worker"]
    assert found.commands == ("taskctl worker",)


def test_a_worker_must_be_up_listen_to_the_queue_and_stay(tasks: Tasks) -> None:
    task_id = tasks.add(queue="mail")
    who = worker(tasks.using, queues=("default",))
    assert codes(task_id) == ["nobody-listens"]
    other = worker(tasks.using, "web2")
    assert codes(task_id) == ["about-to-start"]
    Worker.objects.filter(pk=other.id).update(state=Worker.State.DRAINING)
    assert codes(task_id) == ["nobody-listens"]
    Worker.objects.filter(pk=other.id).update(state=Worker.State.UP, seen_at=ago(1000))
    assert codes(task_id) == ["nobody-listens"]
    Worker.objects.filter(pk=who.id).delete()
    assert codes(task_id) == ["no-worker"]


def test_a_pause_counts_until_it_ends(tasks: Tasks) -> None:
    worker(tasks.using)
    task_id = tasks.add()
    registry.pause("default", by="ana", reason="deploy", using=tasks.using)
    assert codes(task_id) == ["queue-paused"]
    registry.pause("default", until=tasks.now(), using=tasks.using)
    assert codes(task_id) == ["about-to-start"]
    registry.pause("mail", using=tasks.using)
    assert codes(task_id) == ["about-to-start"]


def test_who_goes_first_is_counted(tasks: Tasks) -> None:
    worker(tasks.using)
    for _ in range(3):
        tasks.add(due_in_s=-60)
    mine = tasks.add(due_in_s=-30)
    tasks.add(due_in_s=-10)
    tasks.add(due_in_s=-5, priority=5)
    tasks.add(due_in_s=-60, priority=-5)
    tasks.add(due_in_s=60, priority=5)
    tasks.add(due_in_s=-60, queue="mail")
    (reason,) = why.explain(mine).reasons
    assert reason.code == "in-line"
    assert "5 tasks go first" in reason.text


def test_of_a_worker_with_a_list_of_queues_only_the_own_queue_counts(tasks: Tasks) -> None:
    worker(tasks.using, queues=("mail", "default"))
    tasks.add(due_in_s=-60)
    tasks.add(due_in_s=-60, queue="mail")
    (reason,) = why.explain(tasks.add(due_in_s=-30)).reasons
    assert "1 task goes first" in reason.text


def test_the_start_is_estimated_from_the_statistics(tasks: Tasks) -> None:
    worker(tasks.using)
    recorder = Recorder("id", "web1", tasks.using)
    recorder.begin()
    for _ in range(600):
        recorder.note(Transition.COMPLETE, "default", "app.tasks.add", 0.1, 0.1)
    recorder.write()
    tasks.add(due_in_s=-60)
    assert "it starts in about" in why.explain(tasks.add()).summary


def test_busy_slots_are_told(tasks: Tasks) -> None:
    who = worker(tasks.using, slots=2)
    registry.heartbeat(who, registry.Load(busy=2), tasks.using)
    assert codes(tasks.add()) == ["workers-busy"]


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", ["nowhere.at.all", "os.system", "app.broken.task"])
def test_a_function_that_this_project_would_not_run_is_told(tasks: Tasks, name: str) -> None:
    worker(tasks.using)
    assert codes(tasks.add(name)) == ["function-refused"]


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_module_that_no_worker_knows_shows_when_they_have_looked_for_it(tasks: Tasks) -> None:
    """Workers do not say which modules they have: until one has looked, nothing can be told."""
    worker(tasks.using)
    known, unknown = tasks.add("app.tasks.add"), tasks.add("elsewhere.tasks.add", due_in_s=-60)
    assert codes(known) == ["in-line"]
    for task in tasks.claim(2):
        tasks.settle(task, Kind.MISSING)
    assert codes(known) == ["function-missing"]
    assert codes(unknown) == ["function-missing", "function-refused"]
    assert why.explain(known).commands == ("taskctl worker",)
    assert why.explain(unknown).commands == ("taskctl tasks 'elsewhere.*'",)


def test_a_running_task_knows_its_worker(tasks: Tasks) -> None:
    task = tasks.running(worker="web1")
    tasks.put(task.id, started_at=ago(5.0))
    assert codes(task.id) == ["running", "worker-gone"]
    worker(tasks.using)
    assert codes(task.id) == ["running"]
    Worker.objects.update(seen_at=ago(100.0))
    assert codes(task.id) == ["running", "worker-silent"]
    tasks.expire(task.id)
    assert codes(task.id) == ["worker-lost", "no-worker"]


def test_a_failure_with_a_log_says_where_it_is(tasks: Tasks) -> None:
    from django_task_worker.lifecycle import Notes

    task = tasks.running()
    settled: Any = tasks.settle(task, Kind.FAILED, notes=Notes(log="x", log_size=1))
    assert settled
    found = why.explain(task.id)
    assert found.commands == (
        f"taskctl show {task.id} --traceback",
        f"taskctl retry {task.id}",
        f"taskctl logs {task.id}",
    )
