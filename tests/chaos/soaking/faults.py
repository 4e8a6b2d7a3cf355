"""What may happen to a worker, to Redis or to the database. Each fault says what it did.

The steady worker is never ended: it shows whether memory or connections grow.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from contextlib import suppress

import psutil
import psycopg
import redis

from tests.chaos.audit import TASKS
from tests.chaos.soaking.stage import Crew, Stage

Fault = Callable[[Stage], str]
HOSTILE = [
    b"",
    b"\xff\x00",
    b"{" * 1000,
    b"[" * 5000,
    b'{"event":"task_cancelled","task_id":"x"}',
    b"x" * 100_000,
]


def _one(stage: Stage, *, may_end: bool) -> Crew:
    return random.choice(stage.crews[1:] if may_end else stage.crews)


def _tree(crew: Crew) -> list[psutil.Process]:
    return [psutil.Process(crew.process.pid), *crew.process.children()]


def _send(processes: list[psutil.Process], number: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def kill_worker(stage: Stage) -> str:
    crew = _one(stage, may_end=True)
    crew.process.kill()
    stage.later(random.uniform(0, 10), lambda: stage.replace(crew))
    return f"kill -9 {crew.name}"


def kill_machine(stage: Stage) -> str:
    crew = _one(stage, may_end=True)
    _send(_tree(crew), signal.SIGKILL)
    crew.process.wait()
    stage.later(random.uniform(0, 10), lambda: stage.replace(crew))
    return f"kill -9 {crew.name} and its children"


def kill_child(stage: Stage) -> str:
    crew = _one(stage, may_end=False)
    for child in random.sample(crew.process.children(), 1):
        child.kill()
    return f"kill -9 a child of {crew.name}"


def freeze_worker(stage: Stage) -> str:
    crew = _one(stage, may_end=False)
    frozen = _tree(crew) if random.random() < 0.5 else _tree(crew)[:1]
    seconds = random.choice([5, 40, 55])
    _send(frozen, signal.SIGSTOP)
    stage.later(seconds, lambda: _send(frozen, signal.SIGCONT))
    return f"freeze {crew.name}, {len(frozen)} processes, for {seconds} s"


def freeze_child(stage: Stage) -> str:
    crew = _one(stage, may_end=False)
    child = random.sample(crew.process.children(), 1)
    _send(child, signal.SIGSTOP)
    stage.later(random.uniform(1, 15), lambda: _send(child, signal.SIGCONT))
    return f"freeze a child of {crew.name}"


def replace_worker(stage: Stage) -> str:
    """As a deploy does: told to stop, and when it has ended, a new one."""
    crew = _one(stage, may_end=True)
    if crew.process.running:
        crew.process.send(signal.SIGTERM)
    crew.process.wait(60)
    stage.replace(crew)
    return f"SIGTERM {crew.name} and replace it"


def silence_database(stage: Stage) -> str:
    crew = _one(stage, may_end=False)
    seconds = random.choice([3, 10, 45])
    crew.line.silence()
    stage.later(seconds, crew.line.pass_on)
    return f"silence the line from {crew.name} to the database for {seconds} s"


def cut_database(stage: Stage) -> str:
    statement = (
        f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{stage.name}'"
    )
    stage.postgres.execute(statement)
    return "cut all connections to the database"


def restart_database(stage: Stage) -> str:
    number = random.choice([signal.SIGQUIT, signal.SIGINT, signal.SIGKILL])
    process = stage.postgres.process
    assert process is not None
    if number is signal.SIGKILL:
        stage.postgres.kill()
    else:
        process.send_signal(number)
        process.wait(30)
    stage.later(random.uniform(0, 4), stage.postgres.start)
    return f"restart the database by {number.name}"


def lock_table(stage: Stage) -> str:
    link = psycopg.connect(f"{stage.postgres.url}/{stage.name}", connect_timeout=5)
    link.execute("SET lock_timeout = '5s'")
    with suppress(psycopg.OperationalError):
        link.execute(f"LOCK TABLE {TASKS} IN ACCESS EXCLUSIVE MODE".encode())
    stage.later(8, link.close)
    return "lock the table for 8 s"


def kill_redis(stage: Stage) -> str:
    stage.redis.kill()
    stage.later(random.uniform(0, 15), stage.redis.start)
    return "kill Redis"


def hang_redis(stage: Stage) -> str:
    stage.redis.freeze()
    stage.later(random.uniform(5, 15), stage.redis.thaw)
    return "hang Redis"


def flush_redis(stage: Stage) -> str:
    with suppress(OSError):
        stage.redis.ask("FLUSHALL")
        stage.redis.ask("CLIENT", "KILL", "TYPE", "pubsub")
    return "flush Redis and cut its subscribers"


def flood_redis(stage: Stage) -> str:
    with suppress(redis.RedisError), redis.Redis.from_url(stage.redis.url, socket_timeout=2) as link:
        for _ in range(40):
            with link.pipeline(transaction=False) as pipe:
                for message in HOSTILE * 20:
                    pipe.publish("task_wake", message)
                pipe.execute()
    return "flood Redis with hostile messages"


FAULTS: list[Fault] = [
    kill_worker,
    kill_machine,
    kill_child,
    freeze_worker,
    freeze_child,
    replace_worker,
    silence_database,
    cut_database,
    restart_database,
    lock_table,
    kill_redis,
    hang_redis,
    flush_redis,
    flood_redis,
]
DATABASE = ("database", "table")
"""Words in the names of faults after which workers may complain about the database."""
