"""`taskctl help`"""

from __future__ import annotations

from typing import Annotated

import typer

from taskctl.errors import nearest, usage
from taskctl.session import session_of
from taskctl.verb import verb

TOPICS = {
    "exit-codes": """\
Exit codes

    0  ok           done, including an empty list or nothing to do
    1  negative     a task waited for failed or was cancelled, one to look into
                    does not run; doctor found a failure; --fail-if…, --min or
                    --max-… matched; some items of a bulk run failed
    2  usage        bad flag, value, duration, JSON, unknown task, queue, field
    3  not found    the task id or worker does not exist, or the beginning of
                    an id is ambiguous
    4  unconfirmed  the answer was no, or a question was needed and nobody
                    could be asked
   69  unavailable  the database is not reachable; events: Redis, with
                    --require-redis
   70  bug          unexpected; --debug shows it
   74  unwritten    the output cannot be written: the disk is full or broken
   75  try again    worker: it lost its registration and stepped down; start
                    it again
   77  permission   the database refuses the operation
   78  config       settings not found or broken, app not installed,
                    migrations missing
  124  timed out    --timeout reached, as with timeout(1)
  130, 143, 141     SIGINT, SIGTERM, broken pipe

In CI: 2 and 78 = mend the pipeline, 69 = try later, 1 = look at the task,
124 = raise the timeout.
""",
    "json": """\
JSON

--json (or TASKCTL_OUTPUT=json) prints one compact object per line, never an
array:

  taskctl list --json | jq -c 'select(.status == "failed")'
  taskctl list --limit 0 --json | jq -s length

Every object begins with "v": 1 and a "type": task, event, queue, worker,
stats, call, function, why, stack, log_line, check, count, purged, forgotten,
summary; of top also failure.
Keys are never left out; what is absent is null. Times are ISO-8601 in UTC with
Z; durations are seconds in keys that end in _s. New keys may appear; a changed
meaning raises "v". --fields a,b chooses keys. Errors are one object on stderr:

  {"v":1,"type":"error","code":…,"exit":…,"message":…,"hint":…,"facts":[…]}
""",
    "durations": """\
Durations and times

A duration is one or more NUMBER UNIT without spaces, largest first; the units
are w d h m s ms: 7d, 1h30m, 90s, 1.5h, 250ms. A bare number means seconds, but
--older-than wants a unit.

A time is ISO-8601: 2026-11-30, 2026-11-30T18:00, 2026-11-30T18:00:00+01:00.
Without an offset it is read in the TIME_ZONE of the settings, and the result
is told. --since and --until also take now, today, -2h.
""",
    "env": """\
Environment

  DJANGO_SETTINGS_MODULE   settings to use, like --settings
  DJANGO_CONFIGURATION     the class, with django-configurations
  TASKCTL_PROJECT          folder put first on sys.path, like --project
  TASKCTL_DATABASE         database alias, like --database
  TASKCTL_OUTPUT           table, tsv, json or id, like --output
  TASKCTL_ASCII=1          no characters outside ASCII
  TASKCTL_VERBOSE=1, 2     like -v, -vv
  TASKCTL_NO_INPUT=1, CI   never ask
  TASKCTL_DEBUG=1          full traceback on error
  TASKCTL_READ_ONLY=1      like top --read-only
  TASKCTL_NO_CACHE=1       keep no names for Tab to complete
  XDG_CACHE_HOME           where they are kept; else ~/.cache
  XDG_DATA_HOME, XDG_CONFIG_HOME, BASH_COMPLETION_USER_DIR
                           where completions --install puts its file
  NO_COLOR, FORCE_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM=dumb
                           colour; --color wins
  REDIS_URL, REDIS_PASSWORD
                           only where there is no Django project; else its
                           settings say it
""",
}


@verb("taskctl help [COMMAND | TOPIC]", "taskctl help enqueue", "taskctl help exit-codes")
def help_(
    context: typer.Context,
    word: Annotated[str | None, typer.Argument(metavar="COMMAND | TOPIC", show_default=False)] = None,
) -> int:
    """Explain a command, or a topic: exit-codes, json, durations, env."""
    from taskctl import tree
    from taskctl.app import BY_NAME

    session = session_of(context)
    if word in TOPICS:
        session.terminal.line(TOPICS[word].rstrip())
        return 0
    if word is not None and word not in BY_NAME:
        close = nearest(word, [*TOPICS, *BY_NAME], 1)
        hint = f" Did you mean {close[0]}?" if close else f" Topics: {', '.join(TOPICS)}"
        raise usage(f"no help on '{word}'.{hint}")
    return tree.invoke(session, [word, "--help"] if word else ["--help"])
