"""The errors as their readers see them, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskctl import errors
from taskctl.commands.wait import resume
from taskctl.errors import CommandError
from taskctl.terminal import Terminal

HOME = Path("/home/ana")


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(HOME))


def text(error: CommandError) -> str:
    return "\n".join(Terminal().lines(error)) + "\n"


def check(error: CommandError, code: str, number: int, expected: str) -> None:
    assert (error.code, error.exit) == (code, number)
    assert text(error) == expected.lstrip("\n")


def test_settings_not_found() -> None:
    error = errors.settings_not_found(first=HOME / "code/shop/scripts", last=HOME / "code", command="worker")
    check(
        error,
        "settings-not-found",
        78,
        """
error: I can't find your Django settings
  looked at: --settings, DJANGO_SETTINGS_MODULE, [tool.taskctl] in pyproject.toml, manage.py
  from:      ~/code/shop/scripts upwards to ~/code
try: cd to the folder with manage.py, or: taskctl --settings config.settings worker
""",
    )


def test_settings_import() -> None:
    error = errors.settings_import(
        module="config.settings",
        because="No module named 'config'",
        told_by="DJANGO_SETTINGS_MODULE",
        first=HOME / "code/shop/scripts",
        command="worker",
        manage=HOME / "code/shop",
    )
    check(
        error,
        "settings-import",
        78,
        """
error: settings module 'config.settings' could not be imported
  because:  No module named 'config'
  told by:  DJANGO_SETTINGS_MODULE; first on sys.path: ~/code/shop/scripts
try: taskctl --project ~/code/shop worker          (manage.py is there)
""",
    )


def test_app_not_installed() -> None:
    check(
        errors.app_not_installed("config.settings"),
        "app-not-installed",
        78,
        """
error: 'django_task_worker' is not in INSTALLED_APPS of config.settings
try: add it there, then: python manage.py migrate
""",
    )


def test_migrations_missing() -> None:
    check(
        errors.migrations_missing(
            ["0003_worker_table", "0004_minute_stats"], "default (postgresql, shop@10.0.0.4:5432/shop)"
        ),
        "migrations-missing",
        78,
        """
error: the database lacks 2 migrations of django_task_worker (0003_worker_table, 0004_minute_stats)
  database: default (postgresql, shop@10.0.0.4:5432/shop)
try: python manage.py migrate django_task_worker       or: taskctl doctor --fix
""",
    )


def test_db_unreachable() -> None:
    check(
        errors.db_unreachable(
            alias="default",
            place="postgresql, shop@10.0.0.4:5432/shop",
            reason="connection refused",
            tried_s=5.01,
        ),
        "db-unreachable",
        69,
        """
error: can't reach the database 'default'
  postgresql, shop@10.0.0.4:5432/shop: connection refused (tried for 5s)
try: is it running, is the address in DATABASES right?   taskctl doctor
""",
    )


def test_redis_unreachable_is_a_warning() -> None:
    check(
        errors.redis_down("redis://:***@10.0.0.5:6379/0: connection refused"),
        "redis-unreachable",
        69,
        """
