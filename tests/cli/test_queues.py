"""`taskctl queues`: what waits where, pauses, checks for a monitor."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cli.conftest import Ctl, Make, on_each, on_one

KEYS = [
    "v",
    "type",
    "queue",
    "paused",
    "paused_by",
    "paused_at",
    "pending",
    "pending_capped",
    "scheduled",
    "running",
    "oldest_s",
    "rate_1m",
    "wait_p95_s",
    "run_p95_s",
    "workers",
    "paused_until",
    "pause_reason",
]


@pytest.fixture
def shop(make: Make, up: Any) -> None:
    """Two tasks due in `mail`, one running in `default`, one due later in `reports`; `media` has a worker."""
    make(queue="mail", age_s=60)
    make(queue="mail", age_s=30, priority=5)
    make("PROGRESS")
    make(queue="reports", due_at=make("CANCELLED", age_s=-3600).due_at)
    up("web-1", queues=("mail", "media"))
    up("web-2", queues=("media",), exclude_queues=["mail"])


def paused(using: str) -> dict[str, Any]:
    from django_task_worker.models import Queue

    return {queue.name: queue for queue in Queue.objects.using(using).filter(paused_at__isnull=False)}


def operations(using: str) -> list[tuple[str, str, str]]:
    from django_task_worker import operation_log

    return [(found.action, found.selector, found.reason) for found in operation_log.recent(using=using)]


@on_each
def test_every_queue_is_an_object(ctl: Ctl, shop: None) -> None:
    records = ctl("queues", "--json").records
    assert all(list(record) == KEYS for record in records)
    found = {record["queue"]: record for record in records}
    assert list(found) == ["default", "mail", "media", "reports"]
    mail = found["mail"]
    assert (mail["pending"], mail["pending_capped"], mail["scheduled"], mail["running"]) == (2, False, 0, 0)
    assert 60 <= mail["oldest_s"] < 70
    assert (mail["workers"], found["media"]["workers"], found["default"]["workers"]) == (1, 2, 0)
    assert (found["default"]["running"], found["reports"]["scheduled"]) == (1, 1)
    assert (found["reports"]["pending"], found["reports"]["oldest_s"]) == (0, None)


@on_one
def test_queues_in_a_pipe_and_by_field(ctl: Ctl, shop: None) -> None:
    first = ctl("queues").lines[0].split("\t")
    assert first == ["default", "0", "0", "1", "", "0.0", "", "", "0", "false"]
    assert ctl("queues", "-o", "id").lines == ["default", "mail", "media", "reports"]
    assert ctl("queues", "list", "mail", "--fields", "queue,workers", "--header").lines == [
        "queue\tworkers",
        "mail\t1",
    ]
    assert ctl("queues", "--fields", "pendng").err.startswith(
        "error: --fields: no field named 'pendng'. Did you mean pending?"
    )


@on_one
def test_queues_on_a_terminal_fit_80_columns(ctl: Ctl, shop: None) -> None:
    ctl("queues", "pause", "mail", "--reason", "the mail server is away\x1b[2J")
    done = ctl("queues", tty=True, width=80)
    title, *rows = done.lines
    assert title.split() == ["QUEUE", "PENDING", "RUNNING", "OLDEST", "RATE", "WORKERS", "PAUSED"]
    assert [row.split()[0] for row in rows] == ["default", "mail", "media", "reports"]
    assert all(len(line) <= 80 and line.isprintable() for line in done.lines)
    assert re.search(r"mail +2 +0 +1m\d*s? +0 +1  \ds, the mail ", rows[1])


@on_one
def test_no_queue_at_all_says_how_to_make_one(ctl: Ctl, using: str) -> None:
    assert ctl("queues").__dict__ == {"code": 0, "out": "", "err": ""}
    assert "taskctl worker --queue Q" in ctl("queues", tty=True).err


@on_each
def test_a_queue_in_which_all_is_done_is_remembered_for_an_hour(ctl: Ctl, using: str) -> None:
    from django_task_worker.states import Transition
    from django_task_worker.statistics import Recorder

    recorder = Recorder("id-1", "web-1", using)
    recorder.begin()
    recorder.note(Transition.COMPLETE, "mail", "app.tasks.send", 0.5, 0.25)
    recorder.write()
    (record,) = ctl("queues", "--json").records
    assert (record["queue"], record["pending"]) == ("mail", 0)
    assert record["rate_1m"] > 0
    assert (record["wait_p95_s"], record["run_p95_s"]) == (0.5, 0.25)


# --- checks ---


@on_each
def test_too_many_waiting_tasks_are_a_1(ctl: Ctl, shop: None) -> None:
    assert ctl("queues", "--max-pending", 2).code == 0
    done = ctl("queues", "--max-pending", 1)
    assert (done.code, done.err) == (1, "mail: more than 1 task due\n")
    assert ctl("queues", "list", "default", "--max-pending", 0).code == 0
    assert ctl("queues", "--max-pending", 0, "-q").err == ""


@on_one
def test_a_limit_beyond_the_cap_of_the_overview_is_counted(
    ctl: Ctl, shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django_task_worker.snapshot import counts, rows

    for module in (counts, rows):
        monkeypatch.setattr(module, "CAP", 1)
    assert ctl("queues", "--max-pending", 2).code == 0
    assert ctl("queues", "--max-pending", 1).code == 1


@on_one
def test_a_task_that_is_due_for_too_long_is_a_1(ctl: Ctl, shop: None) -> None:
    assert ctl("queues", "--max-age", "5m").code == 0
    done = ctl("queues", "--max-age", "50s")
    assert done.code == 1
    assert re.fullmatch(r"mail: due for 1m\d*s?, longer than 50s\n", done.err)


# --- pause and resume ---


@on_each
def test_a_pause_is_recorded_and_undone_by_what_it_says(ctl: Ctl, shop: None, using: str) -> None:
    from django_task_worker.operation_log import this_user

    done = ctl("queues", "pause", "mail", "default", "mail", "--reason", "away")
    assert (done.code, done.lines) == (0, ["mail", "default"])
    assert done.err == "paused mail, default; undo: taskctl queues resume mail default\n"
    found = paused(using)
    assert set(found) == {"mail", "default"}
    assert (found["mail"].paused_by, found["mail"].pause_reason) == (this_user(), "away")
    assert operations(using) == [("pause", "queue default", "away"), ("pause", "queue mail", "away")]
    done = ctl("queues", "resume", "mail", "default")
    assert (done.code, done.lines) == (0, ["mail", "default"])
    assert done.err == "resumed mail, default; undo: taskctl queues pause mail default\n"
    assert paused(using) == {}
    assert operations(using)[:2] == [("resume", "queue default", ""), ("resume", "queue mail", "")]


@on_each
def test_a_pause_may_end_by_itself(ctl: Ctl, shop: None, using: str) -> None:
    done = ctl("queues", "pause", "mail", "--for", "1h30m", "--utc")
    assert re.fullmatch(r"paused mail for 1h30m, until [-\d]+ [:.\d]+ UTC; undo: .*\n", done.err)
    left = paused(using)["mail"].paused_until - paused(using)["mail"].paused_at
    assert left.total_seconds() == pytest.approx(5400, abs=5)
    (record,) = ctl("queues", "list", "mail", "--json").records
    assert record["paused"]
    assert record["paused_until"] > record["paused_at"]


@on_one
def test_a_pause_that_has_run_out_is_none(ctl: Ctl, shop: None, using: str) -> None:
    from django_task_worker import queries, registry

    registry.pause("mail", until=queries.database_now(using), using=using)
    (record,) = ctl("queues", "list", "mail", "--json").records
    assert (record["paused"], record["paused_at"], record["paused_until"]) == (False, None, None)


@on_one
def test_everything_that_is_paused_is_resumed_at_once(ctl: Ctl, shop: None, using: str) -> None:
    ctl("queues", "pause", "mail", "media")
    assert ctl("queues", "resume", "--all").lines == ["mail", "media"]
    assert ctl("queues", "resume", "--all").__dict__ == {"code": 0, "out": "", "err": "nothing was paused\n"}
    assert ctl("queues", "resume", "mail").err == "mail: not paused\n"


@on_one
def test_an_unknown_queue_is_refused_unless_it_is_to_be_made(ctl: Ctl, shop: None, using: str) -> None:
    done = ctl("queues", "pause", "mial")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[:2] == [
        "error: no queue named 'mial'",
        "  did you mean: mail ?     known: default, mail, media, reports",
    ]
    assert ctl("queues", "resume", "mial").code == 2
    assert ctl("queues", "list", "mial").code == 2
    assert ctl("queues", "pause", "mail", "mial").code == 2
    assert paused(using) == {}
    assert ctl("queues", "pause", "mial", "--create").code == 0
    assert ctl("queues", "pause", "a b", "--create").code == 2
    assert set(paused(using)) == {"mial"}


@on_one
def test_with_json_a_change_ends_in_a_summary(ctl: Ctl, shop: None) -> None:
    queue, summary = ctl("queues", "pause", "mail", "--json").records
    assert (queue["type"], queue["queue"], queue["paused"]) == ("queue", "mail", True)
    assert (summary["action"], summary["matched"], summary["changed"]) == ("pause", 1, 1)
    queue, summary = ctl("queues", "resume", "mail", "--json").records
    assert (queue["paused"], summary["action"]) == (False, "resume")


@on_each
def test_a_reason_of_any_kind_is_stored(ctl: Ctl, shop: None, using: str) -> None:
    assert ctl("queues", "pause", "mail", "--reason", "\ud800\x1b" + "x" * 300).code == 0
    assert paused(using)["mail"].pause_reason.startswith("\N{REPLACEMENT CHARACTER}" * 2 + "xx")


@on_one
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pause"], "queues pause: say which"),
        (["resume"], "queues resume: say which, or --all"),
        (["resume", "mail", "--all"], "queues resume: say which, or --all"),
        (["pause", "mail", "--for", "30"], "--for 30: 30 what? Write 30d, 30h, 30m or 30s"),
        (["pasue", "mail"], "queues: no such verb: pasue. Did you mean pause?"),
        (["--max-pending", "x"], "--max-pending x: must be a whole number"),
        (["--max-age", "x"], "--max-age x: not a duration"),
        (["pause", "mail", "--fro", "1h"], "no such option: --fro. Did you mean --for?"),
    ],
)
def test_what_is_wrong_is_said(ctl: Ctl, using: str, words: list[str], message: str) -> None:
    done = ctl("queues", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {message}")
