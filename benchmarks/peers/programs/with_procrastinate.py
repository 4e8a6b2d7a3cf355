"""Procrastinate. PEER_URL: a Postgres URL."""

from __future__ import annotations

import os

import timing
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

URL = os.environ["PEER_URL"]
app = App(
    connector=SyncPsycopgConnector(conninfo=URL) if __name__ == "__main__" else PsycopgConnector(conninfo=URL)
)


@app.task(name="add")
async def add(a: int, b: int) -> int:
    return a + b


@app.task(name="mark")
async def mark(number: int) -> None:
    timing.note(number)


if __name__ == "__main__":
    with app.open():
        timing.main(
            single=lambda count: timing.single(lambda: add.defer(a=1, b=2), count),
            bulk=lambda count: timing.bulk(
                lambda number: add.batch_defer(*[{"a": 1, "b": 2}] * number), count
            ),
            marks=lambda **options: timing.marks(lambda number: mark.defer(number=number), **options),
        )