warning: Redis is not reachable (redis://:***@10.0.0.5:6379/0: connection refused)
  tasks are safe in the database; new tasks start up to 1s later and top/events poll
try: start Redis, or set REDIS_URL = None in settings to run without it
""",
    )


def test_unknown_task() -> None:
    check(
        errors.unknown_task("app.task.add", ["app.tasks.add", "app.tasks.add_many"]),
        "unknown-task",
        2,
        """
error: no task named 'app.task.add'
  did you mean: app.tasks.add   app.tasks.add_many ?
try: taskctl tasks 'app.*'      (or --allow-unknown if another code base runs it)
""",
    )


def test_bad_arguments() -> None:
    check(
        errors.bad_arguments(
            "app.tasks.add() misses the argument 'b'",
            signature="add(a: int, b: int, *, scale: float = 1.0)",
            call="add(1)",
        ),
        "bad-arguments",
        2,
        """
error: app.tasks.add() misses the argument 'b'
  signature: add(a: int, b: int, *, scale: float = 1.0)
  you gave:  add(1)
""",
    )


def test_bad_json() -> None:
    from taskctl import call

    with pytest.raises(CommandError) as caught:
        call.read(["1", "json:{'a': 1}"])
    check(
        caught.value,
        "bad-json",
        2,
        """
error: argument 2 is not valid JSON (you wrote json:, so it must be)
  json:{'a': 1}
        ^ expected a double quote
try: 'json:{"a": 1}'      single quotes outside, double quotes inside
""",
    )


def test_unknown_queue() -> None:
    check(
        errors.unknown_queue("defualt", ["default", "mail", "reports"]),
        "unknown-queue",
        2,
        """
error: no queue named 'defualt'
  did you mean: default ?     known: default, mail, reports
try: --queue default          (queues pause needs --create for a queue not seen before)
""",
    )
    assert errors.unknown_queue("zzz", []).facts == ("known: none yet",)


def test_db_permission() -> None:
    check(
        errors.db_permission(
            user="shop_ro", verb="delete from", table="django_task_worker_databasetask", command="purge"
        ),
        "db-permission",
        77,
        """
error: the database user 'shop_ro' may not delete from django_task_worker_databasetask
  needed for: purge
try: use a user with DELETE, or: taskctl --database maintenance purge …
""",
    )


def test_ambiguous_id() -> None:
    lines = [
        "7h2kab02k1k1  running  app.tasks.add          2s ago",
        "7h2kab03k1k7  running  app.tasks.import_row   2s ago",
        "7h2kab05m4mm  running  app.tasks.import_row   1s ago",
    ]
    check(
        errors.ambiguous_id("7h2kab", lines, "3"),
        "ambiguous-id",
        3,
        """
error: 3 tasks start with '7h2kab'
  7h2kab02k1k1  running  app.tasks.add          2s ago
  7h2kab03k1k7  running  app.tasks.import_row   2s ago
  7h2kab05m4mm  running  app.tasks.import_row   1s ago
try: more characters
""",
    )


def test_task_not_found() -> None:
    check(
        errors.task_not_found("7h2kab"),
        "task-not-found",
        3,
        """
error: no task with the id '7h2kab'
try: taskctl list
""",
    )
    check(
        errors.task_not_found("7h2", shortest=6),
        "task-not-found",
        3,
        """
error: no task with the id '7h2'
  to be found by its beginning, it takes 6 characters
try: taskctl list
""",
    )


def test_task_not_allowed() -> None:
    reason = "'os.system' may not run as a task: os is a module of Python itself"
    check(
        errors.task_not_allowed("os.system", reason),
        "task-not-allowed",
        2,
        """
error: 'os.system' may not run as a task
  os is a module of Python itself
try: taskctl tasks                    (these may), or add it to TASK_WORKER["ALLOWED"]
""",
    )


def test_needs_confirmation() -> None:
    check(
        errors.needs_confirmation("purge would delete 1,204,331 tasks", reason="no terminal"),
        "needs-confirmation",
        4,
        """
error: purge would delete 1,204,331 tasks and can't ask (no terminal)
try: add --yes, or look first with --dry-run
""",
    )


def test_waiting_for_nobody_is_a_notice() -> None:
    check(
        errors.waiting_for_nobody("7h2k9qxdm3ab", "reports", ["web1-4711 (default, mail)"]),
        "no-worker",
        0,
        """
waiting: 7h2k9qxdm3ab is pending in 'reports', but no worker listens to that queue
  workers up: web1-4711 (default, mail)
try: in another terminal: taskctl worker --queue reports
""",
    )


def test_mistyped_flag() -> None:
    check(
        errors.no_such_option("--wiat", ["--wait", "--timeout"], to_task=True),
        "usage",
        2,
        """
error: no such option: --wiat. Did you mean --wait?
try: to hand it to the task, put it after '--'
""",
    )


def test_duration() -> None:
    from taskctl import values

    with pytest.raises(CommandError) as caught:
        values.duration("--older-than", "7", bare=False)
    check(
        caught.value,
        "usage",
        2,
        """
error: --older-than 7: 7 what? Write 7d, 7h, 7m or 7s
""",
    )


def test_unexpected() -> None:
    check(
        errors.unexpected(KeyError("x")),
        "bug",
        70,
        """
error: something went wrong inside taskctl (KeyError: 'x')
try: taskctl --debug …  and report it with the output
""",
    )


def test_what_the_user_typed_is_cleaned_before_it_is_quoted() -> None:
    shown = text(errors.unknown_task("a\x1b[2J.b\u202e", []))
    assert shown.startswith(
        "error: no task named 'a\N{REPLACEMENT CHARACTER}[2J.b\N{REPLACEMENT CHARACTER}'\n"
    )


def test_with_colour_the_words_stay() -> None:
    lines = Terminal(err_colour=True).lines(errors.task_not_found("x"))
    assert lines[0] == "\x1b[31m\x1b[1merror\x1b[0m: no task with the id 'x'"
    assert lines[1] == "\x1b[36m\x1b[1mtry\x1b[0m: taskctl list"


def test_hints_to_paste_are_quoted_for_the_shell() -> None:
    queue = "a; rm -rf b"
    nobody = errors.waiting_for_nobody("7h2k", queue, [])
    assert nobody.tries == ("in another terminal: taskctl worker --queue 'a; rm -rf b'",)
    assert errors.unknown_queue("a; rm -rf c", [queue]).tries[0].startswith("--queue 'a; rm -rf b' ")
    assert resume(["a;b"]) == "taskctl wait 'a;b'"
