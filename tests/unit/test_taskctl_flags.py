"""Global flags, colour and the streams."""

from __future__ import annotations

import io
import sys
from typing import Any
from unittest import mock

import pytest

from taskctl import flags, tree
from taskctl.errors import CommandError
from taskctl.terminal import Terminal, has_colour, open_terminal


def split(*argv: str, **environ: str) -> tuple[flags.Globals, list[str]]:
    return flags.split(list(argv), environ)


def test_global_flags_are_taken_wherever_they_stand() -> None:
    found, rest = split("list", "--json", "--status", "failed", "--settings", "x.y", "-vv", "--project=/p")
    assert rest == ["list", "--status", "failed"]
    assert (found.output, found.settings, found.verbosity, found.project) == ("json", "x.y", 2, "/p")


def test_nothing_is_taken_behind_the_double_dash() -> None:
    found, rest = split("enqueue", "app.echo", "-q", "--", "--json", "-v")
    assert rest == ["enqueue", "app.echo", "--", "--json", "-v"]
    assert (found.verbosity, found.output) == (-1, None)


@pytest.mark.parametrize(
    "words", [["-o", "tsv"], ["-otsv"], ["-o=tsv"], ["--output", "tsv"], ["--output=tsv"]]
)
def test_the_output_form_may_be_written_in_every_usual_way(words: list[str]) -> None:
    assert split("list", *words)[0].output == "tsv"


def test_what_only_looks_like_a_global_flag_is_left() -> None:
    words = ["enqueue", "x.y", "k=--json", "-1", "-x", "--jsonx", "--output-dir=1"]
    assert split(*words)[1] == words


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "--settings"], "option --settings needs a value"),
        (["list", "--settings", "--"], "option --settings needs a value"),
        (["list", "--json=1"], "option --json takes no value"),
        (["list", "-o", "xml"], "--output xml: choose one of table, tsv, json, id"),
        (["list", "--color", "maybe"], "--color maybe: choose one of auto, always, never"),
        (["list", "--fields", ","], "--fields: name at least one column"),
    ],
)
def test_a_wrong_global_flag_is_a_usage_error(words: list[str], message: str) -> None:
    with pytest.raises(CommandError) as caught:
        split(*words)
    assert (caught.value.message, caught.value.exit) == (message, 2)


def test_variables_stand_in_for_flags_and_flags_win() -> None:
    found, _ = split("list", TASKCTL_OUTPUT="json", TASKCTL_VERBOSE="1", CI="true", TASKCTL_ASCII="1")
    assert (found.output, found.verbosity, found.no_input, found.ascii) == ("json", 1, True, True)
    found, _ = split("list", "-o", "id", "-q", TASKCTL_OUTPUT="json", TASKCTL_VERBOSE="2", CI="0")
    assert (found.output, found.verbosity, found.no_input) == ("id", -1, False)


def test_every_global_flag_is_in_the_help() -> None:
    text = "\n".join(tree.global_flags(80))
    assert all(name in text for name in flags.NAMES)


@pytest.mark.parametrize(
    ("choice", "environ", "is_tty", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"FORCE_COLOR": "0"}, True, True),
        ("auto", {"CLICOLOR_FORCE": "1", "TERM": "dumb"}, False, True),
        ("auto", {"CLICOLOR": "0"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
    ],
)
def test_colour_goes_by_flag_then_variables_then_stream(
    choice: str, environ: dict[str, str], is_tty: bool, expected: bool
) -> None:
    assert has_colour(choice, environ, is_tty) is expected


