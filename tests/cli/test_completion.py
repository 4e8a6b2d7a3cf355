"""Tab in real shells, with a cache that holds what we know."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from taskctl.suggestions import cache, place
from tests.cli.shells import SCRIPTS, Shell

HOSTILE = "%F{red}`touch pwned` $(touch pwned)"
NAMES = ["bash", "plain bash", "zsh", "fish"]


def content() -> dict[str, Any]:
    now = time.time()
    return {
        "at": now,
        "ids_at": now,
        "task": [["app.tasks.add", "(a: float, b: float)"], ["app.tasks.send", "(to, when=None)"]],
        "queue": [["default", ""], ["mail", "paused"], ["m;touch pwned", ""], ["m$(touch pwned)", ""]],
        "worker": [["web-1", "up, mail"]],
        "field": [["id", ""], ["status", ""], ["task", ""]],
        "id": [
            ["9kab05m4mm1111", "failed", HOSTILE, now - 7300],
            ["7h2kab02k1k111", "failed", "app.tasks.add", now - 190_000],
            ["8h2kab02k1k111", "running", "app.tasks.send", now - 90],
        ],
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder, with a project in it and the cache of that."""
    home = Path(os.path.realpath(tmp_path_factory.mktemp("home")))
    (home / "shop").mkdir()
    (home / "shop" / "manage.py").touch()
    for settings, extra in ((None, {}), ("other.settings", {"queue": [["elsewhere", ""]]})):
        environ = {"XDG_CACHE_HOME": str(home / "caches")}
        path = place.file_for({"settings": settings}, environ, str(home / "shop"))
        assert path is not None
        cache.save(path, content() | extra)
    return home


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:  # type: ignore[override]
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "caches"),
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
    }


@pytest.fixture(scope="module", params=NAMES)
def shell(request: pytest.FixtureRequest, folder: Path, environment: dict[str, str]) -> Iterator[Shell]:
    shell = Shell(request.param, environment, folder / "shop")
    yield shell
    shell.close()
    assert not list(folder.rglob("pwned"))


def test_commands_flags_and_fixed_values_are_completed(shell: Shell) -> None:
    shell.type("taskctl li\t--reve\t--sta\t")
    shell.see(r"^ready> taskctl list --reverse --status")
    shell.type("taskctl list --status=failed,comp\t")
    shell.see(r"^ready> taskctl list --status=failed,completed")


def test_what_the_project_has_is_completed(shell: Shell) -> None:
    shell.type("taskctl list --queue m\t--worker w\tX")
    shell.see(r"^ready> taskctl list --queue mail --worker web-1 X$")
    shell.type("taskctl --settings other.settings list --queue=e\tX")
    shell.see(r"^ready> taskctl --settings other.settings list --queue=elsewhere X$")


def test_a_task_is_completed_with_its_parameters(shell: Shell) -> None:
    shell.type("taskctl enqueue app.tasks.a\ta=1 b\tX")
    shell.see(r"^ready> taskctl enqueue app.tasks.add a=1 b=X$")


def test_ids_are_those_that_the_command_can_use_newest_first_and_described(shell: Shell) -> None:
    shell.type("taskctl retry \t\t")
    screen = shell.see(r"7h2kab02k1k111 .*\bfailed +app\.tasks\.add +2d ago")
    assert screen.index("9kab05m4mm1111") < screen.index("7h2kab02k1k111")
    assert "8h2kab02k1k111" not in screen
    assert re.search(f"{re.escape(HOSTILE)} +2h ago", screen)


# --- the same without a terminal, for what depends on the tables alone ---


@pytest.fixture(scope="module")
def offered(folder: Path, environment: dict[str, str]) -> Any:
    """What bash and fish suggest for the last word, sorted."""

    def ask(shell: str, line: str) -> list[str]:
        words = line.split(" ")
        if shell == "fish":
            script = f"source {SCRIPTS}/taskctl.fish; complete -C $argv[1]"
            command = ["fish", "--no-config", "-c", script, line]
        else:
            script = f'source {SCRIPTS}/taskctl.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _taskctl'
            command = ["bash", "-c", f"{script}; printf '%s\\n' \"${{COMPREPLY[@]}}\"", "bash", *words]
        done = subprocess.run(
            command, cwd=folder / "shop", env=environment, capture_output=True, text=True, check=False
        )
        found = {line.partition("\t")[0] for line in done.stdout.splitlines()}
        return sorted(re.sub("^--[a-z-]+=", "", value) for value in found if value)

    return ask


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("taskctl re", ["requeue", "retry"]),
        ("taskctl -q --color always sh", ["show"]),
        ("taskctl -o j", ["json"]),
        ("taskctl ls --sort st", ["started"]),
        ("taskctl --fields id,s", ["id,status"]),
        ("taskctl worker --log-format j", ["journald", "json"]),
        ("taskctl wait --for r", ["running"]),
        ("taskctl wait ", ["8h2kab02k1k111"]),
        ("taskctl stack --timeout 5s ", ["8h2kab02k1k111"]),
        ("taskctl list -- --sta", []),
        ("taskctl list --limit ", []),
        (
            "taskctl purge --status completed,",
            ["completed,cancelled", "completed,completed", "completed,failed"],
        ),
        ("taskctl completions ", ["bash", "fish", "powershell", "zsh"]),
        ("taskctl help ex", ["exit-codes"]),
        ("taskctl doctor --only mig", ["migrations"]),
        ("taskctl enqueue --queue mail app.tasks.send w", ["when="]),
        ("taskctl nosuch ", []),
        ("taskctl list --nosuch fa", []),
    ],
)
def test_each_place_offers_what_belongs_there(offered: Any, shell: str, line: str, words: list[str]) -> None:
    assert offered(shell, line) == words


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_flags_are_offered_beside_parameters(offered: Any, shell: str) -> None:
    found = offered(shell, "taskctl enqueue app.tasks.add ")
    assert {"--wait", "--queue", "--json"} <= set(found)
