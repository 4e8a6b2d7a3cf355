"""`taskctl enqueue`"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Annotated, Any

import typer

from taskctl import call as grammar
from taskctl import feeding, storing, values
from taskctl.bulk import whole_seconds
from taskctl.errors import CommandError, bad_value, usage
from taskctl.flags import NAMES
from taskctl.options import DryRun, flag, value
from taskctl.session import session_of
from taskctl.storing import Request
from taskctl.times import Moment
from taskctl.verb import verb

TASK, BULK, WAIT = "The task", "Many at once", "Waiting"


@verb(
    "taskctl enqueue NAME [ARG…] [KEY=VALUE…] [FLAGS]  |  taskctl enqueue [NAME] --stdin",
    "taskctl enqueue app.tasks.add 1 2 --wait",
    "taskctl enqueue mail.tasks.send to=ana@example.org code=str:007 --delay 5m",
    takes_words=True,
)
def enqueue(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="NAME [ARG…]", show_default=False)] = None,
    queue: Annotated[
        str | None, value("--queue", metavar="Q", about="default: the task's own", panel=TASK)
    ] = None,
    priority: Annotated[
        str | None, value("--priority", metavar="N", about="-100 to 100, larger first", panel=TASK)
    ] = None,
    delay: Annotated[
        str | None, value("--delay", metavar="DUR", about="not before this has passed", panel=TASK)
    ] = None,
    at: Annotated[str | None, value("--at", metavar="TIME", about="not before this time", panel=TASK)] = None,
    time_limit: Annotated[
        str | None, value("--time-limit", metavar="DUR", about="stopped by force after this", panel=TASK)
    ] = None,
    retries: Annotated[
        str | None,
        value("--retries", metavar="N", about="run again up to N times after a failure", panel=TASK),
    ] = None,
    unique: Annotated[
        str | None,
        value(
            "--unique",
            metavar="KEY",
            about="not if an unfinished task has this key: prints its id",
            panel=TASK,
        ),
    ] = None,
    fail_if_exists: Annotated[
        bool, flag("--fail-if-exists", about="with --unique: exit 1 if there was one", panel=TASK)
    ] = False,
    args_json: Annotated[
        str | None, value("--args-json", metavar="JSON", about="an array, @file or - for stdin", panel=TASK)
    ] = None,
    kwargs_json: Annotated[
        str | None,
        value("--kwargs-json", metavar="JSON", about="an object, @file or - for stdin", panel=TASK),
    ] = None,
    allow_unknown: Annotated[
        bool, flag("--allow-unknown", about="for a task of another code base: check nothing", panel=TASK)
    ] = False,
    dry_run: DryRun = False,
    stdin: Annotated[bool, flag("--stdin", about="a task per line of NDJSON", panel=BULK)] = False,
    batch: Annotated[
        str, value("--batch", metavar="N", about="lines per transaction; 500", panel=BULK)
    ] = "500",
    keep_going: Annotated[
        bool, flag("--keep-going", about="report bad lines and go on; exit 1 at the end", panel=BULK)
    ] = False,
    skip: Annotated[str, value("--skip", metavar="N", about="leave out the first N lines", panel=BULK)] = "0",
    wait: Annotated[bool, flag("--wait", about="wait and print the result as JSON", panel=WAIT)] = False,
    timeout: Annotated[
        str | None,
        value("--timeout", metavar="DUR", about="of the waiting; exit 124, the task goes on", panel=WAIT),
    ] = None,
) -> int:
    """Store a task for the workers and print its id.

    Each word after NAME is JSON if it parses, else text; KEY=VALUE is a keyword argument:

      1 -2 1.5e3 true null     1, -2, 1500.0, True, None
      007 hello str:42         "007", "hello", "42"
      json:'{"a": 1}'          must be JSON, or it is an error
      -- --verbose             after -- nothing is a flag

    With --stdin each line is {"task": …, "args": […], "kwargs": {…}, "queue": …, "delay": "5m", …};
    with NAME it is the args (an array) or the kwargs (an object) of that task.
    """
    session = session_of(context)
    known = [name for param in context.command.params for name in param.opts] + ["--help", *NAMES]
    name, rest = _name(words or [], known)
    after = context.meta.get("after", [])
    request = Request(
        name=name,
        call=grammar.Call() if stdin else grammar.read(rest, after, flags=known),
        options=_options(queue, priority, delay, time_limit, retries, unique),
        at=_at(at, delay),
        check=not allow_unknown,
    )
    if stdin:
        if rest or after or args_json or kwargs_json:
            raise usage("--stdin: the arguments come from the lines, not from the command line")
        if dry_run or wait or unique:
            raise usage("--stdin does not go with --dry-run, --wait and --unique")
        feed = feeding.Feed(
            session,
            request,
            batch=values.whole("--batch", batch, 1),
            skip=values.whole("--skip", skip),
            keep_going=keep_going,
        )
        return feed.run()
    if name is None:
        raise usage("enqueue: name a task", tries=["taskctl enqueue app.tasks.add 1 2", "taskctl tasks"])
    if timeout is not None and not wait:
        raise usage("--timeout is of the waiting: add --wait, or use --time-limit for the task itself")
    _merge_json(request.call, args_json, kwargs_json)
    timeout_s = values.duration_or_none("--timeout", timeout)
    if dry_run:
        return storing.show(session, request)
    return storing.store(session, request, fail_if_exists=fail_if_exists, wait=wait, timeout_s=timeout_s)


def _name(words: list[str], known: list[str]) -> tuple[str | None, list[str]]:
    if not words:
        return None, []
    if words[0].startswith("-"):
        grammar.read(words[:1], flags=known)
    return words[0], words[1:]


def _at(text: str | None, delay: str | None) -> Moment | None:
    if text is not None and delay is not None:
        raise usage("--delay and --at: one of them")
    if text is not None and text.startswith("-"):
        raise bad_value("--at", text, "this is in the past")
    return values.moment("--at", text)


def _options(
    queue: str | None,
    priority: str | None,
    delay: str | None,
    time_limit: str | None,
    retries: str | None,
    unique: str | None,
) -> dict[str, Any]:
    """The keyword arguments of create_task that were given."""
    given = {
        "queue": queue,
        "priority": values.whole_or_none("--priority", priority, -100, 100),
        "timeout": None if time_limit is None else whole_seconds("--time-limit", time_limit),
        "max_retries": values.whole_or_none("--retries", retries),
        "unique_key": unique,
        "run_after": None if delay is None else timedelta(seconds=values.duration("--delay", delay)),
    }
    return {name: item for name, item in given.items() if item is not None}


def _merge_json(call: grammar.Call, args_json: str | None, kwargs_json: str | None) -> None:
    if args_json == "-" and kwargs_json == "-":
        raise usage("--args-json - and --kwargs-json -: stdin can be only one of them")
    if args_json is not None:
        if call.args:
            raise usage("--args-json does not go with positional arguments")
        call.args = _document("--args-json", args_json, list, "an array")
    if kwargs_json is not None:
        if call.kwargs:
            raise usage("--kwargs-json does not go with KEY=VALUE arguments")
        call.kwargs = _document("--kwargs-json", kwargs_json, dict, "an object")


def _document(flag_name: str, text: str, kind: type, what: str) -> Any:
    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        try:
            with open(text[1:], encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise bad_value(flag_name, text, getattr(error, "strerror", None) or "not UTF-8") from None
    document = grammar.strict(text, f"{flag_name} is not valid JSON")
    if not isinstance(document, kind):
        raise CommandError("bad-json", 2, f"{flag_name} must be {what}")
    return document
