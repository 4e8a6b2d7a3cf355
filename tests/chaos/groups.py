"""Control groups: a worker and all its processes share so much memory, or so many processes. Needs root."""

from __future__ import annotations

import os
import random
from pathlib import Path

import psutil

from tests.waiting import wait_until

ROOT = Path("/sys/fs/cgroup")
LIMITS = {  # controller: its file in version 1, in version 2
    "memory": ("memory.limit_in_bytes", "memory.max"),
    "pids": ("pids.max", "pids.max"),
}


class Group:
    """`within` is what comes before a command that is to run in it."""

    def __init__(self, controller: str, limit: int | None = None) -> None:
        is_first_version = (ROOT / controller).is_dir()
        parent = ROOT / controller if is_first_version else ROOT
        self._folder = parent / f"dtw{random.randrange(16**8):08x}"
        self._limit = self._folder / LIMITS[controller][0 if is_first_version else 1]
        self._folder.mkdir()
        assert self._limit.exists(), f"the kernel offers no control group for {controller}"
        if limit is not None:
            self.set(limit)
        self.within = ("sh", "-c", f'echo $$ > {self._folder}/cgroup.procs && exec "$@"', "sh")

    def set(self, limit: int) -> None:
        self._limit.write_text(str(limit))

    def lift(self) -> None:
        self._limit.write_text("-1" if self._limit.name.endswith("in_bytes") else "max")

    @property
    def pids(self) -> list[int]:
        return [int(pid) for pid in (self._folder / "cgroup.procs").read_text().split()]

    def close(self) -> None:
        for pid in self.pids:
            psutil.Process(pid).kill()
        wait_until(lambda: not self.pids, 5)
        os.rmdir(self._folder)
