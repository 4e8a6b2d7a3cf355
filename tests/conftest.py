"""Fixtures for all tests: real servers, fresh databases, real processes.

Short reference for whoever writes a test
-----------------------------------------

Servers start when a test first needs them, on free loopback ports, and belong to this pytest process (each
process of `-n 2` has its own). A test may stop, kill, freeze or start one; the next test finds it running.

- `postgres_server`, `mariadb_server`, `redis_server`, `pgbouncer_server`: `.url .port .running .start()
  .stop() .kill() .freeze() .thaw() .restart()`; see tests/servers.
- `proxy(server)`: a line to break in front of a server: `.url .port .pass_on() .silence() .refuse() .cut()
  .delay_s`; give its port to a worker, e.g. `database.url.replace(f":{server.port}", f":{proxy.port}")`.
- `using` (four runs: postgres, mariadb, sqlite, postgres without its fast path): an alias with empty,
  migrated tables, for tests in this process. Real transactions; threads get connections of their own and
  have to close them (`connections.close_all()`). `tests.databases.empty(alias)` empties it again.
- `database` (three runs): a database of its own, `.alias` and `.url`, for tests with subprocesses. In this
  process too, models and `create_task` go to it: the router follows, there is no `default`.
- `unmigrated` (three runs): the same without tables.
- `redis`: the Redis server, running and flushed; the project's `REDIS_URL` points to it, here and in
  subprocesses. Without this fixture a test has no Redis.
- `environment`: the environment for subprocesses, a dict to change before `worker` or `run` is called.
- `worker(*arguments)`: starts `taskctl worker ARGUMENTS` on `database`, waits until it is ready, returns a
  `tests.processes.Process`: `.pid .output .line(pattern) .stop() .kill() .freeze() .children()`.
  `worker(..., manage=True)` is `manage.py run_worker`; `ready=False` does not wait.
- `start(*command, cwd=..., NAME="value")`: any other process with that environment; also a `Process`.
- `run(*arguments)`: runs `taskctl ARGUMENTS` in the project to its end: `.returncode .stdout .stderr`.
- `journal`: a Path for `app.tasks.journal`; read it with `tests.processes.journal_lines`.
- `tests.waiting.wait_until(condition, timeout, what=...)`.

With TEST_POSTGRES_THROUGH=pgbouncer in the environment, whatever is about Postgres goes through PgBouncer in
transaction mode (`tests/run --slow` does that with all of it).

At the end of a test nothing that it started may still run: leftovers are killed and fail the test.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import MARK, Process, end_marked, marked
from tests.servers import MariaDB, PgBouncer, Postgres, Proxy, Redis, Server
from tests.servers.folder import run_folder
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.databases import Database

PROJECT = Path(__file__).parent / "project"
KINDS = ["postgres", pytest.param("mariadb", marks=pytest.mark.mariadb), "sqlite"]

_postgres, _mariadb, _redis = Postgres(), MariaDB(), Redis()
_pgbouncer = PgBouncer(_postgres)
_servers: list[Server] = [_pgbouncer, _postgres, _mariadb, _redis]


def pytest_configure(config: pytest.Config) -> None:
    _hear_signals()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.several"
    import django

    django.setup()


def _hear_signals() -> None:
    """What a shell starts in the background ignores SIGINT, and so would every process of the tests."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_unconfigure(config: pytest.Config) -> None:
    for server in _servers:
        server.remove()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Writes `passed failed` for tests/run, which adds up several runs."""
    path = os.environ.get("TEST_COUNTS")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if path and reporter is not None and not hasattr(session.config, "workerinput"):
        counts = {word: len(reports) for word, reports in reporter.stats.items()}
        failed = counts.get("failed", 0) + counts.get("error", 0)
        Path(path).write_text(f"{counts.get('passed', 0)} {failed} {counts.get('skipped', 0)}\n")


# Servers


@pytest.fixture
def postgres_server() -> Postgres:
    _postgres.start()
    return _postgres


@pytest.fixture
def mariadb_server() -> MariaDB:
    _mariadb.start()
    return _mariadb


@pytest.fixture
def redis_server() -> Redis:
    _redis.start()
    _redis.flush()
    return _redis


@pytest.fixture
def pgbouncer_server(postgres_server: Postgres) -> PgBouncer:
    _pgbouncer.start()
    return _pgbouncer


@pytest.fixture
def database_server(request: pytest.FixtureRequest, kind: str) -> Server:
    """The one that the URL of `database` names: Postgres, the pooler in front of it, or MariaDB."""
    name = "pgbouncer" if kind == "postgres" and is_pooled() else kind
    server: Server = request.getfixturevalue(f"{name}_server")
    return server


@pytest.fixture
def proxy() -> Iterator[Callable[[Server], Proxy]]:
    proxies: list[Proxy] = []

    def proxy(server: Server) -> Proxy:
        proxies.append(Proxy(server))
        return proxies[-1]

    yield proxy
    for each in proxies:
        each.close()


# Databases


def is_pooled() -> bool:
    return os.environ.get("TEST_POSTGRES_THROUGH") == "pgbouncer"


@pytest.fixture(scope="session")
def _databases() -> dict[str, Any]:
    from tests.databases import MariaDatabases, PostgresDatabases, SqliteDatabases

    pooler = _pgbouncer if is_pooled() else None
    return {
        "postgres": PostgresDatabases(_postgres, pooler),
        "mariadb": MariaDatabases(_mariadb),
        "sqlite": SqliteDatabases(run_folder()),
    }


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """postgres, mariadb, sqlite in turn."""
    return str(request.param)


@pytest.fixture(params=[*KINDS, "postgres-reference"])
def using(
    request: pytest.FixtureRequest,
    _databases: dict[str, Any],
    django_db_blocker: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    kind = request.param
    if kind == "postgres-reference":
        kind = "postgres"
        monkeypatch.setattr("django_task_worker.lifecycle.postgresql.is_supported", lambda using: False)
    with django_db_blocker.unblock(), _databases[kind].shared() as database:
        yield database.alias


@pytest.fixture
def database(
    kind: str, _databases: dict[str, Any], django_db_blocker: Any, _nothing_left: Any
) -> Iterator[Any]:
    with django_db_blocker.unblock(), _databases[kind].fresh() as database:
        yield database


@pytest.fixture
def unmigrated(
    kind: str, _databases: dict[str, Any], django_db_blocker: Any, _nothing_left: Any
) -> Iterator[Any]:
    with django_db_blocker.unblock(), _databases[kind].fresh(migrated=False) as database:
        yield database


# Processes


@pytest.fixture(autouse=True)
def _no_warning_yet() -> None:
    """A process warns of Redis once a minute, and this one runs many tests in a minute."""
    from django_task_worker.events.redis import WARN_EVERY_S, Breaker

    Breaker.warned_at = Breaker.refused_at = -WARN_EVERY_S


@pytest.fixture
def _nothing_left() -> Iterator[str]:
    """A mark for the processes of this test; fails the test when some of them outlive it."""
    mark = uuid.uuid4().hex
    yield mark
    try:
        wait_until(lambda: not marked(mark), 3)
    except AssertionError:
        pytest.fail("still running at the end of the test: " + "; ".join(end_marked(mark)), pytrace=False)


@pytest.fixture
def environment(_nothing_left: str, tmp_path: Path) -> dict[str, str]:
    """A plain environment for a subprocess in the project, without Redis and with no database named."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    scripts = str(Path(sys.executable).parent)
    return {
        **kept,
        MARK: _nothing_left,
        "PATH": f"{scripts}{os.pathsep}{kept.get('PATH', os.defpath)}",
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


@pytest.fixture
def redis(redis_server: Redis, environment: dict[str, str], settings: Any) -> Redis:
    environment["REDIS_URL"] = redis_server.url
    settings.REDIS_URL = redis_server.url
    return redis_server


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def start(*command: object, cwd: Path = PROJECT, **variables: str) -> Process:
        process = Process([str(word) for word in command], cwd=cwd, env={**environment, **variables})
        started.append(process)
        return process

    yield start
    for process in started:
        process.close()


@pytest.fixture
def worker(database: Database, start: Callable[..., Process]) -> Callable[..., Process]:
    def worker(*arguments: object, manage: bool = False, ready: bool = True, **variables: str) -> Process:
        command = ["manage.py", "run_worker"] if manage else ["-m", "taskctl", "worker"]
        process = start(sys.executable, *command, *arguments, **{"TEST_DATABASE": database.url, **variables})
        if ready:
            process.line(r"\bready\b")
        return process

    return worker


@pytest.fixture
def run(environment: dict[str, str], request: pytest.FixtureRequest) -> Callable[..., Any]:
    def run(
        *arguments: object, stdin: str = "", cwd: Path = PROJECT, timeout: float = 60, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        env = {**environment, **variables}
        if "database" in request.fixturenames and "TEST_DATABASE" not in env:
            env["TEST_DATABASE"] = request.getfixturevalue("database").url
        command = [sys.executable, "-m", "taskctl", *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=cwd,
            env=env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.touch()
    return path
