"""`taskctl workers`: who is up, who is to leave, who is forgotten."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.conftest import Ctl, Make, on_each, on_one

KEYS = [
    "v",
    "type",
    "name",
    "host",
    "pid",
    "status",
    "queues",
    "slots",
    "busy",
    "seen_s",
    "up_s",
    "version",
    "done",
    "failed",
    "draining",
    "exclude_queues",
]


@pytest.fixture
def crew(make: Make, up: Any) -> None:
    """One at work, one that drains, one lost, one long lost, one that has signed off."""
    from django_task_worker.expressions import DatabaseNow, ago

    make("PROGRESS")
    up("web-1", queues=("default", "mail"), completed=81234, failed=12, started_at=ago(3600))
    up("web-2", drain_requested_at=DatabaseNow(), exclude_queues=["slow"])
    up("web-3", seen_at=ago(40))
    up("web-4", seen_at=ago(7000), started_at=ago(9000))
    up("web-5", state="stopped")


def operations(using: str) -> list[tuple[str, str, int]]:
    from django_task_worker import operation_log

    return [(found.action, found.selector, found.changed) for found in operation_log.recent(using=using)]


@on_each
def test_every_worker_that_has_not_signed_off_is_an_object(ctl: Ctl, crew: None) -> None:
    records = ctl("workers", "--json").records
    assert all(list(record) == KEYS for record in records)
    found = {record["name"]: record for record in records}
    assert {name: record["status"] for name, record in found.items()} == {
        "web-1": "up",
        "web-2": "draining",
        "web-3": "lost",
        "web-4": "lost",
    }
    first = found["web-1"]
    assert (first["slots"], first["busy"], first["done"], first["failed"]) == (4, 1, 81234, 12)
    assert (first["queues"], first["version"], first["draining"]) == (["default", "mail"], "1.0.0", False)
    assert 3600 <= first["up_s"] < 3620
    assert (found["web-2"]["draining"], found["web-2"]["exclude_queues"]) == (True, ["slow"])
    assert found["web-3"]["up_s"] is None
    assert 40 <= found["web-3"]["seen_s"] < 50


@on_one
def test_workers_in_a_pipe(ctl: Ctl, crew: None) -> None:
    rows = [line.split("\t") for line in ctl("workers", "list").lines]
    assert [(row[0], row[1], row[2], row[3], row[9]) for row in rows] == [
        ("web-1", "up", "4", "1", "default,mail"),
        ("web-2", "draining", "4", "0", "* but slow"),
        ("web-3", "lost", "4", "0", "*"),
        ("web-4", "lost", "4", "0", "*"),
    ]
    assert ctl("workers", "-o", "id").lines == ["web-1", "web-2", "web-3", "web-4"]
    assert ctl("workers", "--fields", "name,host,pid").lines[0] == "web-1\tweb\t1"


@on_one
def test_workers_on_a_terminal_fit_80_columns(ctl: Ctl, crew: None, up: Any) -> None:
    up("w\x1b[2J\nx", queues=["q" * 60])
    done = ctl("workers", tty=True, width=80)
    assert done.lines[0].split() == [
        *("NAME", "STATUS", "SLOTS", "BUSY", "SEEN", "UP", "DONE", "FAILED", "VERSION", "QUEUES")
    ]
    assert all(len(line) <= 80 and line.isprintable() for line in done.lines)
    assert len(done.lines) == 6


@on_one
def test_nobody_up_says_how_to_change_that(ctl: Ctl, using: str) -> None:
    assert ctl("workers").__dict__ == {"code": 0, "out": "", "err": ""}
    assert ctl("workers", tty=True).err == "no worker is up; start one: taskctl worker\n"


@on_one
def test_too_few_workers_are_a_1(ctl: Ctl, crew: None) -> None:
    assert ctl("workers", "--min", 1).code == 0
    done = ctl("workers", "--min", 2)
    assert (done.code, done.err) == (1, "1 worker up, fewer than 2\n")
    assert len(done.lines) == 4
    assert ctl("workers", "list", "--min", 2, "-q").err == ""


# --- drain ---


@on_each
def test_a_worker_is_drained_by_name_and_only_once(ctl: Ctl, crew: None, using: str) -> None:
    from django_task_worker.models import Worker

    done = ctl("workers", "drain", "web-1", "--reason", "deploy")
    assert (done.code, done.lines) == (0, ["web-1"])
    assert done.err == (
        "web-1 finishes what it runs and ends, noticed within 10s; to have one again: taskctl worker\n"
    )
    assert Worker.objects.using(using).get(name="web-1").drain_requested_at is not None
    assert ctl("workers", "drain", "web-1").err == "1 worker had been asked before\n"
    assert operations(using) == [("drain", "web-1", 1)]


@on_one
def test_all_that_are_up_are_drained(ctl: Ctl, crew: None, using: str) -> None:
    worker, summary = ctl("workers", "drain", "--all", "--json").records
    assert (worker["name"], worker["draining"]) == ("web-1", True)
    assert (summary["action"], summary["matched"], summary["changed"]) == ("drain", 2, 1)
    assert operations(using) == [("drain", "--all", 1)]


@on_one
def test_there_may_be_nobody_to_drain(ctl: Ctl, using: str) -> None:
    assert ctl("workers", "drain", "--all").__dict__ == {"code": 0, "out": "", "err": "no worker is up\n"}


@on_one
def test_a_worker_that_is_not_up_cannot_be_drained(ctl: Ctl, crew: None) -> None:
    done = ctl("workers", "drain", "web-3")
    assert (done.code, done.out) == (3, "")
    assert done.err.splitlines() == [
        "error: no worker named 'web-3' is up",
        "  did you mean: web-2 ?     up: web-1, web-2",
        "try: taskctl workers",
    ]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`meanwhile(action)`: what happens while the command waits."""
    from taskctl.commands import workers

    def arrange(action: Any) -> None:
        clock = SimpleNamespace(monotonic=workers.time.monotonic, sleep=lambda seconds: action())
        monkeypatch.setattr(workers, "time", clock)

    return arrange