class TTY(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Any:
    def put(*, out: bool, err: bool, encoding: str = "utf-8") -> tuple[io.BytesIO, io.BytesIO]:
        buffers = io.BytesIO(), io.BytesIO()
        for name, is_tty, buffer in zip(("stdout", "stderr"), (out, err), buffers, strict=True):
            stream = (TTY if is_tty else io.TextIOWrapper)(buffer, encoding=encoding, write_through=True)
            monkeypatch.setattr(sys, name, stream)
        return buffers

    return put


def test_each_stream_decides_for_itself_about_colour(streams: Any) -> None:
    streams(out=False, err=True)
    terminal = open_terminal(flags.Globals(), {})
    assert (terminal.form, terminal.out_colour, terminal.err_colour) == ("tsv", False, True)


def test_a_pipe_is_utf8_whatever_the_locale_says(streams: Any) -> None:
    out, _ = streams(out=False, err=False, encoding="ascii")
    terminal = open_terminal(flags.Globals(), {})
    terminal.row(["naïve", "日本"])
    assert out.getvalue() == "naïve\t日本\n".encode()


def test_a_terminal_without_unicode_gets_ascii(streams: Any) -> None:
    out, err = streams(out=True, err=True, encoding="ascii")
    terminal = open_terminal(flags.Globals(color="never"), {})
    terminal.record({"error": "é"})
    terminal.note("é …")
    assert out.getvalue() == b'{"error":"\\u00e9"}\n'
    assert err.getvalue() == b"\\xe9 \\u2026\n"


def test_quiet_leaves_errors_only(streams: Any) -> None:
    _, err = streams(out=False, err=False)
    terminal = Terminal(verbosity=-1)
    terminal.note("hello")
    terminal.problem(CommandError("x", 0, "careful", word="warning"))
    terminal.problem(CommandError("x", 1, "broken"))
    assert err.getvalue() == b"error: broken\n"


def test_with_json_problems_are_objects_and_notes_are_for_people(streams: Any) -> None:
    _, err = streams(out=False, err=False)
    terminal = Terminal(form="json")
    terminal.note("hello")
    terminal.problem(CommandError("db-unreachable", 69, "gone", facts=["where"], tries=["again"]))
    assert err.getvalue() == (
        b'{"v":1,"type":"error","code":"db-unreachable","exit":69,"message":"gone","hint":"again",'
        b'"facts":["where"]}\n'
    )


def test_verbose_shows_the_code_to_search_for(streams: Any) -> None:
    _, err = streams(out=False, err=False)
    Terminal(verbosity=1).problem(CommandError("usage", 2, "no\x1b[2J"))
    assert err.getvalue() == "error: no\N{REPLACEMENT CHARACTER}[2J\n  code: usage, exit 2\n".encode()


@pytest.mark.parametrize("answer", ["y\n", "Y\n", " yes \n"])
def test_a_yes_goes_on(answer: str, streams: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    streams(out=True, err=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    Terminal(in_is_tty=True, err_is_tty=True).confirm("go on? [y/N]", or_else="x would y")


@pytest.mark.parametrize("answer", ["\n", "n\n", "", "yep\n"])
def test_anything_else_is_a_no(answer: str, streams: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    streams(out=True, err=True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
    with pytest.raises(CommandError) as caught:
        Terminal(in_is_tty=True, err_is_tty=True).confirm("go on? [y/N]", or_else="x would y")
    assert (caught.value.exit, caught.value.message) == (4, "nothing was changed")


def test_ctrl_c_at_a_question_ends_its_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", mock.Mock(readline=press))
    with pytest.raises(KeyboardInterrupt):
        Terminal(in_is_tty=True, err_is_tty=True).confirm("go on? [y/N]", or_else="x would y")
    assert capsys.readouterr().err == "go on? [y/N] \n"


def test_nobody_to_ask_is_an_error_with_the_way_out() -> None:
    with pytest.raises(CommandError) as caught:
        Terminal(in_is_tty=True, err_is_tty=True, no_input=True).confirm(
            "?", or_else="purge would delete 2 tasks"
        )
    assert caught.value.message == "purge would delete 2 tasks and can't ask (--no-input)"
    assert caught.value.tries == ("add --yes, or look first with --dry-run",)
