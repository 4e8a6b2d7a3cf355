"""PostgreSQL, and PgBouncer in front of it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Sequence
from pathlib import Path

from tests.servers.process import HOST, Server, program


class Postgres(Server):
    """PostgreSQL; its superuser `postgres` needs no password."""

    scheme = "postgres"
    account = "postgres"
    end_with = signal.SIGQUIT
    settings = (
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "checkpoint_timeout=30s",  # or what many tests have written is read again when one kills the server
        "max_connections=200",
        "timezone=Asia/Kolkata",
        "log_min_messages=warning",
    )

    @property
    def url(self) -> str:
        return f"postgres://postgres@{HOST}:{self.port}"

    def prepare(self, folder: Path) -> None:
        self._run_once(
            folder,
            program("initdb"),
            "-D",
            f"{folder}/data",
            "-U",
            "postgres",
            "--auth=trust",
            "-N",
            "-E",
            "UTF8",
        )

    def command(self) -> Sequence[str]:
        data = f"{self.home}/data"
        options = [part for setting in self.settings for part in ("-c", setting)]
        return [
            program("postgres"),
            "-D",
            data,
            "-p",
            f"{self.port}",
            "-h",
            HOST,
            "-k",
            f"{self.home}",
            *options,
        ]

    def answers(self) -> bool:
        import psycopg

        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, *statements: str, database: str = "postgres") -> None:
        import psycopg

        with psycopg.connect(f"{self.url}/{database}", autocommit=True, connect_timeout=10) as connection:
            for statement in statements:
                connection.execute(statement.encode())


class PgBouncer(Server):
    """PgBouncer in transaction mode in front of a Postgres server."""

    scheme = "postgres"
    account = "postgres"

    def __init__(self, behind: Postgres) -> None:
        super().__init__()
        self.behind = behind

    @property
    def url(self) -> str:
        return f"postgres://postgres@{HOST}:{self.port}"

    def prepare(self, folder: Path) -> None:
        (folder / "ini").write_text(
            "[databases]\n"
            f"* = host={HOST} port={self.behind.port} user=postgres\n"
            "[pgbouncer]\n"
            f"listen_addr = {HOST}\nlisten_port = {self.port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 20\nmax_client_conn = 200\n"
            "ignore_startup_parameters = extra_float_digits\nserver_login_retry = 1\n"
        )

    def command(self) -> Sequence[str]:
        return [program("pgbouncer"), f"{self.home}/ini"]

    def answers(self) -> bool:
        try:
            socket.create_connection((HOST, self.port), timeout=5).close()
        except OSError:
            return False
        return True
