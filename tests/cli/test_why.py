"""`taskctl why`, `taskctl stack` and `taskctl logs`: what they say, in which form, with which exit code."""

from __future__ import annotations

from typing import Any

import pytest

from django_task_worker import registry
from django_task_worker.models import DatabaseTask
from django_task_worker.records import TaskLog
from tests.cli.conftest import Ctl, Make, on_each, on_one

HOSTILE = "\x1b[2J\x1b]0;x\x07[/] \x9b31m \u202e evil\ttab"


@pytest.fixture
def log(using: str) -> Any:
    """What an attempt of a task has written, as a worker stores it."""

    def store(task: DatabaseTask, text: str, number: int = 1, **fields: Any) -> TaskLog:
        values = {"lease": f"{TaskLog.objects.using(using).count():022}", "worker": "web-1", "is_final": True}
        size = len(text.encode())
        return TaskLog.objects.using(using).create(
            task_id=task.pk, number=number, text=text, size=size, **(values | fields)
        )

    return store


# --- why ---


@on_each
def test_a_reason_comes_with_the_command_that_helps(ctl: Ctl, make: Make, up: Any, using: str) -> None:
    up()
    task = make(queue="reports", age_s=60)
    registry.pause("reports", by="ana", reason="deploy", using=using)
    done = ctl("why", task.pk[:8])
    assert done.code == 0
    (line,) = done.lines
    assert line.split("\t") == [
        "queue-paused",
        "the queue 'reports' was paused less than a second ago by ana: deploy",
        "taskctl queues resume reports",
    ]


@on_one
def test_in_json_it_is_one_object(ctl: Ctl, make: Make) -> None:
    task = make(queue="mail", due_at=make(age_s=-3600 * 3 - 725).due_at)
    (record,) = ctl("why", task.pk, "--json").records
    assert list(record) == [
        *("v", "type", "id", "task", "queue", "status", "derived", "summary", "reasons", "commands"),
    ]
    assert (record["type"], record["status"], record["derived"]) == ("why", "pending", "scheduled")
    assert [reason["code"] for reason in record["reasons"]] == ["not-due", "no-worker"]
    assert record["summary"].startswith("scheduled: it is due in 3 h 1")
    assert record["commands"] == ["taskctl worker --queue mail"]
    assert ctl("why", task.pk, "--json", "--fields", "id,commands").records == [
        {"id": task.pk, "commands": ["taskctl worker --queue mail"]}
    ]


@on_one
def test_on_a_terminal_sentences_are_folded_between_words(ctl: Ctl, make: Make, up: Any) -> None:
    up("web-1", ("mail",))
    task = make(queue="reports", age_s=60)
    up("a-worker-with-a-name", ("several", "queues", "of", "its", "own"))
    lines = ctl("why", task.pk, tty=True).lines
    assert lines == [
        f"id          {task.pk}",
        "task        app.tasks.add",
        "status      pending",
        "because     no worker that is up takes tasks of the queue 'reports'; there is a-worker-with-a-name",
        "            (several, queues, of, its, own), web-1 (mail)",
        "try         taskctl worker --queue reports",
    ]


@on_one
def test_columns_are_chosen_and_named(ctl: Ctl, make: Make) -> None:
    task = make("FAILED", error_type="KeyError", error="'sku'")
    done = ctl("why", task.pk, "--fields", "code,command", "--header")
    assert done.lines == [
        "code\tcommand",
        f"raised\ttaskctl show {task.pk}",
        f"no-retries\ttaskctl retry {task.pk}",
    ]
    assert ctl("why", task.pk, "-o", "id").out == f"{task.pk}\n"
    assert ctl("why", task.pk, "--fields", "cod").code == 2


@on_one
@pytest.mark.parametrize("verb", ["why", "stack", "logs"])
def test_a_task_that_is_not_there_is_not_found(ctl: Ctl, make: Make, verb: str) -> None:
    done = ctl(verb, "nosuchid")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error: no task with the id 'nosuchid'\n")


@on_one
@pytest.mark.parametrize("form", ["table", "tsv", "json"])
def test_nothing_that_others_have_stored_reaches_the_terminal_raw(
    ctl: Ctl, make: Make, up: Any, log: Any, using: str, form: str
) -> None:
    waiting = make(queue="mail", name=HOSTILE)
    up(HOSTILE, ("other",))
    registry.pause("mail", by=HOSTILE, reason=HOSTILE, using=using)
    failed = make("FAILED", error_type="KeyError", error=HOSTILE, worker=HOSTILE)
    log(failed, f"{HOSTILE}\n", worker=HOSTILE)
    for words in (["why", waiting.pk], ["why", failed.pk], ["stack", failed.pk], ["logs", failed.pk]):
        done = ctl(*words, "-o", form, tty=form != "tsv")
        for line in (done.out + done.err).replace("\t", "").splitlines():
            assert line.isprintable()


