"""Errors of a real command line in a real folder: word for word, with their exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Database

Run = Callable[..., Any]
on_sqlite = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("kind", ["postgres"], indirect=True)

SETTINGS = """
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = {apps}
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {name!r}}}}}
REDIS_URL = None
"""
MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'


@pytest.fixture
def folder(tmp_path: Path, environment: dict[str, str]) -> Path:
    """An empty folder below home, in an environment that names no settings."""
    del environment["DJANGO_SETTINGS_MODULE"]
    folder = tmp_path / "code"
    folder.mkdir()
    return folder


@pytest.fixture
def shop(folder: Path) -> Callable[..., Path]:
    """A small project in the folder."""

    def write(
        apps: tuple[str, ...] = ("django_task_worker",), name: str = "db.sqlite3", extra: str = ""
    ) -> Path:
        (folder / "manage.py").write_text(MANAGE)
        (folder / "shop").mkdir()
        (folder / "shop" / "__init__.py").touch()
        text = SETTINGS.format(apps=list(apps), name=str(folder / name)) + extra
        (folder / "shop" / "settings.py").write_text(text)
        return folder

    return write


def test_no_settings(run: Run, folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / "scripts").mkdir()
    done = run("list", cwd=folder / "scripts")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.splitlines() == [
        "error: I can't find your Django settings",
        "  looked at: --settings, DJANGO_SETTINGS_MODULE, [tool.taskctl] in pyproject.toml, manage.py",
        "  from:      ~/code/scripts upwards to ~/code",
        "try: cd to the folder with manage.py, or: taskctl --settings config.settings list",
    ]
    assert json.loads(run("list", "--json", cwd=folder).stderr)["code"] == "settings-not-found"


def test_settings_that_cannot_be_imported(run: Run, folder: Path) -> None:
    (folder / "scripts").mkdir()
    (folder / "scripts" / ".git").mkdir()
    (folder / "manage.py").write_text(MANAGE)
    (folder / "shop").mkdir()
    done = run("worker", cwd=folder / "scripts", DJANGO_SETTINGS_MODULE="shop.settings")
    assert done.returncode == 78
    assert done.stderr.splitlines() == [
        "error: settings module 'shop.settings' could not be imported",
        "  because:  No module named 'shop'",
        "  told by:  DJANGO_SETTINGS_MODULE; first on sys.path: ~/code/scripts",
        "try: taskctl --project ~/code worker          (manage.py is there)",
    ]


@pytest.mark.parametrize(
    ("extra", "because"),
    [
        ("import nosuchmodule", "No module named 'nosuchmodule'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("INSTALLED_APPS += ['nosuchapp']", "No module named 'nosuchapp'"),
        ("def (", "SyntaxError: invalid syntax"),
    ],
)
def test_settings_that_fail(run: Run, shop: Any, extra: str, because: str) -> None:
    folder = shop(extra=extra)
    done = run("list", cwd=folder)
    assert done.returncode == 78
    assert done.stderr.splitlines()[0] == "error: settings module 'shop.settings' could not be imported"
    assert because in done.stderr.splitlines()[1]
    assert "Traceback" not in done.stderr
    assert "Traceback" in run("list", "--debug", cwd=folder).stderr


def test_the_app_is_not_installed(run: Run, shop: Any) -> None:
    done = run("list", cwd=shop(apps=("django.contrib.contenttypes",)))
    assert done.returncode == 78
    assert done.stderr.splitlines() == [
        "error: 'django_task_worker' is not in INSTALLED_APPS of shop.settings",
        "try: add it there, then: python manage.py migrate",
    ]


@pytest.mark.parametrize(
    "words", [["list"], ["worker"], ["enqueue", "shop.tasks.add"], ["purge", "--all", "--yes"]]
)
def test_missing_migrations(run: Run, shop: Any, words: list[str]) -> None:
    folder = shop()
    (folder / "shop" / "tasks.py").write_text("def add(): pass\n")
    done = run(*words, cwd=folder)
    assert done.returncode == 78
    first, second, third = done.stderr.splitlines()
    assert first.startswith("error: the database lacks ")
    assert " migrations of django_task_worker (0001_initial, 0002_databasetask_next_attempt_at, " in first
    assert second == "  database: default (sqlite, ~/code/db.sqlite3)"
    assert third == "try: python manage.py migrate django_task_worker       or: taskctl doctor --fix"


def test_a_missing_driver_is_a_matter_of_configuration(run: Run, shop: Any) -> None:
    done = run("list", cwd=shop(extra='DATABASES = {"default": {"ENGINE": "nosuch.engine", "NAME": "x"}}'))
    assert done.returncode == 78
    assert "nosuch.engine" in done.stderr


def test_an_unknown_alias_names_the_nearest(run: Run, shop: Any) -> None:
    done = run("list", "--database", "defualt", cwd=shop())
    assert (done.returncode, done.stderr) == (
        2,
        "error: --database defualt: not in DATABASES. Did you mean default?\n",
    )


def test_a_database_that_is_down(run: Run, environment: dict[str, str]) -> None:
    environment["TEST_DATABASE"] = "postgres://ana:geheim@127.0.0.1:1/shop"
    for words in (["list"], ["worker"], ["enqueue", "app.tasks.add", "1", "2"]):
        done = run(*words)
        assert (done.returncode, done.stdout) == (69, "")
        assert done.stderr.splitlines() == [
            "error: can't reach the database 'default'",
            "  postgresql, ana@127.0.0.1:1/shop: connection refused",
            "try: is it running, is the address in DATABASES right?   taskctl doctor",
        ]


def test_a_database_that_is_silent_is_given_up_soon(run: Run, environment: dict[str, str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0), backlog=20) as server:
        port = server.getsockname()[1]
        for scheme, vendor in (("postgres", "postgresql"), ("mysql", "mysql")):
            environment["TEST_DATABASE"] = f"{scheme}://ana:geheim@127.0.0.1:{port}/shop"
            done = run("list", timeout=30)
            assert done.returncode == 69
            assert (
                done.stderr.splitlines()[1]
                == f"  {vendor}, ana@127.0.0.1:{port}/shop: timed out (tried for 5s)"
            )


@on_postgres
@pytest.mark.direct
def test_a_database_that_does_not_exist(run: Run, database: Database, environment: dict[str, str]) -> None:
    environment["TEST_DATABASE"] = database.url.rsplit("/", 1)[0] + "/nosuch"
    done = run("list")
    assert done.returncode == 69
    assert done.stderr.splitlines()[1].endswith('/nosuch: database "nosuch" does not exist')
    environment["TEST_DATABASE"] = database.url.replace("postgres@", "nosuch@")
    done = run("list")
    assert done.returncode == 77
    assert done.stderr.splitlines()[1].endswith(": user refused")


@pytest.mark.mariadb
def test_mariadb_in_the_same_words(run: Run, mariadb_server: Any, environment: dict[str, str]) -> None:
    address = mariadb_server.url.rpartition("@")[2]
    environment["TEST_DATABASE"] = f"mysql://nobody:geheim@{address}/shop"
    done = run("list")
    assert done.returncode == 77
    assert done.stderr.splitlines() == [
        "error: the database 'default' refuses the connection",
        f"  mysql, nobody@{address}/shop: user refused",
        "try: check USER and PASSWORD in DATABASES",
    ]
    environment["TEST_DATABASE"] = f"{mariadb_server.url}/nosuch"
    done = run("list")
    assert done.returncode == 69
    assert done.stderr.splitlines()[1].endswith("/nosuch: Unknown database 'nosuch'")


def test_a_folder_that_is_not_there_for_sqlite(run: Run, shop: Any) -> None:
    done = run("list", cwd=shop(name="nowhere/db.sqlite3"))
    assert done.returncode == 69
    assert done.stderr.splitlines()[1] == "  sqlite, ~/code/nowhere/db.sqlite3: unable to open the file"


@on_postgres
@pytest.mark.direct
def test_a_database_that_refuses(run: Run, database: Database, environment: dict[str, str]) -> None:
    from django.db import connections

    with connections[database.alias].cursor() as cursor:
        cursor.execute("DROP ROLE IF EXISTS shop_ro")
        cursor.execute("CREATE ROLE shop_ro LOGIN")
        cursor.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO shop_ro")
    assert run("enqueue", "app.tasks.nothing").returncode == 0
    _, _, rest = database.url.partition("://")[2].partition("@")
    environment["TEST_DATABASE"] = f"postgres://shop_ro@{rest}"
    assert run("list").returncode == 0
    done = run("enqueue", "app.tasks.nothing")
    assert (done.returncode, done.stdout) == (77, "")
    assert done.stderr.splitlines() == [
        "error: the database user 'shop_ro' may not insert into django_task_worker_databasetask",
        "  needed for: enqueue",
        "try: use a user with INSERT, or: taskctl --database maintenance enqueue …",
    ]
    worker = run("worker", "--burst")
    assert worker.returncode == 77
    assert (
        worker.stderr.splitlines()[0]
        == "error: the database user 'shop_ro' may not update django_task_worker_worker"
    )
    with connections[database.alias].cursor() as cursor:
        cursor.execute("DROP OWNED BY shop_ro")
        cursor.execute("DROP ROLE shop_ro")


@on_sqlite
def test_redis_that_is_down_is_a_warning(run: Run, database: Database) -> None:
    done = run("enqueue", "app.tasks.nothing", "--json", REDIS_URL="redis://u:geheim@127.0.0.1:1/0")
    assert done.returncode == 0
    warning = json.loads(done.stderr)
    assert (warning["type"], warning["code"]) == ("warning", "redis-unreachable")
    assert "geheim" not in done.stderr


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["lits"], ["error: no such command: lits. Did you mean list or ls?"]),
        (["frobnicate"], ["error: no such command: frobnicate", "try: taskctl --help"]),
        (["list", "--limt", "3"], ["error: no such option: --limt. Did you mean --limit?"]),
        (["list", "--jsn"], ["error: no such option: --jsn. Did you mean --json?"]),
        (["show"], ["error: missing argument 'ID'", "try: taskctl show --help"]),
        (["show", "a", "b"], ["error: got unexpected extra argument(s) (b)", "try: taskctl show --help"]),
        (["list", "--limit"], ["error: option '--limit' requires an argument", "try: taskctl list --help"]),
        (["list", "--limit", "-1"], ["error: --limit -1: must be a whole number of at least 0"]),
        (["purge", "--older-than", "7"], ["error: --older-than 7: 7 what? Write 7d, 7h, 7m or 7s"]),
        (
            ["enqueue", "app.tasks.add", "--wiat"],
            [
                "error: no such option: --wiat. Did you mean --wait?",
                "try: to hand it to the task, put it after '--'",
            ],
        ),
        (
            ["worker", "--concurrency", "many"],
            ["error: --concurrency many: must be a whole number of at least 1 and at most 10000"],
        ),
        (
            ["worker", "--log-format", "xml"],
            ["error: --log-format xml: choose one of auto, text, json, journald"],
        ),
        (["help", "exit-code"], ["error: no help on 'exit-code'. Did you mean exit-codes?"]),
    ],
)
def test_usage_errors_need_no_project(run: Run, folder: Path, words: list[str], lines: list[str]) -> None:
    done = run(*words, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == lines


def test_what_nobody_expected_is_a_bug_with_a_way_to_report_it(run: Run, shop: Any) -> None:
    folder = shop()
    (folder / "sitecustomize.py").write_text(
        "import taskctl.session\n"
        "def fail(self, create=False): raise KeyError('x')\n"
        "taskctl.session.Session.set_up = fail\n"
    )
    done = run("list", cwd=folder, PYTHONPATH=f"{folder}:{Path(__file__).parents[2]}")
    assert done.returncode == 70
    assert done.stderr.splitlines() == [
        "error: something went wrong inside taskctl (KeyError: 'x')",
        "try: taskctl --debug …  and report it with the output",
    ]
    debug = run("list", "--debug", cwd=folder, PYTHONPATH=f"{folder}:{Path(__file__).parents[2]}")
    assert debug.stderr.startswith("Traceback")


@on_sqlite
def test_a_closed_pipe_ends_it_quietly(run: Run, database: Database, environment: dict[str, str]) -> None:
    rows = '{"task": "app.tasks.nothing"}\n' * 3000
    assert run("enqueue", "--stdin", stdin=rows).returncode == 0
    env = {**environment, "TEST_DATABASE": database.url}
    project = Path(__file__).parents[1] / "project"
    command = [sys.executable, "-m", "taskctl", "list", "--limit", "0", "--json"]
    with subprocess.Popen(
        command, cwd=project, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr.read() == b""


@on_sqlite
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_a_wait(
    database: Database, run: Run, environment: dict[str, str], number: signal.Signals, code: int
) -> None:
    task = run("enqueue", "app.tasks.nothing").stdout.strip()
    env = {**environment, "TEST_DATABASE": database.url}
    project = Path(__file__).parents[1] / "project"
    command = [sys.executable, "-m", "taskctl", "wait", task]
    with subprocess.Popen(command, cwd=project, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "no worker listens" in process.stderr.readline()
        time.sleep(0.1)
        process.send_signal(number)
        assert process.wait(20) == code
        rest = process.stderr.read()
        assert "Traceback" not in rest
        if number == signal.SIGINT:
            assert rest.splitlines()[-1] == f"still running; taskctl wait {task[:12]} to resume"


def test_an_interrupt_during_start_up_prints_nothing(environment: dict[str, str], folder: Path) -> None:
    (folder / "typer.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, "-m", "taskctl", "list"],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout) == (130, b"", b"")
