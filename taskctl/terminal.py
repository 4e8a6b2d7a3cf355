"""Where words go: data to stdout, notes to stderr; a terminal or a pipe; colour; questions."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

from django_task_worker.cleaning import clean
from taskctl.errors import CommandError, declined, needs_confirmation
from taskctl.flags import Globals
from taskctl.times import iso

RED, YELLOW, CYAN, BOLD, RESET = "\x1b[31m", "\x1b[33m", "\x1b[36m", "\x1b[1m", "\x1b[0m"
_WORD_COLOURS = {"error": RED, "warning": YELLOW, "waiting": YELLOW}
LINE_LIMIT = 4000


def has_colour(choice: str, environ: Mapping[str, str], is_tty: bool) -> bool:
    """Whether a stream gets colour: the flag, then the variables, then whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    if environ.get("CLICOLOR") == "0" or environ.get("TERM") == "dumb":
        return False
    return is_tty


def escape(value: object) -> str:
    """A value in one tsv field; reversible: \\t \\n \\r \\\\, and \\xNN or \\uNNNN where unprintable."""
    text = str(value)
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(_escaped(c) for c in text)


def _escaped(character: str) -> str:
    if character == "\\":
        return "\\\\"
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def to_json(value: object, *, ascii_only: bool = False) -> str:
    """Compact JSON on one line."""
    import json  # the pure-text forms never need it

    text = json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"), default=_as_json)
    return text if text.isprintable() else text.translate(_BREAKS)


# Valid in JSON, but DEL is for terminals and the others end a line for some readers.
_BREAKS = {code: f"\\u{code:04x}" for code in (0x7F, 0x85, 0x2028, 0x2029)}


def _as_json(value: object) -> str:
    return iso(value) if isinstance(value, datetime) else str(value)


def is_a_tty(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """The streams of one run of a command and how to speak to them."""

    form: str = "tsv"
    """table, tsv, json or id."""
    out_is_tty: bool = False
    err_is_tty: bool = False
    in_is_tty: bool = False
    out_colour: bool = False
    err_colour: bool = False
    ascii_only: bool = False
    utc: bool = False
    verbosity: int = 0
    no_input: bool = False
    header: bool | None = None
    fields: tuple[str, ...] | None = None

    @property
    def is_json(self) -> bool:
        return self.form == "json"

    @property
    def width(self) -> int:
        """Of the real terminal behind stdout, else COLUMNS, else 80."""
        return _columns(sys.stdout)

    @property
    def err_width(self) -> int:
        """The same of stderr."""
        return _columns(sys.stderr)

    def clean(self, value: object, limit: int = LINE_LIMIT) -> str:
        return clean(value, limit, ascii_only=self.ascii_only)

    def line(self, text: str) -> None:
        """One line of data on stdout. What it holds must be clean or escaped already."""
        sys.stdout.write(text + "\n")

    def row(self, values: Iterable[object]) -> None:
        """One line of tsv."""
        self.line("\t".join("" if value is None else escape(value) for value in values))

    def record(self, value: Mapping[str, Any]) -> None:
        """One JSON object on stdout."""
        self.line(to_json(value, ascii_only=self.out_is_tty or self.ascii_only))

    def flush(self) -> None:
        sys.stdout.flush()

    def note(self, text: str, *, level: int = 0) -> None:
        """A remark on stderr; -q silences it, and beside JSON it is for people only."""
        if self.verbosity >= level and (self.err_is_tty or not self.is_json):
            self._complain(self.clean(text))

    def detail(self, text: str) -> None:
        """A remark with -v."""
        self.note(text, level=1)

    def problem(self, error: CommandError) -> None:
        """An error, a warning or a notice, on stderr. -q leaves errors only."""
        if error.word != "error" and self.verbosity < 0:
            return
        if self.is_json:
            self._complain(to_json(as_record(error), ascii_only=self.err_is_tty or self.ascii_only))
            return
        for line in self.lines(error):
            self._complain(line)

    def lines(self, error: CommandError) -> list[str]:
        lines = [f"{self.paint(error.word, _WORD_COLOURS[error.word])}: {self.clean(error.message)}"]
        lines += [f"  {self.clean(fact)}" for fact in error.facts]
        if self.verbosity > 0:
            lines.append(f"  code: {error.code}, exit {error.exit}")
        return lines + [f"{self.paint('try', CYAN)}: {self.clean(hint)}" for hint in error.tries]

    def paint(self, text: str, colour: str) -> str:
        return f"{colour}{BOLD}{text}{RESET}" if self.err_colour else text

    def _complain(self, line: str) -> None:
        sys.stdout.flush()  # so that both streams keep their order on one terminal
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    @property
    def can_ask(self) -> bool:
        return self.in_is_tty and self.err_is_tty and not self.no_input

    def why_no_question(self) -> str:
        return "no terminal" if not (self.in_is_tty and self.err_is_tty) else "--no-input"

    def confirm(self, question: str, *, or_else: str, dry_run: bool = True, expect: str = "y") -> None:
        """Returns when the user agrees by typing `expect`; raises CommandError otherwise.

        `or_else` says what would have happened, for when there is nobody to ask.
        """
        if not self.can_ask:
            raise needs_confirmation(or_else, reason=self.why_no_question(), dry_run=dry_run)
        sys.stdout.flush()
        sys.stderr.write(f"{self.clean(question)} ")
        sys.stderr.flush()
        try:
            answer = sys.stdin.readline()
        except KeyboardInterrupt:
            sys.stderr.write("\n")  # the prompt of the shell begins a line
            raise
        if not answer.endswith("\n"):
            sys.stderr.write("\n")
        if answer.strip().lower() not in ((expect, "yes") if expect == "y" else (expect,)):
            raise declined()


def _columns(stream: TextIO) -> int:
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    given = os.environ.get("COLUMNS", "")
    return columns or (int(given) if given.isdecimal() and int(given) else 80)


def as_record(error: CommandError) -> dict[str, Any]:
    """The JSON object of an error or a warning."""
    return {
        "v": 1,
        "type": error.word,
        "code": error.code,
        "exit": error.exit,
        "message": error.message,
        "hint": "\n".join(error.tries) or None,
        "facts": list(error.facts),
    }


def open_terminal(flags: Globals, environ: Mapping[str, str]) -> Terminal:
    """The terminal of this process. Makes the streams able to write any character."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    out_is_tty, err_is_tty = is_a_tty(sys.stdout), is_a_tty(sys.stderr)
    form = flags.output or ("table" if out_is_tty else "tsv")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if not out_is_tty and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    return Terminal(
        form=form,
        out_is_tty=out_is_tty,
        err_is_tty=err_is_tty,
        in_is_tty=is_a_tty(sys.stdin),
        out_colour=has_colour(flags.color, environ, out_is_tty),
        err_colour=has_colour(flags.color, environ, err_is_tty),
        ascii_only=flags.ascii or (out_is_tty and not _speaks_unicode()),
        utc=flags.utc,
        verbosity=flags.verbosity,
        no_input=flags.no_input,
        header=flags.header,
        fields=flags.fields,
    )


def _speaks_unicode() -> bool:
    return "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()


def plain(argv: Sequence[str], environ: Mapping[str, str]) -> Terminal:
    """A terminal for an error that happened before the flags could be read."""
    as_json = "--json" in argv or environ.get("TASKCTL_OUTPUT") == "json"
    return Terminal(form="json" if as_json else "tsv", err_is_tty=is_a_tty(sys.stderr))
