"""The completion scripts say what the commands say, in every shell."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated

import pytest
import typer

from completions.generate import registry
from completions.generate.__main__ import MAKERS, scripts
from completions.generate.registry import Node
from taskctl.app import Entry
from taskctl.options import flag, value
from taskctl.shells import MARK, SHELLS
from taskctl.tree import load, verb_of
from taskctl.verb import noun, verb

SCRIPTS = Path(__file__).parents[2] / "completions"
FILES = [shell.file for shell in SHELLS.values()]


@pytest.fixture(scope="module")
def root() -> Node:
    return registry.root()


@pytest.mark.parametrize("name", FILES)
def test_a_script_is_what_would_be_generated_now(name: str) -> None:
    is_current = (SCRIPTS / name).read_text() == scripts()[name]
    assert is_current, f"completions/{name} is out of date; run: .venv/bin/python -m completions.generate"


@pytest.mark.parametrize("name", FILES)
def test_a_script_says_where_it_comes_from_and_holds_no_odd_letters(name: str) -> None:
    text = (SCRIPTS / name).read_text()
    assert MARK in "".join(text.splitlines(keepends=True)[:3])
    assert all(line.replace("\t", "").isprintable() for line in text.splitlines())


@pytest.mark.parametrize("name", FILES)
def test_every_command_every_flag_and_every_fixed_value_is_there(name: str, root: Node) -> None:
    text = (SCRIPTS / name).read_text()
    missing = []
    for node in root.walk():
        names = [*node.path, *(spelling for flag in node.flags for spelling in flag.names)]
        places = [*node.words, *(flag.values for flag in node.flags), node.rest]
        names += [value for values in places if values is not None for value, _ in values.words]
        missing += [word for word in names if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]
    assert not missing


def test_every_flag_with_a_value_says_so(root: Node) -> None:
    """A flag that took a value and did not say so would have its value taken for an argument."""
    known = {node.path: node for node in root.nodes}
    for entry in registry.COMMANDS:
        for param in load(entry).params:
            if param.param_type_name == "option":
                (found,) = [each for each in known[(entry.name,)].flags if set(param.opts) & set(each.names)]
                assert (found.values is None) == param.is_flag, f"{entry.name} {param.opts}"


# --- nouns ---


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> Node:
    """taskctl with a single command, which holds verbs."""

    @verb("taskctl boxes list", "taskctl boxes list", "taskctl boxes list -q")
    def list_(
        context: typer.Context,
        names: Annotated[list[str] | None, typer.Argument(metavar="Q…")] = None,
        full: Annotated[bool, flag("--full", about="only [full] ones: it's so")] = False,
    ) -> None:
        """List boxes. All of them."""

    @verb("taskctl boxes open", "taskctl boxes open x", "taskctl boxes open y")
    def open_(
        context: typer.Context,
        names: Annotated[list[str] | None, typer.Argument(metavar="Q…")] = None,
        how: Annotated[str, value("--how", metavar="fast|slowly", about="how")] = "fast",
        full: Annotated[str, value("--full", metavar="N", about="here it takes a value")] = "1",
    ) -> None:
        """Open boxes."""

    module = ModuleType("taskctl.commands.boxes")
    module.boxes = noun("taskctl boxes", "taskctl boxes", "taskctl boxes open x", list=list_, open=open_)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry = Entry("boxes", "list boxes; open", "Look", "boxes:boxes")
    assert verb_of(entry).verbs
    monkeypatch.setattr(registry, "COMMANDS", (entry,))
    return registry.root()


def test_a_noun_has_its_verbs_below_it(boxes: Node) -> None:
    (box,) = boxes.nodes
    assert [node.path for node in box.nodes] == [("boxes", "list"), ("boxes", "open")]
    listing, opening = box.nodes
    assert [flag.names for flag in box.flags] == [flag.names for flag in listing.flags] == [("--full",)]
    assert listing.about == "List boxes"
    assert (box.rest, listing.rest) == (None, opening.rest)
    assert listing.flags[0].values is None
    assert opening.rest is not None
    assert opening.rest.kind == "queue"
    how, full = opening.flags
    assert how.values is not None
    assert [value for value, _ in how.values.words] == ["fast", "slowly"]
    assert full.values is not None


@pytest.mark.parametrize("name", FILES)
def test_every_shell_knows_a_noun_and_its_verbs(boxes: Node, name: str) -> None:
    shell = next(shell for shell, each in SHELLS.items() if each.file == name)
    text = MAKERS[shell].script(boxes, MARK)
    for word in ("boxes", "list", "open", "--full", "--how", "slowly"):
        assert word in text
    if shell == "powershell":
        assert_balanced(text)


# --- PowerShell, which is not here to be asked ---

STRING = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"`]|`.)*\"|#[^\n]*")


def assert_balanced(text: str) -> None:
    """Brackets are closed in the order in which they were opened, outside of strings."""
    open_: list[str] = []
    for letter in STRING.sub("", text):
        if letter in "([{":
            open_.append(letter)
        elif letter in ")]}":
            assert open_, text
            assert open_.pop() + letter in ("()", "[]", "{}")
    assert not open_
    assert STRING.sub("", text).count("'") == STRING.sub("", text).count('"') == 0


def test_the_script_for_powershell_is_whole(root: Node) -> None:
    text = (SCRIPTS / "taskctl.ps1").read_text()
    assert_balanced(text)
    assert text.count("Register-ArgumentCompleter") == 1
    for node in root.walk():
        assert f"    '{' '.join(node.path)}' = @{{\n" in text
        for each in node.flags:
            assert f"Names = @({', '.join(repr(name) for name in each.names)})" in text


def test_the_script_for_powershell_changes_no_settings() -> None:
    text = (SCRIPTS / "taskctl.ps1").read_text().lower()
    assert not [word for word in ("set-psreadline", "executionpolicy", "$profile") if word in text]
