"""States to draw: a shop on an ordinary day, and one whose names attack the terminal."""

from __future__ import annotations

from django_task_worker.snapshot.rows import CAP, FailureRow, QueueRow, RunningRow, Snapshot, WorkerRow
from taskctl.dashboard.messages import DATABASE, DOWN, OK, REDIS, Events, Health
from taskctl.dashboard.state import State
from taskctl.dashboard.view import View
from taskctl.listening.happenings import Happening

NOW = 1_795_089_871.204
"""2026-11-19 12:04:31 UTC."""

HOSTILE = (
    "\x1b[2J\x1b[1;31mred",
    "\x1b]0;title\x07\x1b]52;c;aGk=\x07\x1b]8;;http://x\x07link",
    "\x9b2Jc1 \x85 \x90q\x9c",
    "[/] [link=http://x]markup[/link] :smile:",
    "\u202eesrever\u2066 \u200b\u200f",
    "日本語のタスク.関数",
    "🙂👍🏽❤️🇩🇪👨‍👩‍👧",
    "a" + "\u0301" * 10_000,
    "\u0301\u0301leading",
    "tab\tnew\nline\rcarriage\x00nul\x7fdel",
    "\ue000private\U000f0000\ud800",
    "x" * 5000,
)


def worker(name: str, slots: int, held: int, seen_s: float, *queues: str, up_s: float = 11530) -> WorkerRow:
    return WorkerRow(
        name,
        name,
        name.split("-")[0],
        4711,
        "1.0.0",
        queues,
        (),
        slots,
        held,
        81234,
        12,
        "up",
        NOW - up_s,
        NOW - seen_s,
        False,
        held,
    )


def task(
    pk: str,
    name: str,
    worker: str,
    elapsed_s: float,
    limit_s: float | None,
    *,
    queue: str = "default",
    tries: int = 1,
) -> RunningRow:
    return RunningRow(pk, name, queue, worker, tries, 3, NOW - elapsed_s, NOW + 20, limit_s)


def failure(pk: str, name: str, kind: str, error: str, age_s: float, queue: str = "mail") -> FailureRow:
    return FailureRow(pk, name, queue, "web2-4802", 3, kind, error, NOW - age_s)


def snapshot() -> Snapshot:
    queues = (
        QueueRow("default", 1102, 310, 4, NOW - 12),
        QueueRow("imports", CAP + 1, 0, 0, NOW - 100_800),
        QueueRow("mail", 170, 2, 2, NOW - 4),
        QueueRow("media", 0, 0, 0, None),
        QueueRow("reports", 12, 0, 1, NOW - 10_920, NOW - 10_800, "ana", "month end"),
    )
    running = (
        task("7h2k9qxdm3ab", "reports.tasks.monthly", "web1-4711", 252, 300, queue="reports"),
        task("7h2kaa01p9zz", "media.tasks.thumbnail", "web2-4802", 12, 30, tries=2),
        task("7h2kaa19c0de", "mail.tasks.send_welcome", "web1-4711", 3.4, 30, queue="mail"),
        task("7h2kab02k1k1", "app.tasks.add", "web2-4802", 0.1, None),
        task("7h2kab03k1k7", "app.tasks.import_row", "web1-4711", 0.1, 60)._replace(progress="30% rows"),
        task("7h2kab05m4mm", "app.tasks.import_row", "web1-4711", 50, 60)._replace(is_cancelling=True),
        task("7h2kab06x8aa", "mail.tasks.send_welcome", "web2-4802", 0.0, 30)._replace(started_at=None),
        task("7h2kab06x8ab", "media.tasks.thumbnail", "web3-1190", 40, 60)._replace(lease_until=NOW - 3),
    )
    failures = (
        *(
            failure(
                f"m{n}",
                "mail.tasks.send_welcome",
                "SMTPServerDisconnected",
                "Connection unexpectedly closed",
                33 + n,
            )
            for n in range(6)
        ),
        *(failure(f"i{n}", "app.tasks.import_row", "KeyError", "'sku'", 79 + n) for n in range(5)),
        failure("r0", "reports.tasks.monthly", "TaskTimeout", "ran longer than its 300 s", 351),
    )
    return Snapshot(
        at=NOW,
        queues=queues,
        running=running,
        workers=(
            worker("web1-4711", 5, 4, 1, "default", "mail"),
            worker("web2-4802", 5, 3, 2, "default", "mail"),
            worker("web3-1190", 4, 1, 38, "media"),
        ),
        failures=failures,
        retrying=4,
        stale=1,
        held=8,
        all_failures=True,
        took_s=0.004,
        round_trip_s=0.003,
    )


