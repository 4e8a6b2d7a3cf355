"""Commands that change many tasks: retry, cancel, requeue, purge."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Ctl, Make, on_each, on_one


def statuses(using: str) -> dict[str, str]:
    from django_task_worker.models import DatabaseTask

    return dict(DatabaseTask.objects.using(using).values_list("id", "status"))


def summary(record: dict[str, Any]) -> dict[str, Any]:
    assert (record.pop("v"), record.pop("type")) == (1, "summary")
    assert record.pop("took_s") >= 0
    return record


# --- what they have in common ---


@on_one
@pytest.mark.parametrize(
    ("words", "example"),
    [
        (["retry"], "retry: say which: an id, --failed, --status failed, or --all"),
        (["cancel"], "cancel: say which: an id, --queue Q, --status pending, or --all"),
        (["requeue"], "requeue: say which: --stale, or ids"),
        (["purge"], "purge: say how old: --older-than 7d, or --all"),
        (["purge", "--queue", "x"], "purge: say how old: --older-than 7d, or --all"),
        (["purge", "--older-than", "7"], "--older-than 7: 7 what? Write 7d, 7h, 7m or 7s"),
        (
            ["purge", "--older-than", "7d", "--status", "pending"],
            "--status pending: pending tasks have not finished",
        ),
        (["retry", "--failed", "--status", "failed"], "--failed and --status: one of them"),
        (["requeue", "--stale", "--max-tries", "x"], "--max-tries x: choose fail or requeue"),
        (["retry", "--failed", "--queue-to", "a b"], "the queue name 'a b'"),
        (["cancel", "--queue", "nosuch"], "no queue named 'nosuch'"),
        (["retry", "--failed", "--queue", "nosuch"], "no queue named 'nosuch'"),
        (["requeue", "--stale", "--queue", "nosuch"], "no queue named 'nosuch'"),
        (["purge", "--all", "--queue", "nosuch"], "no queue named 'nosuch'"),
    ],
)
def test_a_change_must_say_what_it_is_about(ctl: Ctl, using: str, words: list[str], example: str) -> None:
    done = ctl(*words)
    assert done.code == 2
    assert example in done.err


@on_one
@pytest.mark.parametrize("words", [["retry", "nosuchid"], ["cancel", "nosuchid"], ["requeue", "nosuchid"]])
def test_an_unknown_id_is_not_found(ctl: Ctl, using: str, words: list[str]) -> None:
    assert ctl(*words).code == 3


@on_one
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["retry", "--failed"], "nothing to retry\n"),
        (["retry-failed"], "nothing to retry\n"),
        (["cancel", "--all"], "nothing to cancel\n"),
        (["purge", "--all"], "nothing to purge\n"),
        (["requeue", "--stale"], ""),
        (["requeue-stale"], ""),
    ],
)
def test_nothing_to_do_is_no_failure(ctl: Ctl, using: str, words: list[str], said: str) -> None:
    assert ctl(*words).__dict__ == {"code": 0, "out": "", "err": said}


@on_one
@pytest.mark.parametrize(
    "words", [["retry", "--failed"], ["cancel", "--all"], ["requeue", "--stale"], ["purge", "--all"]]
)
def test_a_dry_run_changes_nothing(ctl: Ctl, make: Make, using: str, words: list[str]) -> None:
    for status in ("PENDING", "FAILED", "COMPLETED"):
        make(status)
    make("PROGRESS", age_s=60)
    before = statuses(using)
    done = ctl(*words, "--dry-run")
    assert done.code == 0
    assert done.err.startswith("would ")
    assert statuses(using) == before


@on_one
@pytest.mark.parametrize(
    "words",
    [
        ["cancel", "-"],
        ["cancel", "-", "--queue", "default", "--yes"],
        ["retry", "-"],
        ["retry", "-", "--queue", "default", "--yes"],
        ["retry", "-", "--failed"],
        ["requeue", "-"],
        ["requeue", "-", "--stale"],
    ],
)
def test_no_ids_on_stdin_are_no_tasks_and_never_all(
    ctl: Ctl, make: Make, using: str, words: list[str]
) -> None:
    make("PENDING")
    make("FAILED")
    make("PROGRESS", age_s=120, lease_s=30)
    before = statuses(using)
    done = ctl(*words, stdin="\n")
    assert (done.code, done.out) == (0, "")
    assert statuses(using) == before


# --- retry ---


@on_each
def test_retry_starts_over_what_failed_for_good(ctl: Ctl, make: Make, using: str) -> None:
    failed = [make("FAILED", retry_count=2, error="x", age_s=60).pk for _ in range(3)]
    retrying = make("FAILED", next_attempt_at=make().due_at, finished_at=None)
    make("COMPLETED")
    make("CANCELLED")
    done = ctl("retry", "--failed")
    assert done.code == 0
    assert sorted(done.lines) == sorted(failed)
    assert done.err == "3 tasks pending again\n"
    assert {pk for pk, status in statuses(using).items() if status == "PENDING"} >= set(failed)
    assert statuses(using)[retrying.pk] == "FAILED"
    (record,) = ctl("show", failed[0], "--json").records
    assert (record["tries"], record["error"], record["status"]) == (1, None, "pending")


@on_one
def test_retry_failed_may_be_written_in_three_ways(ctl: Ctl, make: Make) -> None:
    for words in (["retry", "--failed"], ["retry", "failed"], ["retry-failed"]):
        task = make("FAILED")
        assert ctl(*words).lines == [task.pk]


@on_one
def test_retry_by_selector(ctl: Ctl, make: Make) -> None:
    mail = make("FAILED", name="mail.tasks.send", queue="mail")
    make("FAILED", name="app.tasks.add")
    old = make("FAILED", name="mail.tasks.send", age_s=7200)
    assert ctl("retry", "--failed", "--since", "-1h", "--task", "mail.*").lines == [mail.pk]
    assert ctl("retry", "--status", "failed", "--older-than", "1h").lines == [old.pk]


@on_one
def test_retry_skips_what_has_not_failed_and_says_why(ctl: Ctl, make: Make) -> None:
    running, completed, failed = make("PROGRESS"), make("COMPLETED"), make("FAILED")
    done = ctl("retry", running.pk, completed.pk, failed.pk)
    assert (done.code, done.lines) == (0, [failed.pk])
    assert done.err == "1 task pending again, 2 skipped (not failed for good)\n"
    assert ctl("retry", running.pk).err == "0 tasks pending again, 1 skipped (it is running)\n"
    alone = ctl("retry", completed.pk)
    assert (
        alone.err == "0 tasks pending again, 1 skipped (it is completed; --force retries it all the same)\n"
    )
    assert ctl("retry", completed.pk, "--force").lines == [completed.pk]


@on_one
def test_a_dry_run_of_retry_skips_what_would_be_skipped(ctl: Ctl, make: Make) -> None:
    make("PENDING")
    failed = make("FAILED")
    done = ctl("retry", "--status", "pending,failed", "--dry-run")
    assert (done.lines, done.err) == ([failed.pk], "would retry 1 task, 1 skipped (not failed for good)\n")


@on_one
def test_a_dry_run_of_purge_counts_what_would_go(ctl: Ctl, make: Make) -> None:
    make("COMPLETED", age_s=8 * 86400)
    words = ["purge", "--older-than", "7d", "--dry-run"]
    assert ctl(*words).err == "would delete 1 completed or cancelled task older than 7d\n"
    (summary,) = ctl(*words, "--json").records
    assert (summary["matched"], summary["changed"], summary["skipped"]) == (1, 1, 0)


@on_each
def test_retry_can_delay_spread_and_move(ctl: Ctl, make: Make, using: str) -> None:
    from django_task_worker import queries

    for _ in range(4):
        make("FAILED")
    assert ctl("retry", "--failed", "--delay", "1h", "--spread", "40m", "--queue-to", "slow").code == 0
    now = queries.database_now(using)
    due = sorted(
        (task.due_at - now).total_seconds() / 60 for task in queries.select(queries.Selection(), using)
    )
    assert due == pytest.approx([60, 70, 80, 90], abs=0.5)
    assert {task.queue for task in queries.select(queries.Selection(), using)} == {"slow"}


@on_one
def test_retry_takes_no_more_than_its_limit(ctl: Ctl, make: Make) -> None:
    for _ in range(3):
        make("FAILED")
    assert len(ctl("retry", "--failed", "--limit", 2).lines) == 2


@on_one
def test_retry_asks_on_a_terminal_for_more_than_one(ctl: Ctl, make: Make) -> None:
    one = make("FAILED")
    assert ctl("retry", one.pk, tty=True).err == "1 task pending again\n"
    for _ in range(2):
        make("FAILED")
    refused = ctl("retry", "--failed", answer="n\n")
    assert (refused.code, refused.out) == (4, "")
    assert refused.err == "retry 2 tasks? [y/N] error: nothing was changed\n"
    agreed = ctl("retry", "--failed", answer="y\n")
    assert (agreed.code, agreed.out) == (0, "")
    assert agreed.err == "retry 2 tasks? [y/N] 2 tasks pending again\n"


@on_one
def test_retry_of_everything_needs_a_yes_where_nobody_can_be_asked(ctl: Ctl, make: Make) -> None:
    for _ in range(2):
        make("FAILED")
    done = ctl("retry", "--all")
    assert done.code == 4
    assert done.err.splitlines() == [
        "error: retry would start 2 tasks over and can't ask (no terminal)",
        "try: add --yes, or look first with --dry-run",
    ]
    assert len(ctl("retry", "--all", "--yes").lines) == 2


@on_one
def test_with_json_each_task_is_an_object_and_the_last_line_a_summary(ctl: Ctl, make: Make) -> None:
    task, running = make("FAILED"), make("PROGRESS")
    first, last = ctl("retry", task.pk, running.pk, "--json").records
    assert (first["type"], first["id"], first["status"]) == ("task", task.pk, "pending")
    assert summary(last) == {"action": "retry", "matched": 2, "changed": 1, "skipped": 1, "dry_run": False}


# --- cancel ---


@on_each
def test_cancel_ends_what_waits_and_asks_for_what_runs(ctl: Ctl, make: Make, using: str) -> None:
    pending, running, completed = make(), make("PROGRESS"), make("COMPLETED")
    done = ctl("cancel", "--all", "--yes")
    assert done.code == 0
    assert done.lines == [pending.pk, running.pk]
    assert done.err == "1 task cancelled, the worker of 1 task is asked to stop it\n"
    assert statuses(using) == {pending.pk: "CANCELLED", running.pk: "PROGRESS", completed.pk: "COMPLETED"}
    assert ctl("list", "--status", "cancelling", "-o", "id").lines == [running.pk]


@on_one
def test_one_waiting_task_is_cancelled_without_a_question(ctl: Ctl, make: Make) -> None:
    task = make()
    assert ctl("cancel", task.pk[:8], "-q").__dict__ == {"code": 0, "out": f"{task.pk}\n", "err": ""}
    assert ctl("cancel", task.pk).err == "nothing to cancel: it has finished\n"


@on_one
def test_cancel_asks_for_more_than_one_and_for_a_running_one(ctl: Ctl, make: Make) -> None:
    running = make("PROGRESS")
    assert ctl("cancel", running.pk).code == 4
    assert ctl("cancel", running.pk, answer="n\n").err.startswith("cancel a running task? [y/N] ")
    make()
    assert ctl("cancel", "--all", answer="n\n").err.startswith("cancel 2 tasks, 1 of them running? [y/N] ")


# --- requeue ---


@on_each
def test_requeue_settles_tasks_whose_worker_died(ctl: Ctl, make: Make, using: str) -> None:
    spent = make("PROGRESS", age_s=60)
    budget = make("PROGRESS", age_s=60, max_retries=1)
    alive = make("PROGRESS")
    assert set(ctl("requeue", "--stale", "--dry-run").lines) == {spent.pk, budget.pk}
    done = ctl("requeue", "--stale")
    assert done.code == 0
    assert set(done.lines) == {spent.pk, budget.pk}
    assert done.err.startswith("2 stale tasks: 1 ")
    assert "1 run again" in done.err
    assert "1 failed as lost" in done.err
    assert statuses(using) == {spent.pk: "FAILED", budget.pk: "FAILED", alive.pk: "PROGRESS"}
    assert ctl("list", "--status", "retrying", "-o", "id").lines == [budget.pk]
    assert ctl("requeue-stale").__dict__ == {"code": 0, "out": "", "err": ""}


@on_one
def test_requeue_can_put_back_what_has_no_tries_left(ctl: Ctl, make: Make, using: str) -> None:
    task = make("PROGRESS", age_s=60)
    assert ctl("requeue-stale", "--max-tries", "requeue").lines == [task.pk]
    assert statuses(using) == {task.pk: "PENDING"}


@on_one
def test_requeue_takes_only_what_is_old_enough(ctl: Ctl, make: Make) -> None:
    make("PROGRESS", age_s=60)
    old = make("PROGRESS", age_s=600)
    assert ctl("requeue", "--stale", "--older-than", "5m").lines == [old.pk]


@on_one
def test_requeue_by_id_takes_stale_ones_only_and_says_why(ctl: Ctl, make: Make) -> None:
    stale, failed = make("PROGRESS", age_s=60), make("FAILED")
    done = ctl("requeue", stale.pk, failed.pk)
    assert done.lines == [stale.pk]
    assert done.err.splitlines()[0] == f"skipped {failed.pk[:12]}: it is failed, not stale"


@on_one
def test_requeue_can_be_a_monitoring_check(ctl: Ctl, make: Make) -> None:
    assert ctl("requeue", "--stale", "--fail-if-any").code == 0
    make("PROGRESS", age_s=60)
    assert ctl("requeue", "--stale", "--fail-if-any", "--dry-run").code == 1
    assert ctl("requeue", "--stale", "--fail-if-any", "-q").code == 1
    (record,) = ctl("requeue", "--stale", "--json").records
    assert summary(record) == {
        "action": "requeue",
        "matched": 0,
        "changed": 0,
        "skipped": 0,
        "dry_run": False,
    }


# --- purge ---


@on_each
def test_purge_deletes_what_finished_long_ago(ctl: Ctl, make: Make, using: str) -> None:
    old = {make(status, age_s=8 * 86400).pk for status in ("COMPLETED", "CANCELLED")}
    kept = {make(status, age_s=8 * 86400).pk for status in ("FAILED", "PENDING")} | {make("COMPLETED").pk}
    done = ctl("purge", "--older-than", "7d", "--yes")
    assert (done.code, set(done.lines), done.err) == (0, old, "deleted 2 tasks\n")
    assert set(statuses(using)) == kept


@on_one
def test_purge_by_status_name_and_queue(ctl: Ctl, make: Make) -> None:
    task = make("FAILED", name="mail.tasks.send", queue="mail", age_s=60)
    make("FAILED", name="mail.tasks.send", age_s=60)
    make("COMPLETED", name="mail.tasks.send", queue="mail", age_s=60)
    words = ["--older-than", "1s", "--status", "failed", "--task", "mail.*", "--queue", "mail", "--yes"]
    assert ctl("purge", *words).lines == [task.pk]


@on_each
def test_purge_can_keep_the_newest_of_each_name(ctl: Ctl, make: Make, using: str) -> None:
    kept = {make("COMPLETED", name=name, age_s=age).pk for name in ("a.b", "a.c") for age in (1, 2)}
    gone = {make("COMPLETED", name="a.b", age_s=age).pk for age in (3, 4, 5)}
    assert (
        ctl("purge", "--all", "--keep", 2, "--dry-run").err == "would delete 3 completed or cancelled tasks\n"
    )
    assert set(ctl("purge", "--all", "--keep", 2, "--yes", "--batch", 2, "--pause", 0).lines) == gone
    assert set(statuses(using)) == kept


@on_one
def test_purge_works_in_batches_up_to_its_limit(ctl: Ctl, make: Make, using: str) -> None:
    for age in range(1, 6):
        make("COMPLETED", age_s=age)
    assert len(ctl("purge", "--all", "--limit", 3, "--batch", 2, "--pause", "1ms", "--yes").lines) == 3
    done = ctl("purge", "--all", "--batch", 1, "--max-time", "0", "--yes")
    assert (done.code, done.err) == (0, "deleted 1 task, stopped after 0s\n")
    assert len(statuses(using)) == 1


@on_one
def test_purge_asks_and_for_everything_wants_the_number_typed(ctl: Ctl, make: Make, using: str) -> None:
    for _ in range(3):
        make("COMPLETED", age_s=60)
    done = ctl("purge", "--older-than", "1s")
    assert done.code == 4
    assert done.err.splitlines()[0] == "error: purge would delete 3 tasks and can't ask (no terminal)"
    asked = ctl("purge", "--older-than", "1s", answer="n\n")
    assert asked.code == 4
    assert asked.err.startswith("delete 3 completed or cancelled tasks older than 1s? [y/N] ")
    assert ctl("purge", "--all", answer="y\n").code == 4
    assert len(statuses(using)) == 3
    typed = ctl("purge", "--all", answer="3\n")
    assert typed.code == 0
    assert "This cannot be undone. Type 3 to go on: deleted 3 tasks\n" in typed.err
    assert typed.out == ""


@on_one
def test_purge_with_json_names_what_is_gone(ctl: Ctl, make: Make) -> None:
    task = make("COMPLETED", age_s=60)
    gone, last = ctl("purge", "--older-than", "1s", "--yes", "--json").records
    assert gone == {"v": 1, "type": "purged", "id": task.pk}
    assert summary(last) == {"action": "purge", "matched": 1, "changed": 1, "skipped": 0, "dry_run": False}


# --- the log of operations ---


def recorded(using: str) -> list[Any]:
    from django_task_worker import operation_log

    return operation_log.recent(using=using)


@on_one
@pytest.mark.parametrize(
    ("status", "words", "action", "selector"),
    [
        ("FAILED", ["retry", "--failed", "--task", "app.*"], "retry", "--failed --task 'app.*'"),
        ("FAILED", ["retry-failed", "--since", "-1h"], "retry", "--failed --since -1h"),
        ("PENDING", ["cancel", "--all", "--yes"], "cancel", "--all"),
        ("PROGRESS", ["requeue", "--stale"], "requeue", "--stale"),
        ("PROGRESS", ["requeue-stale", "--older-than", "1s"], "requeue", "--older-than 1s --stale"),
        (
            "COMPLETED",
            ["purge", "--older-than", "7s", "--yes"],
            "purge",
            "--older-than 7s --status completed,cancelled",
        ),
    ],
)
def test_every_change_says_who_when_why_and_to_how_many(
    ctl: Ctl, make: Make, using: str, words: list[str], status: str, action: str, selector: str
) -> None:
    from django_task_worker.operation_log import this_user

    tasks = [make(status, age_s=60) for _ in range(2)]
    assert ctl(*words, "--reason", "the mail server is back").code == 0
    (found,) = recorded(using)
    assert (found.action, found.who, found.via) == (action, this_user(), "taskctl")
    assert (found.selector, found.reason) == (selector, "the mail server is back")
    assert (found.matched, found.changed, found.skipped) == (2, 2, 0)
    assert {target.task_id for target in found.targets.all()} == {task.pk for task in tasks}


@on_one
@pytest.mark.parametrize(
    "words", [["retry", "--failed"], ["cancel", "--all"], ["requeue", "--stale"], ["purge", "--all"]]
)
def test_what_changes_nothing_is_not_recorded(ctl: Ctl, make: Make, using: str, words: list[str]) -> None:
    assert ctl(*words).code == 0
    make("FAILED")
    assert ctl("retry", "--failed", "--dry-run").code == 0
    assert recorded(using) == []


@on_one
def test_what_was_skipped_is_counted_and_the_ids_are_the_selector(ctl: Ctl, make: Make, using: str) -> None:
    failed, running = make("FAILED"), make("PROGRESS")
    ctl("retry", failed.pk, running.pk)
    (found,) = recorded(using)
    assert found.selector == f"{failed.pk} {running.pk}"
    assert (found.matched, found.changed, found.skipped) == (2, 1, 1)


@on_one
def test_a_change_that_is_cut_off_is_recorded_as_far_as_it_got(
    ctl: Ctl, make: Make, using: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskctl.commands import retry
    from taskctl.progress import Progress

    def interrupt(self: Progress, done: int) -> None:
        raise KeyboardInterrupt

    for _ in range(2):
        make("FAILED")
    monkeypatch.setattr(retry, "CHUNK", 1)
    monkeypatch.setattr(Progress, "update", interrupt)
    assert ctl("retry", "--failed").code == 130
    (found,) = recorded(using)
    assert (found.matched, found.changed) == (2, 1)


@on_each
def test_show_tells_what_operators_did_to_a_task(ctl: Ctl, make: Make) -> None:
    task, _ = make("FAILED"), make("FAILED")
    ctl("retry", "--failed", "--reason", "again\x1b[2J")
    ctl("cancel", task.pk, "--yes")
    (record,) = ctl("show", task.pk, "--json").records
    cancel, retry = record["operations"]
    assert list(retry) == ["at", "action", "who", "via", "reason", "selector", "changed"]
    assert (retry["action"], retry["changed"], cancel["action"]) == ("retry", 2, "cancel")
    assert (cancel["selector"], cancel["reason"]) == (task.pk, None)
    *_, first, second = ctl("show", task.pk, tty=True).lines
    assert first.startswith("cancel      0s ago by ")
    assert second.startswith("retry       0s ago by ")
    assert second.endswith(", with 1 other task: again\N{REPLACEMENT CHARACTER}[2J")
