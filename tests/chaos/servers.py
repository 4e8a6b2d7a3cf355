"""Servers with a weakness: a Postgres that forgets its last commits, has few connections or a full disk."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.servers import Postgres
from tests.servers.process import program


class ForgetfulPostgres(Postgres):
    """Killed, it loses what was committed in its last ten seconds unless somebody asked for the disk."""

    settings = (*Postgres.settings, "wal_writer_delay=10s", "wal_writer_flush_after=1GB", "autovacuum=off")


class CrowdedPostgres(Postgres):
    """Few connections at a time."""

    connections = 20
    settings = (*Postgres.settings, f"max_connections={connections}")


class PostgresOnSmallDisk(Postgres):
    """Its data is on a file system of its own, which only it sees and which ends with it. Needs root."""

    size = "96m"
    settings = (*Postgres.settings, "min_wal_size=32MB", "max_wal_size=48MB", "autovacuum=off")

    def prepare(self, folder: Path) -> None:
        (folder / "disk").mkdir()

    def command(self) -> Sequence[str]:
        data = f"{self.home}/disk/data"
        user = f"setpriv --reuid={self.account} --regid={self.account} --clear-groups --pdeathsig=QUIT"
        initdb = f"{program('initdb')} -D {data} -U postgres --auth=trust -N -E UTF8"
        server = super().command()
        server = [data if word == f"{self.home}/data" else word for word in server]
        script = [
            f"mount -t tmpfs -o size={self.size},mode=777 tmpfs {self.home}/disk",
            f"{user} {initdb} >&2",
            f"exec {user} {shlex.join(server)}",
        ]
        return ["unshare", "--mount", "sh", "-ec", "\n".join(script)]

    def _user(self) -> dict[str, Any]:
        return {}

    @property
    def disk(self) -> Path:
        """Its file system, as seen from here."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{self.home}/disk")

    def fill(self) -> None:
        """Leaves no room."""
        subprocess.run(["dd", "if=/dev/zero", f"of={self.disk}/filler", "bs=64k"], capture_output=True)
        assert shutil.disk_usage(self.disk).free == 0

    def make_room(self) -> None:
        os.unlink(self.disk / "filler")
