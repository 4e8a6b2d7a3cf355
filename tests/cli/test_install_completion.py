"""`taskctl completions`: printing, installing, refreshing; and what doctor says about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from taskctl import shells
from taskctl.shells import SHELLS
from tests.cli.conftest import Ctl, on_one

PLACES = {
    "bash": ".local/share/bash-completion/completions/taskctl",
    "zsh": ".local/share/zsh/site-functions/_taskctl",
    "fish": ".config/fish/completions/taskctl.fish",
    "powershell": ".config/powershell/taskctl.ps1",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "BASH_COMPLETION_USER_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed_and_installed_where_the_shell_looks(ctl: Ctl, home: Path, shell: str) -> None:
    printed = ctl("completions", shell)
    assert (printed.code, printed.err) == (0, "")
    assert printed.out == shells.script(shell)
    path = home / PLACES[shell]
    done = ctl("completions", shell, "--install")
    assert (done.code, done.out) == (0, f"{path}\n")
    assert done.err.startswith("new shells have it")
    assert path.read_text() == printed.out
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert ctl("completions", shell, "--install").code == 0


@pytest.mark.parametrize(
    ("variable", "shell", "place"),
    [
        ("BASH_COMPLETION_USER_DIR", "bash", "completions/taskctl"),
        ("XDG_DATA_HOME", "bash", "bash-completion/completions/taskctl"),
        ("XDG_DATA_HOME", "zsh", "zsh/site-functions/_taskctl"),
        ("XDG_CONFIG_HOME", "fish", "fish/completions/taskctl.fish"),
    ],
)
def test_the_variables_of_the_shells_are_heeded(home: Path, variable: str, shell: str, place: str) -> None:
    assert shells.place(shell, {variable: str(home / "own")}) == home / "own" / place


def test_what_is_not_ours_is_replaced_only_when_the_user_says_so(ctl: Ctl, home: Path) -> None:
    path = home / PLACES["fish"]
    path.parent.mkdir(parents=True)
    path.write_text("complete -c taskctl -a mine\n")
    refused = ctl("completions", "fish", "--install")
    assert refused.code == 4
    assert "which is not from taskctl, and can't ask (no terminal)" in refused.err
    assert ctl("completions", "fish", "--install", answer="n\n").code == 4
    assert path.read_text() == "complete -c taskctl -a mine\n"
    assert ctl("completions", "fish", "--install", "--yes").code == 0
    assert path.read_text() == shells.script("fish")


def test_a_place_that_cannot_be_written_is_told(ctl: Ctl, home: Path) -> None:
    (home / ".config").touch()
    done = ctl("completions", "fish", "--install")
    assert done.code == 77
    assert done.err.splitlines()[0] == "error: can't write ~/.config/fish/completions/taskctl.fish"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "error: completions: name a shell"),
        (["fsh"], "error: completions fsh: no such shell. Did you mean fish?"),
        (["xonsh2000"], "error: completions xonsh2000: no such shell. There are bash, zsh, fish, powershell"),
        (["bash", "--refresh"], "error: --refresh goes alone"),
        (["--install"], "error: completions: name a shell"),
    ],
)
def test_a_wrong_call_is_explained(ctl: Ctl, words: list[str], line: str) -> None:
    done = ctl("completions", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == line


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_the_cache_can_be_written_at_once(run: Any, database: Any, home: Path) -> None:
    assert run("enqueue", "app.tasks.nothing", TASKCTL_NO_CACHE="1").returncode == 0
    done = run("completions", "--refresh")
    (path,) = (home / ".cache" / "taskctl").glob("*.json")
    assert done.returncode == 0
    told = f"~/.cache/taskctl/{path.name}: "
    assert done.stderr.startswith(told)
    assert done.stderr.endswith(" task functions, 1 queue, 0 workers, 1 id\n")
    off = run("completions", "--refresh", TASKCTL_NO_CACHE="1")
    assert (off.returncode, off.stderr) == (0, "there is no cache: TASKCTL_NO_CACHE turns it off\n")

    path.chmod(0o644)
    assert "can be read by others\tchmod 600 " in run("doctor", "--only", "completion").stdout


# --- doctor ---


def say(path: str | None) -> tuple[str, str | None]:
    from taskctl.suggestions import health

    return health.look(path, {})


def test_doctor_knows_how_the_cache_is(home: Path) -> None:
    from taskctl.suggestions import cache, content

    path = home / "caches" / "a.json"
    assert say(None) == ("the cache is off", None)
    assert say(str(path)) == ("~/caches/a.json is not there yet; this command writes it", None)
    content.write(str(path), None)
    assert say(str(path)) == (
        "~/caches/a.json is broken or of another version",
        "taskctl completions --refresh",
    )
    cache.save(str(path), {"at": 1.0, "task": [["a.b", ""]]})
    detail, hint = say(str(path))
    assert detail.endswith(" old, 1 task function")
    assert hint is None
    (home / "file").touch()
    assert say(str(home / "file" / "a.json"))[0] == "the cache cannot be written in ~/file"


def test_doctor_sees_scripts_of_another_version(ctl: Ctl, home: Path) -> None:
    assert ctl("completions", "zsh", "--install").code == 0
    assert say(None) == ("the cache is off", None)
    path = home / PLACES["zsh"]
    path.write_text(path.read_text() + "# older\n")
    assert say(None) == (
        "the script for zsh is of another version",
        "taskctl completions zsh --install",
    )


@on_one
def test_doctor_has_a_check_of_completion(ctl: Ctl, using: str) -> None:
    assert ctl("doctor", "--only", "completion").lines[0].startswith("completion\tok\t")
