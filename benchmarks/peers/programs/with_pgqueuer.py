"""PgQueuer on asyncpg and uvloop, everything in one process. PEER_URL: a Postgres URL."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

import asyncpg
import timing
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries


async def work(batch_size: int) -> None:
    """The worker; runs until it is ended."""
    queue = PgQueuer(AsyncpgDriver(await asyncpg.connect(os.environ["PEER_URL"])))

    @queue.entrypoint("add")
    async def add(job: Job) -> None:
        1 + 2  # noqa: B018

    @queue.entrypoint("mark")
    async def mark(job: Job) -> None:
        timing.note(int(job.payload or b""))

    await queue.run(batch_size=batch_size)


async def _queries() -> Queries:
    return Queries(AsyncpgDriver(await asyncpg.connect(os.environ["PEER_URL"])))


async def single(count: int) -> dict[str, float]:
    queries = await _queries()
    for _ in range(20):
        await queries.enqueue("add", b"[1,2]")
    began = time.perf_counter()
    for _ in range(count):
        await queries.enqueue("add", b"[1,2]")
    return {"per_second": count / (time.perf_counter() - began)}


async def bulk(count: int) -> dict[str, float]:
    queries = await _queries()
    began = time.perf_counter()
    await queries.enqueue(["add"] * count, [b"[1,2]"] * count, [0] * count)
    return {"per_second": count / (time.perf_counter() - began)}


async def marks(count: int, every_s: float) -> dict[str, Any]:
    queries = await _queries()
    began = []
    for number in range(count):
        await asyncio.sleep(every_s)
        began.append(time.monotonic_ns())
        await queries.enqueue("mark", str(number).encode())
    return {"began": began}


if __name__ == "__main__":
    timing.main(
        work=lambda **options: uvloop.run(work(**options)),
        single=lambda **options: uvloop.run(single(**options)),
        bulk=lambda **options: uvloop.run(bulk(**options)),
        marks=lambda **options: uvloop.run(marks(**options)),
    )
