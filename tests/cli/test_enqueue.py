"""`taskctl enqueue`: what is stored, what is said, what is refused."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from taskctl import app
from tests.cli.conftest import Ctl, Make, on_each, on_one


def tasks(using: str) -> list[Any]:
    from django_task_worker.models import DatabaseTask

    return list(DatabaseTask.objects.using(using).order_by("created_at", "id"))


def only(using: str) -> Any:
    (task,) = tasks(using)
    return task


@on_each
def test_the_task_is_stored_and_its_id_printed(ctl: Ctl, using: str) -> None:
    done = ctl("enqueue", "app.tasks.echo", 1, "-2", "a b", "x=str:3", 'd={"a": [null]}')
    task = only(using)
    assert (done.code, done.out) == (0, f"{task.pk}\n")
    assert (task.args, task.kwargs, task.status) == (
        [1, -2, "a b"],
        {"x": "3", "d": {"a": [None]}},
        "PENDING",
    )
    assert (task.queue, task.priority, task.timeout, task.max_retries) == ("default", 0, 300, None)


@on_one
def test_on_a_terminal_the_call_is_echoed_as_python(ctl: Ctl, using: str) -> None:
    assert ctl("enqueue", "app.tasks.add", 1, "b=2", "--dry-run").err == ""
    done = ctl("enqueue", "app.tasks.add", 1, "b=2", tty=True)
    assert done.err == f"queued {only(using).pk[:12]} app.tasks.add(1, b=2)\n"


@on_one
def test_the_echo_holds_no_secrets(ctl: Ctl, using: str) -> None:
    done = ctl("enqueue", "app.tasks.echo", 'x={"api_token": "geheim"}', "password=geheim", tty=True)
    assert "geheim" not in done.err
    assert only(using).kwargs == {"x": {"api_token": "geheim"}, "password": "geheim"}


@on_one
def test_json_prints_the_task(ctl: Ctl, using: str) -> None:
    (record,) = ctl("enqueue", "app.tasks.add", 1, 2, "--json").records
    assert (record["type"], record["id"], record["status"]) == ("task", only(using).pk, "pending")


@on_each
def test_every_option_is_stored(ctl: Ctl, using: str) -> None:
    from django_task_worker import queries

    words = [
        "--queue",
        "mail",
        "--priority",
        "-5",
        "--delay",
        "1h",
        "--time-limit",
        "1m30s",
        "--retries",
        "3",
        "--unique",
        "k",
    ]
    assert ctl("enqueue", "app.tasks.add", 1, 2, *words).code == 0
    task = only(using)
    stored = task.queue, task.priority, task.timeout, task.max_retries, task.unique_key
    assert stored == ("mail", -5, 90, 3, "k")
    assert 3590 < (task.due_at - queries.database_now(using)).total_seconds() <= 3600


@on_one
def test_a_time_is_read_in_the_zone_of_the_settings_and_echoed(ctl: Ctl, using: str, settings: Any) -> None:
    from taskctl.times import iso

    settings.TIME_ZONE = "Europe/Berlin"
    done = ctl("enqueue", "app.tasks.add", 1, 2, "--at", "2099-07-01T12:00")
    assert iso(only(using).due_at) == "2099-07-01T10:00:00.000Z"
    assert "--at 2099-07-01T12:00 is 2099-07-01 12:00:00.000 +02:00\n" in done.err


@on_one
def test_flags_may_stand_anywhere(ctl: Ctl, using: str) -> None:
    done = ctl("enqueue", "--queue", "mail", "app.tasks.echo", "--json", "a", "--priority=3", "-q", "b")
    task = only(using)
    assert (task.args, task.queue, task.priority) == (["a", "b"], "mail", 3)
    assert (done.records[0]["id"], done.err) == (task.pk, "")


@on_one
def test_behind_the_double_dash_everything_is_for_the_task(ctl: Ctl, using: str) -> None:
    assert ctl("enqueue", "app.tasks.echo", "--", "--verbose", "--json", "-x").code == 0
    assert only(using).args == ["--verbose", "--json", "-x"]


@on_one
def test_arguments_may_come_as_json(ctl: Ctl, using: str, tmp_path: Path) -> None:
    file = tmp_path / "kwargs.json"
    file.write_text('{"b": 2}')
    done = ctl("enqueue", "app.tasks.add", "--args-json", "-", "--kwargs-json", f"@{file}", stdin="[1]")
    assert done.code == 0
    assert (only(using).args, only(using).kwargs) == ([1], {"b": 2})


@on_one
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["app.tasks.add", "1", "--args-json", "[1]"], "--args-json does not go with positional arguments"),
        (
            ["app.tasks.add", "a=1", "--kwargs-json", "{}"],
            "--kwargs-json does not go with KEY=VALUE arguments",
        ),
        (["app.tasks.add", "--args-json", "{}"], "--args-json must be an array"),
        (["app.tasks.add", "--kwargs-json", "[1"], "--kwargs-json is not valid JSON"),
        (["app.tasks.add", "--args-json", "@/no/such"], "--args-json @/no/such: No such file or directory"),
        (["app.tasks.add", "1", "2", "--timeout", "3"], "--timeout is of the waiting"),
        (["app.tasks.add", "1", "2", "--delay", "1s", "--at", "now"], "--delay and --at: one of them"),
        (["app.tasks.add", "1", "2", "--at", "-1h"], "--at -1h: this is in the past"),
        (
            ["app.tasks.add", "1", "2", "--time-limit", "500ms"],
            "--time-limit 500ms: whole seconds, at least 1s",
        ),
        (["app.tasks.add", "1", "2", "--priority", "101"], "--priority 101: must be a whole number"),
        (["app.tasks.add", "1", "2", "--retries", "-1"], "--retries -1: must be a whole number"),
        (["app.tasks.add", "1", "2", "--queue", "a b"], "the queue name 'a b' must not hold blanks"),
        (["app.tasks.add", "1", "--wiat"], "no such option: --wiat. Did you mean --wait?"),
        (["--wiat", "app.tasks.add"], "no such option: --wiat. Did you mean --wait?"),
        (["app.tasks.add", "1", "2", "--queue"], "option '--queue' requires an argument"),
        ([], "enqueue: name a task"),
        (["--stdin", "app.tasks.add", "1"], "--stdin: the arguments come from the lines"),
        (["--stdin", "--wait"], "--stdin does not go with"),
        (["app.tasks.add", "json:{"], "argument 1 is not valid JSON"),
        (["app.tasks.add", "1"], "app.tasks.add() misses the argument 'b'"),
        (["app.task.add", "1", "2"], "no task named 'app.task.add'"),
        (["app.tasks.nothing_like_it"], "no task named 'app.tasks.nothing_like_it'"),
        (["os.system", "true"], "'os.system' may not run as a task"),
        (["app.tasks.os.system", "true"], "app.tasks.os.system"),
        (["nodots"], "'nodots' may not run as a task"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_stored(
    ctl: Ctl, using: str, words: list[str], message: str
) -> None:
    done = ctl("enqueue", *words)
    assert done.code == 2
    assert message in done.err.splitlines()[0]
    assert done.out == ""
    assert tasks(using) == []


@on_one
def test_a_wrong_name_shows_the_nearest_and_where_to_look(ctl: Ctl, using: str) -> None:
    done = ctl("enqueue", "app.task.add", 1, 2)
    lines = done.err.splitlines()
    assert lines[0] == "error: no task named 'app.task.add'"
    assert lines[1].startswith("  did you mean: app.tasks.add ")
    assert lines[2] == "try: taskctl tasks 'app.*'      (or --allow-unknown if another code base runs it)"


@on_one
def test_wrong_arguments_show_the_signature_and_the_call(ctl: Ctl, using: str) -> None:
    assert ctl("enqueue", "app.tasks.add", "one").err.splitlines() == [
        "error: app.tasks.add() misses the argument 'b'",
        "  signature: add(a: float, b: float)",
        "  you gave:  add('one')",
    ]


@on_one
def test_a_task_of_another_code_base_is_stored_unchecked(ctl: Ctl, using: str) -> None:
    assert ctl("enqueue", "elsewhere.tasks.work", 1, "--allow-unknown").code == 0
    assert only(using).name == "elsewhere.tasks.work"


@on_one
def test_a_number_for_a_text_is_told(ctl: Ctl, using: str) -> None:
    done = ctl("enqueue", "app.tasks.speak", "1.10", "error=7")
    assert only(using).args == [1.1]
    assert (
        "warning: app.tasks.speak() wants text for 'text' and gets the number 1.10\ntry: str:1.10\n"
        in done.err
    )
    assert "gets the number 7\ntry: error=str:7\n" in done.err
    assert "warning" not in ctl("enqueue", "app.tasks.speak", "str:1.10", "error=x").err


@on_one
def test_a_dry_run_checks_and_stores_nothing(ctl: Ctl, using: str) -> None:
    assert ctl("enqueue", "app.tasks.add", 1, "b=2", "--dry-run").out == "app.tasks.add(1, b=2)\n"
    assert ctl("enqueue", "app.tasks.add", 1, "--dry-run").code == 2
    (record,) = ctl("enqueue", "app.tasks.add", 1, "b=2", "--dry-run", "--json").records
    assert record == {"v": 1, "type": "call", "task": "app.tasks.add", "args": [1], "kwargs": {"b": 2}}
    assert tasks(using) == []


@on_each
def test_a_unique_key_gives_the_id_of_the_task_that_is_there(ctl: Ctl, using: str) -> None:
    first = ctl("enqueue", "app.tasks.add", 1, 2, "--unique", "k")
    again = ctl("enqueue", "app.tasks.add", 3, 4, "--unique", "k")
    assert (again.code, again.out) == (0, first.out)
    assert again.err.startswith("there is one already: ")
    strict = ctl("enqueue", "app.tasks.add", 3, 4, "--unique", "k", "--fail-if-exists")
    assert (strict.code, strict.out) == (1, first.out)
    assert only(using).args == [1, 2]


@on_one
def test_a_named_queue_that_nobody_takes_from_is_told(ctl: Ctl, using: str, up: Any) -> None:
    assert "no worker listens to 'mail' now" in ctl("enqueue", "app.tasks.add", 1, 2, "--queue", "mail").err
    up(queues=("mail",))
    assert "no worker" not in ctl("enqueue", "app.tasks.add", 1, 2, "--queue", "mail").err


@on_one
def test_redis_that_is_down_is_a_warning_and_the_task_is_stored(ctl: Ctl, using: str, settings: Any) -> None:
    settings.REDIS_URL = "redis://:geheim@127.0.0.1:1/0"
    done = ctl("enqueue", "app.tasks.add", 1, 2)
    assert (done.code, done.out) == (0, f"{only(using).pk}\n")
    assert done.err.splitlines() == [
        "warning: Redis is not reachable (redis://***@127.0.0.1:1/0: connection refused)",
        "  tasks are safe in the database; new tasks start up to 1s later and top/events poll",
        "try: start Redis, or set REDIS_URL = None in settings to run without it",
    ]


# --- waiting ---


@pytest.fixture
def finish(using: str) -> Any:
    """Ends the next task that appears, as a worker would, from a thread."""
    threads = []

    def start(**fields: Any) -> None:
        thread = threading.Thread(target=_finish, args=(using, fields))
        threads.append(thread)
        thread.start()

    yield start
    for thread in threads:
        thread.join()


def _finish(using: str, fields: dict[str, Any]) -> None:
    from django.db import connections

    from django_task_worker.models import DatabaseTask

    try:
        while not DatabaseTask.objects.using(using).exists():
            time.sleep(0.01)
        DatabaseTask.objects.using(using).update(**fields)
    finally:
        connections.close_all()


@on_one
def test_waiting_prints_the_result_as_json(ctl: Ctl, finish: Any) -> None:
    finish(status="COMPLETED", result="3", result_json=3)
    done = ctl("enqueue", "app.tasks.add", 1, 2, "--wait")
    assert (done.code, done.out) == (0, "3\n")
    assert done.err.startswith("queued ")


@on_one
def test_waiting_for_a_failure_shows_it_and_exits_1(ctl: Ctl, finish: Any, using: str) -> None:
    finish(status="FAILED", error_type="ValueError", error="no luck\nsecond line")
    done = ctl("enqueue", "app.tasks.fail", "--wait", "-q")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "error: app.tasks.fail failed: ValueError: no luck",
        "  second line",
        f"try: taskctl show {only(using).pk[:12]}",
    ]


@on_one
def test_waiting_with_json_prints_the_final_task(ctl: Ctl, finish: Any) -> None:
    finish(status="FAILED", error_type="ValueError", error="no")
    done = ctl("enqueue", "app.tasks.fail", "--wait", "--json")
    assert done.code == 1
    assert (done.records[0]["type"], done.records[0]["status"]) == ("task", "failed")
    assert json.loads(done.err)["code"] == "task-failed"


@on_one
def test_the_waiting_can_time_out_and_the_task_goes_on(ctl: Ctl, using: str) -> None:
    done = ctl("enqueue", "app.tasks.add", 1, 2, "--wait", "--timeout", "100ms", "-q")
    task = only(using)
    assert (done.code, done.out, task.status) == (124, "", "PENDING")
    assert (
        done.err == f"error: not finished after 100ms; the task goes on\ntry: taskctl wait {task.pk[:12]}\n"
    )


@on_one
def test_waiting_for_nobody_is_told_after_a_while(
    ctl: Ctl, using: str, up: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskctl import waiting

    monkeypatch.setattr(waiting, "NOTICE_S", 0.05)
    up("web1-4711", ("default", "mail"))
    done = ctl("enqueue", "app.tasks.add", 1, 2, "--queue", "reports", "--wait", "--timeout", "500ms")
    assert done.err.splitlines()[1:-2] == [
        f"waiting: {only(using).pk[:12]} is pending in 'reports', but no worker listens to that queue",
        "  workers up: web1-4711 (default, mail)",
        "try: in another terminal: taskctl worker --queue reports",
    ]


# --- many at once ---


def lines(*rows: Any) -> str:
    return "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)


@on_each
def test_lines_become_tasks_and_ids_come_in_their_order(ctl: Ctl, using: str) -> None:
    rows = [{"task": "app.tasks.echo", "args": [n], "kwargs": {"k": n}} for n in range(25)]
    done = ctl("enqueue", "--stdin", "--batch", 10, stdin=lines(*rows, "\n"))
    assert done.code == 0
    assert done.err == "stored 25 tasks\n"
    stored = {task.pk: task for task in tasks(using)}
    assert [stored[pk].args for pk in done.lines] == [[n] for n in range(25)]


@on_one
def test_every_key_of_a_line_is_stored(ctl: Ctl, using: str) -> None:
    row = {
        "task": "app.tasks.echo",
        "queue": "mail",
        "at": "2099-01-01T00:00Z",
        "priority": 7,
        "time_limit": "2m",
        "retries": 4,
        "unique": "k",
    }
    assert ctl("enqueue", "--stdin", stdin=lines(row)).code == 0
    task = only(using)
    assert (task.queue, task.priority, task.timeout, task.max_retries) == ("mail", 7, 120, 4)
    assert (task.due_at.year, task.unique_key) == (2099, "k")


@on_one
def test_flags_hold_for_lines_that_say_nothing_else(ctl: Ctl, using: str) -> None:
    rows = [{"task": "app.tasks.echo"}, {"task": "app.tasks.echo", "queue": "own"}]
    assert ctl("enqueue", "--stdin", "--queue", "mail", "--retries", 1, stdin=lines(*rows)).code == 0
    assert [(task.queue, task.max_retries) for task in tasks(using)] == [("mail", 1), ("own", 1)]


@on_one
def test_with_a_name_a_line_is_args_or_kwargs(ctl: Ctl, using: str) -> None:
    assert ctl("enqueue", "app.tasks.add", "--stdin", stdin=lines([1, 2], {"a": 3, "b": 4})).code == 0
    assert [(task.args, task.kwargs) for task in tasks(using)] == [([1, 2], {}), ([], {"a": 3, "b": 4})]


BAD = [
    ("{", "not valid JSON"),
    ("[]", 'must be an object such as {"task": "app.tasks.add", "args": [1, 2]}'),
    ("{}", 'the key "task" must hold the name of a task'),
    ('{"task": "app.tasks.add", "quue": "x"}', "unknown key 'quue'. Did you mean queue?"),
    ('{"task": "app.tasks.add", "args": [1]}', "app.tasks.add() misses the argument 'b'"),
    ('{"task": "app.tasks.add", "args": 1}', "args must be a list"),
    ('{"task": "app.task.add"}', "no task named 'app.task.add'"),
    ('{"task": "app.tasks.nothing", "queue": "a b"}', "the queue name 'a b'"),
    ('{"task": "app.tasks.nothing", "queue": 5}', "a queue name must be a text"),
    ('{"task": "app.tasks.nothing", "priority": "high"}', "priority must be a whole number"),
    ('{"task": "app.tasks.nothing", "delay": "soon"}', "delay soon: not a duration"),
    ('{"task": "app.tasks.nothing", "delay": "1s", "at": "now"}', "delay and at: one of them"),
    ('{"task": "app.tasks.nothing", "time_limit": 0}', "time_limit 0: whole seconds"),
    ('{"task": "app.tasks.nothing", "unique": 5}', "unique_key must be a text"),
    ("x" * (1024 * 1024 + 1), "longer than 1 MiB"),
]


@on_one
@pytest.mark.parametrize(("bad", "message"), BAD)
def test_the_first_bad_line_ends_the_run_and_tells_where_to_go_on(
    ctl: Ctl, using: str, bad: str, message: str
) -> None:
    good = {"task": "app.tasks.nothing"}
    done = ctl("enqueue", "--stdin", "--batch", 2, stdin=lines(good, good, good, bad + "\n", good))
    assert done.code == 2
    assert f"error: line 4: {message}" in done.err
    assert "  stored before it: 3 tasks\n" in done.err
    assert done.err.splitlines()[-1] == "try: mend the line, then go on with: --skip 3"
    assert len(done.lines) == len(tasks(using)) == 3


@on_one
def test_going_on_reports_each_bad_line_and_exits_1(ctl: Ctl, using: str) -> None:
    good = {"task": "app.tasks.nothing"}
    rows = [good, *(bad + "\n" for bad, _ in BAD), "\n", good]
    done = ctl("enqueue", "--stdin", "--keep-going", stdin=lines(*rows))
    assert done.code == 1
    for number, (_, message) in enumerate(BAD, start=2):
        assert f"error: line {number}: {message}" in done.err
    assert done.err.splitlines()[-1] == f"stored 2 tasks, {len(BAD)} bad lines"
    assert len(done.lines) == len(tasks(using)) == 2


@on_one
def test_lines_can_be_skipped_to_go_on(ctl: Ctl, using: str) -> None:
    rows = ["broken\n", "\n", {"task": "app.tasks.echo", "args": [3]}]
    assert ctl("enqueue", "--stdin", "--skip", 1, stdin=lines(*rows)).code == 0
    assert only(using).args == [3]


@on_one
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [(["--stdin"], 0, "stored 0 tasks"), (["--args-json", "-"], 2, "error: --args-json is not valid JSON")],
)
def test_a_closed_stdin_is_an_empty_one(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    using: str,
    words: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert app.run(["enqueue", "app.tasks.echo", *words], is_set_up=True) == code
    sys.stdin.close()
    assert capsys.readouterr().err.startswith(said)


@on_one
def test_bytes_that_are_no_utf8_are_a_bad_line(ctl: Ctl, using: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    from taskctl import bulk, times

    stream = io.BytesIO(b'{"task": "\xff"}\n')
    (line,) = bulk.read(stream, None, {}, skip=0, place=lambda moment: times.now())
    assert line.error is not None
    assert line.error.message == "not UTF-8"


@on_one
def test_bulk_json_is_objects_and_a_summary(ctl: Ctl, using: str) -> None:
    row = {"task": "app.tasks.nothing"}
    *objects, summary = ctl("enqueue", "--stdin", "--json", stdin=lines(row, row)).records
    assert [record["type"] for record in objects] == ["task", "task"]
    assert summary | {"took_s": 0} == {
        "v": 1,
        "type": "summary",
        "action": "enqueue",
        "matched": 2,
        "changed": 2,
        "skipped": 0,
        "dry_run": False,
        "took_s": 0,
    }


@on_one
def test_a_task_deleted_while_waiting_is_not_found(ctl: Ctl, make: Make, using: str) -> None:
    task = make()

    def delete() -> None:
        from django.db import connections

        time.sleep(0.1)
        task.delete()
        connections.close_all()

    thread = threading.Thread(target=delete)
    thread.start()
    assert ctl("wait", task.id, "--timeout", "10s").code == 3
    thread.join()
