"""What all measures share: options, servers, databases. Servers start when they are first needed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from benchmarks.ours import Project, migrate
from benchmarks.servers import DurablePostgres, Redis
from tests.servers import Server

if TYPE_CHECKING:
    from benchmarks.peers.peer import Peer

T = TypeVar("T")
TEMPLATE = "ours"
KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL")


@dataclass(frozen=True, kw_only=True)
class Options:
    """The command line."""

    rounds: int = 3
    quick: bool = False
    peers: tuple[str, ...] = ()


class Stage:
    """The servers of this run; leaving the `with` ends and removes them."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.peers: Sequence[Peer] = ()
        self._open = ExitStack()
        self._migrated: set[DurablePostgres] = set()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def size(self, full: int, quick: int) -> int:
        """How many, in this run."""
        return quick if self.options.quick else full

    @cached_property
    def folder(self) -> Path:
        """A temporary folder; programs may leave files in it."""
        path = Path(tempfile.mkdtemp(prefix="dtw-benchmark-"))
        self._open.callback(shutil.rmtree, path, ignore_errors=True)
        return path

    @cached_property
    def postgres(self) -> DurablePostgres:
        return self._started(DurablePostgres())

    @cached_property
    def redis(self) -> Redis:
        return self._started(Redis())

    def start(self, server: Server) -> None:
        """Start a server that only one measure needs."""
        self._open.callback(server.remove)
        server.start()

    def settle(self) -> None:
        """Lets no measure pay for what the one before has left to write."""
        self.postgres.execute("CHECKPOINT")

    def drop(self, *names: str) -> None:
        """Remove databases that have become too large to keep."""
        for name in names:
            self.postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def project(
        self, name: str = "main", *, redis: bool = True, server: DurablePostgres | None = None
    ) -> Project:
        """A project with a fresh database of this name."""
        server = server or self.postgres
        url = server.create(name, self._template(server))
        return Project(url, redis_url=self.redis.url if redis else None, environment=self.environment())

    def _template(self, server: DurablePostgres) -> str:
        if server not in self._migrated:
            url = server.create(TEMPLATE)
            migrate(Project(url, redis_url=None, environment=self.environment()))
            self._migrated.add(server)
        return TEMPLATE

    def environment(self) -> Mapping[str, str]:
        """What the programs inherit: nothing that is about this or another project."""
        return {name: os.environ[name] for name in KEPT if name in os.environ} | {
            "BENCHMARK_MARKS": str(self.folder / "marks"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }

    def _started(self, server: T) -> T:
        assert isinstance(server, Server)
        self.start(server)
        return server


def alternate(stage: Stage, contenders: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Runs each once a round, in another order each time; what each gave in each round."""
    found: dict[str, list[T]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(stage.options.rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            stage.settle()
            figure = contenders[name]()
            found[name].append(figure)
            say(f"round {number + 1}: {name}: {_short(figure)}")
    return found


def say(line: str) -> None:
    """Progress, for whoever watches."""
    print(line, file=sys.stderr, flush=True)


def _short(figure: object) -> str:
    if isinstance(figure, list):
        return f"median {median(figure):,.4g} of {len(figure)}"
    return f"{figure:,.4g}" if isinstance(figure, float) else str(figure)
