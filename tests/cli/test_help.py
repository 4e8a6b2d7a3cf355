"""Help, version, doctor, tasks: what explains."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from taskctl.__main__ import main
from taskctl.app import BY_NAME, COMMANDS, run
from taskctl.tree import verb_of
from tests.cli.conftest import Ctl, Make, on_each, on_one

NAMES = [entry.name for entry in COMMANDS]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def say(*words: str, **environ: str) -> tuple[int, str, str]:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        code = run(words)
        return code, *capsys.readouterr()

    return say


def test_taskctl_alone_is_the_short_help(say: Any) -> None:
    code, out, err = say()
    assert (code, err) == (0, "")
    assert out.splitlines()[:5] == [
        "Examples:",
        "  taskctl worker --concurrency 4",
        "  taskctl enqueue app.tasks.add 1 2 --wait",
        "",
        "Usage: taskctl [GLOBAL] COMMAND [ARGS] [FLAGS]",
    ]
    assert "Run      worker       run tasks from the database\n         enqueue " in out
    assert "--settings" not in out


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_the_long_help_has_the_global_flags(say: Any, words: list[str]) -> None:
    code, out, _ = say(*words)
    assert code == 0
    assert "--settings MODULE" in out
    assert "[DJANGO_SETTINGS_MODULE]" in out


@pytest.mark.parametrize("name", NAMES)
def test_every_help_begins_with_two_examples_and_fits_80_columns(say: Any, name: str) -> None:
    for words in ([name], *([name, verb] for verb in verb_of(BY_NAME[name]).verbs)):
        check_help(say, *words)
    assert say(name, "-h")[1] == say("help", name)[1] == say(name, "--help")[1]


def check_help(say: Any, *words: str) -> None:
    code, out, _ = say(*words, "--help", COLUMNS="80")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "Examples:"
    assert [line.startswith("  ") for line in lines[1:4]] == [True, True, False]
    assert lines[4].startswith("Usage: taskctl ")
    assert all(len(line) <= 80 for line in lines)
    assert "\x1b" not in out


def test_the_help_of_a_noun_names_its_verbs(say: Any) -> None:
    out = say("queues", "--help", COLUMNS="80")[1]
    assert "Usage: taskctl queues [list] " in out
    assert "       taskctl queues pause Q… " in out
    assert re.search(r"^Verbs:\n  list +List the queues.*\n(?: .*\n)*  pause +Let nobody", out, re.M)
    assert "--for DUR" in say("queues", "pause", "--help")[1]


def test_help_is_coloured_where_colour_is_wanted(say: Any) -> None:
    assert "\x1b[1mUsage: \x1b[0m" in say("list", "--help", "--color", "always")[1]
    assert "\x1b[1mRun\x1b[0m" in say("--color", "always")[1]


@pytest.mark.parametrize("words", [["--help"], ["help", "json"], ["--version"], ["worker", "--help"]])
def test_output_that_cannot_be_written_is_no_bug(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["taskctl", *words])
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main() == 74
    monkeypatch.undo()
    assert capfd.readouterr().err.startswith("error: can't write: No space left on device\ntry: ")


@pytest.mark.parametrize("topic", ["exit-codes", "json", "durations", "env"])
def test_topics_are_explained(say: Any, topic: str) -> None:
    code, out, _ = say("help", topic)
    assert code == 0
    assert len(out.splitlines()) > 5
    assert all(len(line) <= 80 for line in out.splitlines())


def test_the_exit_codes_of_the_help_are_those_of_the_program(say: Any) -> None:
    from taskctl import exits

    codes = {value for name, value in vars(exits).items() if name.isupper()}
    table = say("help", "exit-codes")[1].split("In CI")[0]
    told = {int(code) for line in table.splitlines() for code in re.findall(r"\d+", line[:17])}
    assert told == codes


SOURCES = [path.read_text() for path in (Path(__file__).parents[2] / "taskctl").rglob("*.py")]


def test_the_help_on_json_names_every_type_of_object_there_is(say: Any) -> None:
    types = {name for text in SOURCES for name in re.findall(r'"type": "(\w+)"', text)}
    assert {"task", "why", "stack", "log_line"} <= types
    told = re.findall(r"\w+", say("help", "json")[1])
    assert types <= set(told)


def test_the_help_on_the_environment_names_every_variable_that_is_read(say: Any) -> None:
    pattern = r'"((?:TASKCTL|DJANGO|REDIS|XDG|BASH)_[A-Z_]+)"'
    variables = {name for text in SOURCES for name in re.findall(pattern, text)}
    assert {"TASKCTL_NO_CACHE", "XDG_CACHE_HOME", "TASKCTL_PROJECT"} <= variables
    told = set(re.findall(r"[A-Z_]{3,}", say("help", "env")[1]))
    assert variables <= told | {"DJANGO_TASK_WORKER"}


@pytest.mark.parametrize("words", [["--version"], ["-v", "--version"], ["list", "--version"]])
def test_the_version(say: Any, words: list[str]) -> None:
    code, out, _ = say(*words)
    assert code == 0
    python = f"Python {sys.version.split()[0]}"
    pattern = (
        rf"taskctl 1\.0\.0 \(Django [\d.]+, {python}\)" if "-v" in words else rf"taskctl 1\.0\.0 \({python}\)"
    )
    assert re.fullmatch(pattern, out.strip())


# --- doctor ---


@on_each
@pytest.mark.direct
def test_doctor_finds_a_healthy_set_up_in_order(ctl: Ctl, up: Any) -> None:
    up()
    done = ctl("doctor", "--json")
    assert done.code == 0
    found = {record["name"]: record for record in done.records}
    assert list(found) == [
        "versions",
        "settings",
        "app",
        "database",
        "migrations",
        "clock",
        "redis",
        "workers",
        "stale",
        "oldest",
        "table",
        "time-zone",
        "debug",
        "pooling",
        "completion",
    ]
    assert {record["status"] for record in found.values()} == {"ok"}
    assert list(done.records[0]) == ["v", "type", "name", "status", "detail", "hint", "ms"]


@on_one
def test_doctor_warns_and_says_what_to_type(ctl: Ctl, make: Make, up: Any, settings: Any) -> None:
    make(queue="reports", age_s=600)
    make("PROGRESS", age_s=60)
    up(queues=("mail",), version="0.9")
    settings.DEBUG = True
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    done = ctl("doctor", "--json")
    assert done.code == 0
    warnings = {record["name"]: record["hint"] for record in done.records if record["status"] == "warn"}
    assert list(warnings) == ["redis", "workers", "stale", "oldest", "debug"]
    assert warnings["workers"] == "taskctl worker --queue reports"
    assert warnings["stale"] == "taskctl requeue --stale"
    assert ctl("doctor", "--strict").code == 1


@on_one
def test_doctor_looks_only_where_it_is_told(ctl: Ctl, using: str) -> None:
    assert [line.split("\t")[0] for line in ctl("doctor", "--only", "clock", "--only", "stale").lines] == [
        "clock",
        "stale",
    ]
    assert len(ctl("doctor", "--quick").lines) == 5
    assert ctl("doctor", "--only", "clok").err == "error: --only clok: no such check. Did you mean clock?\n"


@on_one
def test_doctor_goes_on_behind_a_check_that_cannot_be_made(ctl: Ctl, using: str, settings: Any) -> None:
    settings.TASK_WORKER = {"MAX_RETRIES": "many"}
    done = ctl("doctor", "--json")
    assert done.code == 1
    found = {record["name"]: record for record in done.records}
    assert "MAX_RETRIES" in found["app"]["detail"] + found["workers"]["detail"]
    assert found["table"]["status"] == "ok"


@on_one
def test_doctor_on_a_terminal_is_easy_to_read(ctl: Ctl, using: str) -> None:
    lines = ctl("doctor", tty=True).lines
    assert lines[0].startswith("ok    versions    taskctl 1.0.0, Django ")
    at = lines.index("warn  workers     none up")
    assert lines[at + 1] == " " * 18 + "try: taskctl worker"


def test_doctor_fails_where_there_is_no_project(
    run: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    del environment["DJANGO_SETTINGS_MODULE"]
    done = run("doctor", cwd=tmp_path)
    assert done.returncode == 1
    assert [line.split("\t")[:2] for line in done.stdout.splitlines()] == [
        ["versions", "ok"],
        ["settings", "fail"],
    ]


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_doctor_fails_without_migrations_and_can_apply_them(run: Any, unmigrated: Any) -> None:
    url = unmigrated.url
    done = run("doctor", "--quick", TEST_DATABASE=url)
    assert done.returncode == 1
    assert "migrations\tfail\tmissing: 0001_initial, " in done.stdout
    assert run("doctor", "--quick", "--fix", TEST_DATABASE=url).returncode == 4
    assert run("doctor", "--quick", "--fix", "--yes", TEST_DATABASE=url).returncode == 0
    assert run("list", TEST_DATABASE=url).returncode == 0


def test_doctor_measures_a_round_trip_through_redis(redis: Any) -> None:
    from taskctl import checkup

    finding = checkup.redis(None)  # type: ignore[arg-type]
    assert finding.status == "ok"
    assert re.search(r"publish and subscribe in \d+\.\dms$", finding.detail)


# --- tasks ---


@on_one
def test_tasks_are_listed_with_their_signatures(ctl: Ctl, using: str) -> None:
    done = ctl("tasks", "app.tasks.add*")
    assert done.lines[0] == "app.tasks.add\t(a: float, b: float)\t\t\t\tAdds two numbers."
    (record,) = ctl("tasks", "app.tasks.add", "--json").records
    assert record == {
        "v": 1,
        "type": "function",
        "name": "app.tasks.add",
        "signature": "(a: float, b: float)",
        "queue": None,
        "priority": None,
        "time_limit_s": None,
        "retries": None,
        "doc": "Adds two numbers.",
    }
    assert ctl("tasks", "app.tasks.add", "-o", "id").out == "app.tasks.add\n"
    assert ctl("tasks", "nosuch.*").__dict__ == {"code": 0, "out": "", "err": ""}


@on_one
def test_tasks_on_a_terminal_are_a_table(ctl: Ctl, using: str) -> None:
    title, row = ctl("tasks", "app.tasks.add", tty=True).lines
    assert title.split() == ["TASK", "QUEUE", "LIMIT", "RETRIES", "DESCRIPTION"]
    assert row.startswith("app.tasks.add(a: float, b: float)  -")


# --- manage.py taskctl ---


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_manage_py_passes_everything_through(database: Any, environment: dict[str, str]) -> None:
    import subprocess

    project = Path(__file__).parents[1] / "project"
    env = {**environment, "TEST_DATABASE": database.url, "REDIS_URL": "redis://127.0.0.1:1/0"}

    def manage(*words: str) -> Any:
        command = [sys.executable, "manage.py", "taskctl", *words]
        return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)

    stored = manage("enqueue", "app.tasks.echo", "--json", "--", "--version")
    assert stored.returncode == 0
    assert json.loads(stored.stderr)["code"] == "redis-unreachable"
    assert '["--version"]' in manage("show", manage("list", "-o", "id").stdout.strip()).stdout
    assert manage("-v", "list", "--limit", "x").returncode == 2
    assert manage("list", "--help").stdout.startswith("Examples:\n  taskctl list")
    assert manage("show", "nosuchid").returncode == 3
    assert manage("lits").stderr == "error: no such command: lits. Did you mean list or ls?\n"


@on_one
def test_django_code_can_call_it(
    using: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core.management import call_command

    monkeypatch.setattr(sys, "stdin", io.StringIO())
    call_command("taskctl", "enqueue", "app.tasks.nothing")
    assert re.fullmatch(r"\w{22}\n", capsys.readouterr().out)
    with pytest.raises(SystemExit) as caught:
        call_command("taskctl", "show", "nosuchid")
    assert caught.value.code == 3