# --- stack ---


@on_one
@pytest.mark.parametrize(
    ("status", "word"), [("PENDING", "pending"), ("COMPLETED", "completed"), ("FAILED", "failed")]
)
def test_a_task_that_does_not_run_has_no_stack(ctl: Ctl, make: Make, status: str, word: str) -> None:
    task = make(status)
    done = ctl("stack", task.pk)
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        f"error: app.tasks.add is not running: it is {word}",
        f"try: taskctl why {task.pk[:12]}",
    ]
    assert '"code":"not-running","exit":1' in ctl("stack", task.pk, "--json").err


@on_one
def test_a_worker_that_does_not_answer_is_waited_for_no_longer_than_wanted(ctl: Ctl, make: Make) -> None:
    task = make("PROGRESS")
    done = ctl("stack", task.pk, "--timeout", "50ms")
    assert (done.code, done.out) == (124, "")
    assert done.err.splitlines()[0] == "error: no answer from its worker web-1 after 50ms"
    assert ctl("stack", task.pk, "--timeout", "soon").code == 2


# --- logs ---


@on_one
def test_what_attempts_have_written_is_text_in_a_pipe(ctl: Ctl, make: Make, log: Any) -> None:
    task = make("FAILED")
    log(task, "first\n\tindented\n10%\r20%\rdone\r\nno end")
    log(task, "second\n", 2)
    done = ctl("logs", task.pk)
    assert (done.code, done.err) == (0, "")
    assert done.lines == ["first", "        indented", "done", "no end", "second"]
    assert ctl("logs", task.pk, "--attempt", "2").lines == ["second"]
    assert ctl("logs", task.pk, "--fields", "attempt,text").lines[:2] == ["1\tfirst", "1\t\\tindented"]
    assert ctl("logs", task.pk, "--fields", "atempt").code == 2


@on_one
def test_on_a_terminal_each_attempt_has_a_heading(ctl: Ctl, make: Make, log: Any) -> None:
    task = make("FAILED")
    log(task, "first\n")
    log(task, "again\n")
    log(task, "second\n", 2, worker=None)
    assert ctl("logs", task.pk, tty=True).lines == [
        "attempt 1 on web-1",
        "first",
        "attempt 1 on web-1",
        "again",
        "attempt 2",
        "second",
    ]


@on_one
def test_in_json_each_line_is_an_object(ctl: Ctl, make: Make, log: Any) -> None:
    task = make("FAILED")
    log(task, "naïve\tline\n\n")
    first, second = ctl("logs", task.pk, "--json").records
    assert first == {
        "v": 1,
        "type": "log_line",
        "id": task.pk,
        "task": "app.tasks.add",
        "attempt": 1,
        "worker": "web-1",
        "text": "naïve\tline",
    }
    assert second["text"] == ""


@on_one
@pytest.mark.parametrize(
    ("status", "words", "note"),
    [
        ("PENDING", [], "it has not run yet; --follow waits for it"),
        ("PROGRESS", [], "it is running; nothing is stored so far, --follow shows more"),
        (
            "COMPLETED",
            [],
            'nothing is kept: that needs TASK_WORKER["KEEP_LOGS"] = "all" for a task that completes',
        ),
        ("FAILED", [], "it has written nothing"),
        ("FAILED", ["--attempt", "3"], "nothing is kept of attempt 3"),
    ],
)
def test_silence_is_explained(ctl: Ctl, make: Make, status: str, words: list[str], note: str) -> None:
    task = make(status)
    assert ctl("logs", task.pk, *words).__dict__ == {"code": 0, "out": "", "err": f"{note}\n"}


@on_one
def test_following_a_task_that_has_ended_prints_all_and_ends(ctl: Ctl, make: Make, log: Any) -> None:
    task = make("FAILED", retry_count=1)
    log(task, "first\n")
    log(task, "second", 2)
    assert ctl("logs", task.pk, "-f").lines == ["first", "second"]
    assert ctl("logs", task.pk, "-f", "--attempt", "1").lines == ["first"]
    assert ctl("logs", task.pk[:8], "-f", "--attempt", "9").err == "nothing is kept of attempt 9\n"
