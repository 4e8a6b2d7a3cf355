"""The commands as Typer sees them: stubs, each swapped for the real one when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from taskctl import guide
from taskctl.app import BY_NAME, COMMANDS, Entry
from taskctl.errors import nearest, usage
from taskctl.flags import TABLE
from taskctl.session import Session
from taskctl.verb import Verb

HELP = {"help_option_names": ["-h", "--help"]}
EXAMPLES = ("taskctl worker --concurrency 4", "taskctl enqueue app.tasks.add 1 2 --wait")


class _AsTyped:
    """Leaves words alone: every option here is a str, a bool or a list of str.

    Typer's own coercion would load pydantic, which costs as much as Typer itself.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        return () if value is None and (param.multiple or param.nargs == -1) else value


def _leave_alone(param: Any) -> Any:
    if param is not None and vars(param).get("_runtime_param", param) is None:
        vars(param)["_runtime_param"] = _AsTyped()
    return param


class Command(TyperCommand):
    """A command with our help."""

    verb: Verb

    def get_params(self, ctx: Any) -> Any:
        return [_leave_alone(param) for param in super().get_params(ctx)]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if self.verb.takes_words and "--" in args:
            at = args.index("--")
            ctx.meta["after"] = args[at + 1 :]
            args = args[:at]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        width = _width(ctx)
        lines = guide.examples(self.verb.examples)
        lines += [guide.heading("Usage: ") + self.verb.usage.replace("  |  ", "\n       "), ""]
        lines += guide.paragraphs(self.help or "", width)
        if self.verb.verbs:
            rows = [(name, _first_sentence(verb)) for name, verb in self.verb.verbs.items()]
            lines += [guide.heading("Verbs:"), *guide.pairs(rows, width), ""]
        for title, rows in self._sections(ctx).items():
            lines += [guide.heading(f"{title}:"), *guide.pairs(rows, width), ""]
        lines.append("Global flags such as --json, --settings, -q: taskctl --help")
        formatter.write("\n".join(lines))

    def _sections(self, ctx: Any) -> dict[str, list[tuple[str, str]]]:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None or param.param_type_name == "argument":
                continue
            title = getattr(param, "rich_help_panel", None) or "Flags"
            sections.setdefault(title, []).append(record)
        return dict(sorted(sections.items(), key=lambda item: item[0] == "Flags"))


def _first_sentence(verb: Verb) -> str:
    return " ".join((verb.function.__doc__ or "").split()).partition(". ")[0].removesuffix(".")


class Stub(TyperCommand):
    """Name and one line of help; the module behind it is not imported."""


class Group(TyperGroup):
    """`taskctl` itself."""

    def get_params(self, ctx: Any) -> Any:
        return [_leave_alone(param) for param in super().get_params(ctx)]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        entry = BY_NAME.get(args[0])
        if entry is None:
            close = nearest(args[0], list(BY_NAME))
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            tries = [] if close else ["taskctl --help"]
            raise usage(f"no such command: {args[0]}.{hint}".removesuffix("."), tries=tries)
        name, verb, rest = _chosen(entry.name, verb_of(entry), args[1:])
        ctx.obj.command = name
        return name, command(name, verb), rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write("\n".join([*overview(), *global_flags(_width(ctx))]))


def _chosen(name: str, verb: Verb, words: list[str]) -> tuple[str, Verb, list[str]]:
    """The sub-verb that the words begin with, where there are any."""
    if not verb.verbs or not words or words[0].startswith("-"):
        return name, verb, words
    chosen = verb.verbs.get(words[0])
    if chosen is None:
        close = nearest(words[0], list(verb.verbs), 1) or list(verb.verbs)
        raise usage(f"{name}: no such verb: {words[0]}. Did you mean {' or '.join(close)}?")
    return f"{name} {words[0]}", chosen, words[1:]


def verb_of(entry: Entry) -> Verb:
    """What the command's module offers; imports it."""
    module, attribute = entry.home.split(":")
    verb = getattr(import_module(f"taskctl.commands.{module}"), attribute)
    assert isinstance(verb, Verb)
    return verb


def load(entry: Entry) -> Command:
    """The real command of an entry; imports its module."""
    return command(entry.name, verb_of(entry))


def command(name: str, verb: Verb) -> Command:
    """A verb, or one of a noun's, as Typer runs it."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    settings: dict[str, Any] = dict(HELP)
    if verb.takes_words:
        settings["ignore_unknown_options"] = True
    app.command(name, cls=Command, context_settings=settings)(verb.function)
    made = get_command(app)
    assert isinstance(made, Command)
    made.verb = verb
    return made


def group() -> Group:
    stubs: dict[str, Any] = {
        entry.name: Stub(entry.name, short_help=entry.line, hidden=not entry.shown) for entry in COMMANDS
    }
    return Group(name="taskctl", commands=stubs, rich_markup_mode=None, context_settings=dict(HELP))


def invoke(session: Session, words: list[str]) -> int:
    """Parses and runs; the errors are the caller's."""
    if not words:
        session.terminal.line(_unstyled("\n".join(overview()).rstrip(), session.terminal.out_colour))
        return 0
    root = group()
    context = root.make_context("taskctl", words, obj=session, color=session.terminal.out_colour)
    with context:
        code = root.invoke(context)
    return code if isinstance(code, int) else 0


def overview() -> list[str]:
    """The short help."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for entry in COMMANDS:
        if entry.shown:
            panels.setdefault(entry.panel, []).append((entry.name, entry.line))
    return [
        *guide.examples(EXAMPLES),
        guide.heading("Usage: ") + "taskctl [GLOBAL] COMMAND [ARGS] [FLAGS]",
        "",
        *guide.commands(panels.items()),
        "",
        "taskctl COMMAND --help explains a command, taskctl --help also the global flags.",
        "",
    ]


def global_flags(width: int) -> list[str]:
    rows = []
    for flag in TABLE:
        names = ", ".join(flag.names)
        variable = f"  [{flag.variable}]" if flag.variable else ""
        rows.append((f"{names} {flag.metavar}".rstrip(), flag.help + variable))
    return [guide.heading("Global flags, before or after the command:"), *guide.pairs(rows, width)]


def _width(ctx: Any) -> int:
    session = ctx.obj
    return min(session.terminal.width, 100) if isinstance(session, Session) else 80


def _unstyled(text: str, colour: bool) -> str:
    return text if colour else text.replace(guide.BOLD, "").replace(guide.RESET, "")
