"""Workers as the others know them: who is lost, who was asked to leave, who is forgotten."""

from __future__ import annotations

from typing import Any

from django_task_worker import registry
from django_task_worker.expressions import ago
from django_task_worker.models import Worker
from django_task_worker.registry import Identity, Load


def enter(using: str, name: str, silent_s: float = 0.0, **columns: Any) -> str:
    values = {"host": "h", "pid": 1, "version": "1.0.0", "slots": 4, "seen_at": ago(silent_s), **columns}
    return str(Worker.objects.using(using).create(name=name, **values).pk)


def names(workers: list[Worker]) -> list[str]:
    return [worker.name for worker in workers]


def test_a_worker_is_lost_when_it_has_been_silent_for_a_lease(using: str) -> None:
    enter(using, "up", 20)
    enter(using, "lost", 40)
    enter(using, "signed-off", 40, state=Worker.State.STOPPED)
    assert names(registry.live_workers(using)) == ["up"]
    assert names(registry.lost_workers(using)) == ["lost"]


def test_a_worker_is_forgettable_after_ten_heartbeats(using: str) -> None:
    assert registry.heartbeat_s() == 10
    enter(using, "lost", 90)
    gone = enter(using, "long-lost", 110)
    assert names(registry.forgettable(using)) == ["long-lost"]
    assert registry.forget([gone], using) == 1
    assert names(registry.lost_workers(using)) == ["lost"]


def test_a_worker_that_lives_is_not_forgotten(using: str) -> None:
    alive = enter(using, "up")
    assert registry.forget([alive], using) == 0
    assert names(registry.live_workers(using)) == ["up"]


def test_a_worker_is_asked_to_drain_once_and_learns_it_with_its_heartbeat(using: str) -> None:
    who = Identity(id="w" * 22, name="w", host="h", pid=1)
    registry.register(who, queues=(), exclude_queues=(), slots=1, using=using)
    assert registry.heartbeat(who, Load(), using) is False
    assert registry.drain([who.id], using) == [who.id]
    assert registry.drain([who.id], using) == []
    assert registry.heartbeat(who, Load(), using) is True