def history(state: State, *, until: float = NOW) -> None:
    """Ten minutes of events that rise and fall."""
    for second in range(int(until) - 600, int(until)):
        number = 30 + 20 * ((second // 60) % 3) + second % 7
        wait, run = 0.02 * (second % 11), 0.01 * (second % 17)
        done = [
            Happening(
                "completed",
                second,
                f"id{second}{n}",
                "app.tasks.add",
                ("default", "mail")[n % 5 == 0],
                ("web1-4711", "web2-4802")[n % 2],
                1,
                wait,
                run,
            )
            for n in range(number // 10)
        ]
        state.apply(Events(done), second)


LAST = (
    Happening("paused", NOW - 0.216, queue="reports"),
    Happening(
        "failed",
        NOW - 0.103,
        "m0",
        "mail.tasks.send_welcome",
        "mail",
        "web2-4802",
        5,
        0.1,
        1.2,
        "SMTPServerDisconnected",
    ),
    Happening(
        "completed", NOW - 0.054, "7h2kab00x2x2", "app.tasks.add", "default", "web1-4711", 1, 0.022, 0.009
    ),
    Happening("enqueued", NOW - 0.042, "7h2kab09r3r3", "app.tasks.add", "default"),
    Happening(
        "retrying",
        NOW - 0.014,
        "7h2kaa77z0q1",
        "app.tasks.import_row",
        "default",
        "web1-4711",
        1,
        0.2,
        0.1,
        "KeyError",
    ),
    Happening(
        "started", NOW - 0.006, "7h2kab06x8aa", "mail.tasks.send_welcome", "mail", "web2-4802", 1, 0.11
    ),
)


def shop() -> State:
    """The shop of the specification."""
    state = State("shop (config.settings.prod)", NOW - 892)
    history(state)
    state.apply(Events(LAST), NOW - 0.005)
    state.apply(snapshot(), NOW)
    state.apply(Health(REDIS, OK, round_trip_s=0.001), NOW)
    state.apply(Health(DATABASE, OK, round_trip_s=0.003), NOW)
    return state


def redis_down() -> State:
    state = shop()
    state.apply(Health(REDIS, DOWN, "redis://10.0.0.5:6379/0: connection refused", NOW - 42, NOW + 7.5), NOW)
    return state


def database_down() -> State:
    state = shop()
    state.snapshot_at = NOW - 18
    state.apply(Health(DATABASE, DOWN, "connection refused, shop@10.0.0.4:5432", NOW - 18, NOW + 3.5), NOW)
    return state


def hostile() -> State:
    """Every name is an attack."""
    state = State(HOSTILE[0], NOW - 60)
    names = HOSTILE
    state.apply(
        Snapshot(
            at=NOW,
            queues=tuple(
                QueueRow(name, 5 + n, 1, 1, NOW - n, NOW - 9 if n % 2 else None, name, name)
                for n, name in enumerate(names)
            ),
            running=tuple(
                RunningRow(f"id{n}", name, name, name, 1, 3, NOW - 10 * n, NOW + 9, 100.0, False, name[:80])
                for n, name in enumerate(names)
            ),
            workers=tuple(
                worker(name, 4, 1, 5 if n % 2 else 50, *names[:3])._replace(version=name)
                for n, name in enumerate(names)
            ),
            failures=tuple(failure(f"f{n}", name, name[:200], name, n, name) for n, name in enumerate(names)),
            retrying=1,
            stale=0,
            held=len(names),
            all_failures=True,
        ),
        NOW,
    )
    state.apply(
        Events(
            [
                Happening("failed", NOW - 1, f"h{n}", name, name, name, 1, 1.0, 2.0, name)
                for n, name in enumerate(names)
            ]
        ),
        NOW,
    )
    state.apply(Health(REDIS, DOWN, HOSTILE[1], NOW - 1, NOW + 1), NOW)
    return state


def view(**choices: object) -> View:
    return View(utc=True, **choices)  # type: ignore[arg-type]
