"""README shows commands that exist, and names every command there is."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```", re.S | re.M)
INLINE = re.compile(r"`taskctl ([a-z-]+)")
WORD = re.compile(r"[a-z][a-z-]*$")


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text()


@cache
def help_of(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "taskctl", *command, "--help"], capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else ""


def calls(text: str) -> list[list[str]]:
    """The calls of taskctl in the shell blocks, as lists of arguments."""
    found = []
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            found += [call for call in _commands(line) if Path(call[0]).name == "taskctl"]
    return [call[1:] for call in found]


def _commands(line: str) -> list[list[str]]:
    """The simple commands of a shell line, without what is assigned before them."""
    lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="();<>|&")
    lexer.commenters = "#"
    commands: list[list[str]] = [[]]
    for token in lexer:
        if set(token) <= set("();<>|&"):
            commands.append([])
        elif commands[-1] or not re.match(r"\w+=", token):
            commands[-1].append(token.lstrip("$(") if not commands[-1] else token)
    return [command for command in commands if command]


def test_every_documented_call_names_a_command_and_its_flags(readme: str) -> None:
    wrong = []
    for call in calls(readme):
        words = [word for word in call if WORD.match(word)]
        text = help_of(words[0]) if words else help_of()
        flags = [word.split("=")[0] for word in call if word.startswith("--") and word != "--"]
        if not text or any(flag not in text + help_of() for flag in flags):
            wrong.append(" ".join(call))
    assert not wrong


def test_readme_shows_taskctl_at_work(readme: str) -> None:
    assert {"demo", "worker", "enqueue", "wait"} <= {call[0] for call in calls(readme) if call}


def test_every_command_in_a_sentence_exists(readme: str) -> None:
    assert not [name for name in set(INLINE.findall(readme)) if not help_of(name)]


def test_every_command_is_in_readme(readme: str) -> None:
    from taskctl.app import COMMANDS

    shown = [entry.name for entry in COMMANDS if entry.shown]
    assert not [name for name in shown if f"taskctl {name}" not in readme]


def test_readme_names_the_two_commands_that_do_all_the_set_up(readme: str) -> None:
    assert "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/taskctl demo" in readme
    assert "tests/run" in readme


def test_the_picture_is_there_and_loads_nothing(readme: str) -> None:
    names = re.findall(r"!\[[^]]+\]\(([^)]+)\)", readme)
    assert names == ["examples/top.svg"]
    picture = (ROOT / names[0]).read_text()
    assert re.findall(r"\w+://[^\"' ]+", picture) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"/(tmp|root|home|usr)/|127\.0\.0\.1", picture)
