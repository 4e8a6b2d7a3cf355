"""MariaDB."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.servers.process import HOST, Server, program


class MariaDB(Server):
    """MariaDB with a user `dj`, password `dj`; its clock shows another zone than UTC, as many do."""

    scheme = "mysql"
    account = "mysql"
    end_with = signal.SIGKILL

    @property
    def url(self) -> str:
        return f"mysql://dj:dj@{HOST}:{self.port}"

    def prepare(self, folder: Path) -> None:
        user = [f"--user={self.account}"] if self._other_user else []
        self._run_once(
            folder,
            program("mariadb-install-db"),
            "--no-defaults",
            *user,
            f"--datadir={folder}/data",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        )
        (folder / "init.sql").write_text(
            "CREATE USER IF NOT EXISTS dj@'127.0.0.1' IDENTIFIED BY 'dj';\n"
            "GRANT ALL ON *.* TO dj@'127.0.0.1';\n"
        )

    def command(self) -> Sequence[str]:
        return [
            program("mariadbd"),
            "--no-defaults",
            f"--datadir={self.home}/data",
            f"--port={self.port}",
            f"--bind-address={HOST}",
            f"--socket={self.home}/socket",
            f"--pid-file={self.home}/pid",
            f"--init-file={self.home}/init.sql",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=64M",
            "--skip-log-bin",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--default-time-zone=+05:30",
            "--max-connections=200",
        ]

    def answers(self) -> bool:
        import pymysql

        try:
            self.execute("SELECT 1")
        except pymysql.OperationalError:
            return False
        return True

    def execute(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Runs the statements; the rows of the last one."""
        import pymysql

        rows: list[tuple[Any, ...]] = []
        connection = pymysql.connect(
            host=HOST, port=self.port, user="dj", password="dj", database=database, connect_timeout=10
        )
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = list(cursor.fetchall())
            connection.commit()
        return rows
