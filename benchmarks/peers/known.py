"""The peers, each as fast as its documentation makes it while it keeps what became of a task."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.peers.peer import Peer


class Celery(Peer):
    """Redis carries messages and results; four processes."""

    name = "Celery, Redis broker and results"
    requirements = ("celery[redis]~=5.7",)
    program = "with_celery"
    has_round_trip = True
    scale = 0.2

    def create(self) -> str:
        return f"redis://127.0.0.1:{self.stage.redis.port}"

    def empty(self) -> None:
        self.stage.redis.flush()

    def commands(self) -> list[list[object]]:
        worker = [
            "worker",
            "--concurrency",
            4,
            "--loglevel",
            "WARNING",
            "--without-gossip",
            "--without-mingle",
        ]
        return [[self.python, "-m", "celery", "--app", self.program, *worker, "--without-heartbeat"]]

    def finished(self) -> Callable[[], int]:
        return lambda: self.stage.redis.keys(2)


class PgQueuer(Peer):
    """One process, one loop, batches of 100; no hard kill."""

    name = "PgQueuer, async in one process, batches of 100"
    requirements = ("pgqueuer[asyncpg]~=1.6", "uvloop~=0.23")
    program = "with_pgqueuer"

    def install(self) -> None:
        for command in ("install", "autovac"):
            self._pgq(command)

    def empty(self) -> None:
        self.query("TRUNCATE pgqueuer, pgqueuer_log, pgqueuer_statistics")

    def commands(self) -> list[list[object]]:
        return [[self.python, f"{self.program}.py", "work", '{"batch_size": 100}']]

    def finished(self) -> Callable[[], int]:
        return self.counting("SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'")

    def _pgq(self, *words: str) -> None:
        self.run(self.python, "-m", "pgqueuer", "--pg-dsn", self.url, *words)


class Procrastinate(Peer):
    """One process, 50 slots."""

    name = "Procrastinate, 50 async slots"
    requirements = ("procrastinate~=3.10", "psycopg[binary]~=3.3")
    program = "with_procrastinate"
    scale = 0.2

    def install(self) -> None:
        self._command("schema", "--apply")

    def empty(self) -> None:
        self.query("TRUNCATE procrastinate_jobs CASCADE")

    def commands(self) -> list[list[object]]:
        return [[*self._words, "worker", "--concurrency", 50]]

    def finished(self) -> Callable[[], int]:
        return self.counting("SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'")

    @property
    def _words(self) -> list[object]:
        return [self.python, "-m", "procrastinate", "--log-level", "warning", "--app", f"{self.program}.app"]

    def _command(self, *words: str) -> None:
        self.run(*self._words, *words)


class DjangoTasks(Peer):
    """Four processes with kept connections."""

    name = "django-tasks-db, 4 workers"
    requirements = ("django~=5.2", "django-tasks-db[compat]~=0.13", "psycopg[binary]~=3.3")
    program = "with_django_tasks"
    scale = 0.1

    def install(self) -> None:
        self.run(self.python, f"{self.program}.py", "migrate", "-v0")

    def empty(self) -> None:
        self.query("TRUNCATE django_tasks_database_dbtaskresult")

    def commands(self) -> list[list[object]]:
        words = [self.python, f"{self.program}.py", "db_worker", "--no-startup-delay", "-v0"]
        return [words for _ in range(4)]

    def finished(self) -> Callable[[], int]:
        table = "django_tasks_database_dbtaskresult"
        return self.counting(f"SELECT count(*) FROM {table} WHERE status = 'SUCCESSFUL'")


PEERS = (PgQueuer, Celery, Procrastinate, DjangoTasks)
