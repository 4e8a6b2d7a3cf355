"""`taskctl list` and `taskctl show`: which tasks, in which form."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from django_task_worker.models import DatabaseTask, TaskAttempt
from tests.cli.conftest import Ctl, Make, on_each, on_one

TASK_KEYS = [
    "v",
    "type",
    "id",
    "task",
    "queue",
    "status",
    "derived",
    "priority",
    "tries",
    "max_tries",
    "created_at",
    "due_at",
    "started_at",
    "finished_at",
    "wait_s",
    "run_s",
    "time_limit_s",
    "worker",
    "lease_until",
    "unique_key",
    "error_type",
    "error",
]
SHOW_KEYS = [*TASK_KEYS, "args", "kwargs", "result", "traceback", "attempts", "operations", "progress"]
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def one_of_each(make: Make) -> dict[str, str]:
    """A task in each state, by the word for it; the oldest first."""
    later = make(age_s=-3600).due_at
    tasks = {
        "pending": make(age_s=90),
        "scheduled": make(age_s=80, due_at=later),
        "running": make("PROGRESS", age_s=2),
        "stale": make("PROGRESS", age_s=70),
        "cancelling": make("PROGRESS", age_s=2, cancel_requested_at=later),
        "completed": make("COMPLETED", age_s=60),
        "failed": make("FAILED", age_s=50, error_type="ValueError", error="no luck\nat all"),
        "retrying": make("FAILED", age_s=40, next_attempt_at=later, finished_at=None),
        "cancelled": make("CANCELLED", age_s=30),
    }
    DatabaseTask.objects.using(tasks["pending"]._state.db).filter(due_at=later, created_at=later).delete()
    return {word: task.pk for word, task in tasks.items()}


@on_one
def test_a_list_in_a_pipe_is_tsv_newest_first(ctl: Ctl, make: Make) -> None:
    old, new = make(age_s=60), make("COMPLETED", worker="web-1", max_retries=2)
    done = ctl("list")
    assert (done.code, done.err) == (0, "")
    first, second = (line.split("\t") for line in done.lines)
    assert re.fullmatch(TIME, first.pop(4))
    assert first == [new.pk, "completed", "app.tasks.add", "default", "0.0", "0.5", "1/3", "web-1", ""]
    assert second[:4] == [old.pk, "pending", "app.tasks.add", "default"]
    assert second[5:] == ["", "", "1", "", ""]


@on_one
def test_an_empty_list_is_no_error(ctl: Ctl, using: str) -> None:
    assert ctl("list").__dict__ == {"code": 0, "out": "", "err": ""}
    assert ctl("list", tty=True).err == "no tasks\n"


@on_one
def test_json_holds_every_key_always(ctl: Ctl, one_of_each: dict[str, str]) -> None:
    done = ctl("list", "--json")
    assert len(done.records) == len(one_of_each)
    for record in done.records:
        assert list(record) == TASK_KEYS
        assert (record["v"], record["type"]) == (1, "task")
        assert re.fullmatch(TIME, record["created_at"])
        assert isinstance(record["time_limit_s"], float)


@on_one
def test_the_derived_status_is_told_beside_the_stored_one(ctl: Ctl, one_of_each: dict[str, str]) -> None:
    records = {record["id"]: record for record in ctl("list", "--json").records}
    told = {word: (records[pk]["status"], records[pk]["derived"]) for word, pk in one_of_each.items()}
    assert told == {
        "pending": ("pending", None),
        "scheduled": ("pending", "scheduled"),
        "running": ("running", None),
        "stale": ("running", "stale"),
        "cancelling": ("running", "cancelling"),
        "completed": ("completed", None),
        "failed": ("failed", None),
        "retrying": ("failed", "retrying"),
        "cancelled": ("cancelled", None),
    }


@on_each
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pending", "pending scheduled"),
        ("running", "running stale cancelling"),
        ("failed", "failed retrying"),
        ("scheduled", "scheduled"),
        ("retrying", "retrying"),
        ("stale", "stale"),
        ("cancelling", "cancelling"),
        ("PROGRESS", "running stale cancelling"),
        ("Completed,cancelled", "completed cancelled"),
    ],
)
def test_status_takes_stored_and_derived_words(
    ctl: Ctl, one_of_each: dict[str, str], words: str, expected: str
) -> None:
    found = set(ctl("list", "--status", words, "-o", "id").lines)
    assert found == {one_of_each[word] for word in expected.split()}


@on_one
def test_an_unknown_status_names_the_nearest(ctl: Ctl, using: str) -> None:
    done = ctl("list", "--status", "faild")
    assert done.code == 2
    assert done.err == "error: --status faild: no such status. Did you mean failed?\n"


@on_each
def test_tasks_are_selected_by_name_queue_and_worker(ctl: Ctl, make: Make) -> None:
    mail = make(name="mail.tasks.send", queue="mail")
    many = make("COMPLETED", name="app.tasks.add_many", worker="web-2")
    odd = make(name="app_tasks.add")

    def ids(*words: str) -> set[str]:
        return set(ctl("list", "-o", "id", *words).lines)

    assert ids("--task", "mail.*") == {mail.pk}
    assert ids("--task", "app.tasks.*") == {many.pk}
    assert ids("--task", "app?tasks.add") == {odd.pk}
    assert ids("--task", "app_tasks.add") == {odd.pk}
    assert ids("--task", "mail") == set()
    assert ids("--queue", "mail") == {mail.pk}
    assert ids("--worker", "web-2") == {many.pk}
    assert ids(mail.pk, odd.pk) == {mail.pk, odd.pk}


@on_each
def test_tasks_are_selected_by_the_time_of_their_end_or_their_creation(ctl: Ctl, make: Make) -> None:
    old = make("FAILED", age_s=7200)
    late = make("FAILED", age_s=0)
    DatabaseTask.objects.using(late._state.db).filter(pk=late.pk).update(created_at=old.created_at)
    waiting = make(age_s=5400)

    def ids(*words: str) -> set[str]:
        return set(ctl("list", "-o", "id", *words).lines)

    assert ids("--since", "-1h") == {late.pk}
    assert ids("--older-than", "1h") == {old.pk, waiting.pk}
    assert ids("--until", "-100m") == {old.pk}
    assert ids("--since", "-110m", "--until", "-1h") == {waiting.pk}


@on_one
def test_a_time_without_an_offset_is_echoed(ctl: Ctl, using: str) -> None:
    assert (
        ctl("list", "--since", "2026-01-02T03:04").err
        == "--since 2026-01-02T03:04 is 2026-01-02 03:04:00.000 UTC\n"
    )


@on_each
def test_errors_are_searched_in_the_last_day_only(ctl: Ctl, make: Make) -> None:
    new = make("FAILED", error="Connection REFUSED", age_s=60)
    old = make("FAILED", error_type="ConnectionError", error="x", age_s=2 * 86400)
    make("FAILED", error="other")
    assert ctl("list", "--error", "connection", "-o", "id").lines == [new.pk]
    assert ctl("list", "--error", "connection", "--since", "-3d", "-o", "id").lines == [new.pk, old.pk]


@on_each
def test_a_list_goes_on_by_key_and_not_by_offset(ctl: Ctl, make: Make) -> None:
    ids = [make(age_s=age).pk for age in (1, 1, 2, 3, 4)]
    pages: list[str] = []
    after: list[str] = []
    for _ in range(3):
        page = ctl("list", "-o", "id", "--limit", "2", *after).lines
        pages += page
        after = ["--after", page[-1]]
    assert len(pages) == 5
    assert set(pages) == set(ids)
    assert ctl("list", "--limit", "0", "-o", "id").lines == pages
    assert ctl("list", "--reverse", "--limit", "0", "-o", "id").lines == pages[::-1]


@on_each
@pytest.mark.parametrize("key", ["created", "due", "started", "finished", "run", "wait"])
@pytest.mark.parametrize("reverse", [[], ["--reverse"]])
def test_every_sort_pages_without_loss_and_puts_what_has_no_key_last(
    ctl: Ctl, make: Make, key: str, reverse: list[str]
) -> None:
    for age in (5, 3, 3, 1):
        make("COMPLETED", age_s=age, duration=age)
    make(age_s=2)
    make(age_s=4)
    whole = ctl("list", "--sort", key, "--json", *reverse).records
    column = {"run": "run_s", "wait": "wait_s"}.get(key, f"{key}_at")
    keys = [record[column] for record in whole]
    present = [value for value in keys if value is not None]
    assert present == sorted(present, reverse=not reverse)
    assert keys[: len(present)] == present
    pages: list[str] = []
    while page := ctl(
        "list", "--sort", key, "--limit", 1, "-o", "id", *reverse, *(["--after", pages[-1]] if pages else [])
    ).lines:
        pages += page
    assert pages == [record["id"] for record in whole]


@on_one
def test_the_count_is_a_number(ctl: Ctl, make: Make) -> None:
    for _ in range(3):
        make()
    assert ctl("list", "--count").out == "3\n"
    assert ctl("list", "--count", "--status", "failed").out == "0\n"
    assert ctl("list", "--count", "--json").records == [
        {"v": 1, "type": "count", "count": 3, "capped": False}
    ]


@on_each
def test_a_large_count_is_capped_unless_exact(ctl: Ctl, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from django_task_worker import queries

    monkeypatch.setattr(queries, "COUNT_CAP", 2)
    monkeypatch.setattr(queries.count, "__kwdefaults__", {"cap": 2})
    for _ in range(3):
        make()
    assert ctl("list", "--count").out == "2+\n"
    assert ctl("list", "--count", "--exact").out == "3\n"


@on_one
def test_a_list_can_be_a_monitoring_check(ctl: Ctl, make: Make) -> None:
    assert ctl("list", "--status", "failed", "--fail-if-any", "-q").code == 0
    make("FAILED")
    assert ctl("list", "--status", "failed", "--since", "-1h", "--fail-if-any", "-q").code == 1


@on_one
def test_columns_are_chosen_by_name(ctl: Ctl, make: Make) -> None:
    task = make("FAILED", error_type="ValueError", error="a\tb\nc", unique_key="k")
    done = ctl("list", "--fields", "unique_key,id,error", "--header")
    assert done.lines == ["unique_key\tid\terror", f"k\t{task.pk}\tValueError: a\\tb\\nc"]
    (record,) = ctl("list", "--fields", "unique_key,created,wait", "--json").records
    assert list(record) == ["unique_key", "created_at", "wait_s"]
    wrong = ctl("list", "--fields", "id,qeue")
    assert wrong.code == 2
    assert wrong.err.startswith(
        "error: --fields: no field named 'qeue'. Did you mean queue?\n  known: id, status, "
    )


@on_one
def test_a_table_fits_the_terminal_and_shortens_ids(ctl: Ctl, make: Make) -> None:
    task = make("FAILED", name="reports.tasks.quarterly.monthly", error_type="KeyError", error="x" * 200)
    done = ctl("list", tty=True)
    title, row = done.lines
    assert title.split() == ["ID", "STATUS", "TASK", "QUEUE", "CREATED", "WAIT", "RUN", "TRIES", "ERROR"]
    assert len(row) <= 100
    assert row.startswith(f"{task.pk[:8]}  failed  reports.")
    assert row.endswith("…")
    assert "monthly" in row


@on_one
def test_a_table_says_how_many_more_there_are(ctl: Ctl, make: Make) -> None:
    for _ in range(4):
        make()
    done = ctl("list", "--limit", 1, tty=True)
    assert len(done.lines) == 2
    assert done.err == "… 3 more, use --limit 0\n"


@on_one
def test_hostile_text_reaches_neither_terminal_nor_line_structure(ctl: Ctl, make: Make) -> None:
    make(
        "FAILED",
        name="a\x1b[2J\nb",
        queue="q\u202e",
        worker="w\x9b1m",
        error="\x1b]0;x\x07",
        error_type="[/]",
    )
    for form in ("table", "tsv", "json"):
        done = ctl("list", "-o", form, tty=True)
        assert all(line.replace("\t", " ").isprintable() for line in done.lines)
        assert len(done.lines) == (2 if form == "table" else 1)


@on_each
def test_an_unknown_queue_is_an_error_with_the_nearest(ctl: Ctl, make: Make) -> None:
    make(queue="default")
    make("COMPLETED", queue="old")
    assert ctl("list", "--queue", "old").code == 0
    done = ctl("list", "--queue", "defualt")
    assert done.code == 2
    assert done.err.splitlines()[:2] == [
        "error: no queue named 'defualt'",
        "  did you mean: default ?     known: default",
    ]


@on_one
def test_ids_come_from_stdin(ctl: Ctl, make: Make) -> None:
    task = make()
    make()
    assert ctl("list", "-", "-o", "id", stdin=f"{task.pk}\tpending\n\n").lines == [task.pk]
    assert ctl("list", "-", "-o", "id", stdin="").lines == []


# --- show ---


@on_one
def test_show_prints_an_object_with_everything(ctl: Ctl, make: Make, using: str) -> None:
    task = make(
        "FAILED", error_type="ValueError", error="no", traceback="Traceback\n  x\n", args=[1], kwargs={"a": 2}
    )
    TaskAttempt.objects.using(using).create(
        task_id=task.pk, number=1, outcome="failed", error="no", worker="w"
    )
    (record,) = ctl("show", task.pk[:8], "--json").records
    assert list(record) == SHOW_KEYS
    assert (record["args"], record["kwargs"], record["result"]) == ([1], {"a": 2}, None)
    assert record["attempts"][0] | {"finished_at": None} == {
        "n": 1,
        "worker": "w",
        "started_at": None,
        "finished_at": None,
        "outcome": "failed",
        "error_type": None,
        "error": "no",
    }


@on_one
def test_show_tells_how_far_a_task_is(ctl: Ctl, make: Make) -> None:
    progress = {"done": 4000, "total": 10_000, "message": "rows"}
    task = make("PROGRESS", progress=progress)
    assert "progress    40%, 4,000 of 10,000 rows" in ctl("show", task.pk, tty=True).lines
    (record,) = ctl("show", task.pk, "--json").records
    assert record["progress"] == progress
    assert ctl("show", make().pk, "--json").records[0]["progress"] is None


@on_one
def test_show_in_a_pipe_is_key_and_value(ctl: Ctl, make: Make) -> None:
    task = make("COMPLETED", result="{'a': 1}", result_json={"a": 1})
    rows = dict(line.split("\t", 1) for line in ctl("show", task.pk).lines)
    assert list(rows) == SHOW_KEYS[2:]
    assert (rows["id"], rows["status"], rows["result"], rows["args"]) == (
        task.pk,
        "completed",
        '{"a":1}',
        "[1,2]",
    )


@on_one
def test_show_on_a_terminal_is_a_block(ctl: Ctl, make: Make) -> None:
    task = make(
        "FAILED", error_type="ValueError", error="no\x1b[2J", traceback="Traceback\n  x\n", max_retries=2
    )
    done = ctl("show", task.pk, tty=True)
    assert done.lines[:5] == [
        f"id          {task.pk}",
        "call        app.tasks.add(1, 2)",
        "status      failed",
        "queue       default, priority 0",
        "tries       1 of 3",
    ]
    assert "error       ValueError: no\N{REPLACEMENT CHARACTER}[2J" in done.lines
    assert done.lines[-3:] == ["traceback", "  Traceback", "    x"]


@on_one
@pytest.mark.parametrize(
    ("fields", "printed"),
    [
        ({"result": "3", "result_json": 3}, "3"),
        ({"result": "None", "result_json": None}, "null"),
        ({"result": "1.50", "result_json": None}, '"1.50"'),
        ({"result": "ok", "result_json": "ok"}, '"ok"'),
    ],
)
def test_the_result_alone_is_json(ctl: Ctl, make: Make, fields: dict[str, Any], printed: str) -> None:
    assert ctl("show", make("COMPLETED", **fields).pk, "--result").out == printed + "\n"


@on_one
def test_secrets_are_masked_unless_revealed(ctl: Ctl, make: Make) -> None:
    kwargs = {"password": "geheim", "API_KEY": "geheim", "user": {"authToken": ["geheim"], "name": "ana"}}
    task = make(kwargs=kwargs, args=[{"secret": "geheim"}])
    for form in ("table", "tsv", "json"):
        done = ctl("show", task.pk, "-o", form, tty=form == "table")
        assert "geheim" not in done.out
        assert "ana" in done.out
    assert ctl("show", task.pk, "--json").records[0]["kwargs"]["password"] == "[redacted]"
    refused = ctl("show", task.pk, "--reveal")
    assert refused.code == 4
    assert "geheim" not in refused.out
    assert ctl("show", task.pk, "--reveal", "--yes", "--json").records[0]["kwargs"] == kwargs
    assert "geheim" in ctl("show", task.pk, "--reveal", tty=True).out


@on_one
def test_the_traceback_alone(ctl: Ctl, make: Make) -> None:
    assert ctl("show", make("FAILED", traceback="a\n  b\x1b\n").pk, "--traceback").lines == [
        "a",
        "  b\N{REPLACEMENT CHARACTER}",
    ]


@on_each
def test_an_unknown_id_is_not_found(ctl: Ctl, make: Make) -> None:
    task = make()
    for text in ("nosuchid", task.pk[:5], "", "a'b", "zzzzzzzzzzzzzzzzzzzzzz", "é" * 8):
        done = ctl("show", text)
        assert done.code == 3
        first, *facts, last = done.err.splitlines()
        assert (first, last) == (f"error: no task with the id '{text}'", "try: taskctl list")
        assert facts == ["  to be found by its beginning, it takes 6 characters"] * (len(text) < 6)


@on_each
def test_an_ambiguous_prefix_lists_the_candidates(ctl: Ctl, make: Make) -> None:
    make("PROGRESS", id="7h2kab02k1k1xxxxxxxxxx", age_s=10800, lease_s=99999)
    make(id="7h2kab03k1k7xxxxxxxxxx", name="app.tasks.import_row", age_s=7200)
    make(id="7h2KAB04k1k7xxxxxxxxxx")
    done = ctl("show", "7h2kab")
    assert done.code == 3
    assert done.err.splitlines() == [
        "error: 2 tasks start with '7h2kab'",
        "  7h2kab03k1k7  pending  app.tasks.import_row  2h ago",
        "  7h2kab02k1k1  running  app.tasks.add         3h ago",
        "try: more characters",
    ]
    assert json.loads(ctl("show", "7h2kab", "--json").err)["code"] == "ambiguous-id"
    assert ctl("show", "7h2KAB", "-o", "id").lines == ["7h2KAB04k1k7xxxxxxxxxx"]