@on_one
@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"state": "stopped"}, 0, ""),
        ({"seen_at": "long ago"}, 1, "lost before they had ended: web-1"),
    ],
)
def test_a_drain_waits_until_they_have_ended(
    ctl: Ctl, up: Any, using: str, meanwhile: Any, change: dict[str, Any], code: int, said: str
) -> None:
    from django_task_worker.expressions import ago
    from django_task_worker.models import Worker

    up("web-1")
    columns = {"seen_at": ago(100)} if "seen_at" in change else change
    meanwhile(lambda: Worker.objects.using(using).update(**columns))
    done = ctl("workers", "drain", "web-1", "--wait")
    assert done.code == code
    assert said in done.err


@on_one
def test_a_drain_waits_no_longer_than_it_is_told(ctl: Ctl, make: Make, up: Any) -> None:
    up("web-1")
    for _ in range(3):
        make("PROGRESS")
    done = ctl("workers", "drain", "--all", "--timeout", "50ms")
    assert done.code == 124
    assert "error: not ended after 50ms: web-1 (3 running)" in done.err


# --- forget ---


@on_each
def test_only_what_is_lost_for_long_is_forgotten(ctl: Ctl, crew: None, using: str) -> None:
    from django_task_worker.models import Worker

    done = ctl("workers", "forget", "--lost", "--yes")
    assert (done.code, done.lines, done.err) == (0, ["web-4"], "forgot 1 lost worker\n")
    assert not Worker.objects.using(using).filter(name="web-4").exists()
    assert Worker.objects.using(using).count() == 4
    assert operations(using) == [("forget", "--lost", 1)]
    assert ctl("workers", "forget", "--lost").err == "no worker has been lost for so long\n"


@on_one
def test_forgetting_asks_first(ctl: Ctl, crew: None) -> None:
    done = ctl("workers", "forget", "--lost")
    assert done.code == 4
    assert done.err.splitlines() == [
        "error: workers forget would remove 1 lost worker and can't ask (no terminal)",
        "try: add --yes",
    ]
    asked = ctl("workers", "forget", "--lost", answer="n\n")
    assert (asked.code, asked.err.splitlines()[0]) == (
        4,
        "forget 1 lost worker (web-4)? [y/N] error: nothing was changed",
    )
    gone, summary = ctl("workers", "forget", "--lost", "--yes", "--json").records
    assert gone == {"v": 1, "type": "forgotten", "name": "web-4"}
    assert summary["changed"] == 1


@on_one
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["drain"], "workers drain: say which: a name, or --all"),
        (["drain", "web-1", "--all"], "workers drain: say which: a name, or --all"),
        (["drain", "web-1", "--timeout", "x"], "--timeout x: not a duration"),
        (["forget"], "workers forget: say which: --lost"),
        (["frget"], "workers: no such verb: frget. Did you mean forget?"),
        (["--min", "many"], "--min many: must be a whole number"),
    ],
)
def test_what_is_wrong_is_said(ctl: Ctl, using: str, words: list[str], message: str) -> None:
    done = ctl("workers", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {message}")
