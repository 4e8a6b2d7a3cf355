"""The global flags: taken out of the command line wherever they stand before the first `--`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from taskctl.errors import bad_value, usage

FORMS = ("table", "tsv", "json", "id")
COLOURS = ("auto", "always", "never")


@dataclass(frozen=True)
class Flag:
    """One global flag: its spellings, what it takes, which variable stands in for it."""

    names: tuple[str, ...]
    metavar: str
    help: str
    variable: str = ""

    @property
    def key(self) -> str:
        return self.names[-1].lstrip("-").replace("-", "_")


TABLE = (
    Flag(("--settings",), "MODULE", "settings module to use", "DJANGO_SETTINGS_MODULE"),
    Flag(("--project",), "DIR", "folder put first on sys.path; default: found", "TASKCTL_PROJECT"),
    Flag(("--database",), "ALIAS", "database alias; default: what the router says", "TASKCTL_DATABASE"),
    Flag(("--json",), "", "one JSON object per line", "TASKCTL_OUTPUT=json"),
    Flag(("-o", "--output"), "FORM", "table, tsv, json, or id (ids only, for xargs)", "TASKCTL_OUTPUT"),
    Flag(("--fields",), "a,b,c", "choose and order columns or JSON keys"),
    Flag(("--header",), "", "header line, also in tsv"),
    Flag(("--no-header",), "", "no header line, also in tables"),
    Flag(("--color",), "WHEN", "auto, always or never", "NO_COLOR, FORCE_COLOR, CLICOLOR, CLICOLOR_FORCE"),
    Flag(("--ascii",), "", "plain ASCII only", "TASKCTL_ASCII=1"),
    Flag(("--utc",), "", "times in UTC (tsv and JSON always are)"),
    Flag(("-v", "--verbose"), "", "more detail on stderr; -vv for more", "TASKCTL_VERBOSE"),
    Flag(("-q", "--quiet"), "", "errors only"),
    Flag(("--no-input",), "", "never ask", "TASKCTL_NO_INPUT=1, CI"),
    Flag(("--debug",), "", "full traceback on error", "TASKCTL_DEBUG=1"),
    Flag(("--version",), "", "version; with -v also Django and Python"),
)
_BY_NAME = {name: flag for flag in TABLE for name in flag.names}
NAMES = tuple(_BY_NAME)


@dataclass(frozen=True, kw_only=True)
class Globals:
    """The values of the global flags, with the environment behind them."""

    settings: str | None = None
    project: str | None = None
    database: str | None = None
    output: str | None = None
    fields: tuple[str, ...] | None = None
    header: bool | None = None
    color: str = "auto"
    ascii: bool = False
    utc: bool = False
    verbosity: int = 0
    """-1 with -q, 1 with -v, 2 with -vv."""
    no_input: bool = False
    debug: bool = False
    version: bool = False


@dataclass
class _Taken:
    values: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)


def split(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Globals, list[str]]:
    """The global flags and what is left of the command line. Raises CommandError."""
    taken = _take(argv)
    return _read(taken, environ), taken.rest


def _take(argv: Sequence[str]) -> _Taken:
    taken = _Taken()
    words = iter(argv)
    for word in words:
        if word == "--":
            taken.rest += ["--", *words]
            break
        name, equals, value = word.partition("=")
        flag = _BY_NAME.get(name)
        if flag is None and word[:2] == "-o" and word[2:3] not in ("", "-", "="):
            flag, equals, value = _BY_NAME["-o"], "=", word[2:]
        if flag is None and len(word) > 2 and word[0] == "-" and set(word[1:]) == {"v"}:
            taken.counts["verbose"] = taken.counts.get("verbose", 0) + len(word) - 1
        elif flag is None:
            taken.rest.append(word)
        elif flag.metavar:
            taken.values[flag.key] = value if equals else _next(words, name)
        elif equals:
            raise usage(f"option {name} takes no value")
        else:
            taken.counts[flag.key] = taken.counts.get(flag.key, 0) + 1
    return taken


def _next(words: object, name: str) -> str:
    value = next(words, None)  # type: ignore[call-overload]
    if value is None or value == "--":
        raise usage(f"option {name} needs a value")
    assert isinstance(value, str)
    return value


def _read(taken: _Taken, environ: Mapping[str, str]) -> Globals:
    values, counts = taken.values, taken.counts
    output = "json" if counts.get("json") else values.get("output")
    where = "--output" if output is not None else "TASKCTL_OUTPUT"
    output = output or environ.get("TASKCTL_OUTPUT") or None
    if output is not None and output not in FORMS:
        raise bad_value(where, output, f"choose one of {', '.join(FORMS)}")
    colour = values.get("color", "auto")
    if colour not in COLOURS:
        raise bad_value("--color", colour, f"choose one of {', '.join(COLOURS)}")
    header = True if counts.get("header") else False if counts.get("no_header") else None
    return Globals(
        settings=values.get("settings"),
        project=values.get("project") or environ.get("TASKCTL_PROJECT") or None,
        database=values.get("database") or environ.get("TASKCTL_DATABASE") or None,
        output=output,
        fields=_fields(values.get("fields")),
        header=header,
        color=colour,
        ascii=bool(counts.get("ascii")) or is_on(environ.get("TASKCTL_ASCII")),
        utc=bool(counts.get("utc")),
        verbosity=-1 if counts.get("quiet") else counts.get("verbose", 0) or _level(environ),
        no_input=bool(counts.get("no_input"))
        or is_on(environ.get("TASKCTL_NO_INPUT"))
        or is_on(environ.get("CI")),
        debug=bool(counts.get("debug")) or is_on(environ.get("TASKCTL_DEBUG")),
        version=bool(counts.get("version")),
    )


def _fields(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise usage("--fields: name at least one column")
    return names


def _level(environ: Mapping[str, str]) -> int:
    text = environ.get("TASKCTL_VERBOSE", "")
    return min(int(text), 2) if text.isdecimal() else 0


def is_on(text: str | None) -> bool:
    """Whether an environment variable says yes: set, not empty, not 0, not false."""
    return (text or "0").lower() not in ("0", "false", "no", "off")
