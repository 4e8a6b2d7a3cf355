"""Redis."""

from __future__ import annotations

import signal
import socket
from collections.abc import Sequence

from tests.servers.process import HOST, Server, program


class Redis(Server):
    """Redis that keeps nothing on disk. `password` makes it ask for one."""

    scheme = "redis"
    end_with = signal.SIGKILL

    def __init__(self, password: str | None = None) -> None:
        super().__init__()
        self.password = password

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def command(self) -> Sequence[str]:
        command = [program("redis-server"), "--port", f"{self.port}", "--bind", HOST]
        command += ["--save", "", "--appendonly", "no", "--dir", f"{self.home}"]
        return [*command, "--requirepass", self.password] if self.password else command

    def answers(self) -> bool:
        try:
            return self.ask("PING") == "+PONG"
        except OSError:
            return False

    def ask(self, *words: str) -> str:
        """The first line of the answer to one command, with Redis's own prefix."""
        with socket.create_connection((HOST, self.port), timeout=5) as connection:
            if self.password:
                connection.sendall(f"AUTH {self.password}\r\n".encode())
                connection.makefile("rb").readline()
            connection.sendall((" ".join(words) + "\r\n").encode())
            with connection.makefile("rb") as answer:
                return answer.readline().decode().strip()

    def flush(self) -> None:
        self.ask("FLUSHALL")
