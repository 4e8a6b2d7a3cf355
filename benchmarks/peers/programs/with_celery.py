"""Celery with Redis for messages and results. PEER_URL: redis://HOST:PORT; databases 1 and 2 are used."""

from __future__ import annotations

import os

import timing
from celery import Celery

URL = os.environ["PEER_URL"]
app = Celery("with_celery", broker=f"{URL}/1", backend=f"{URL}/2")
app.conf.worker_prefetch_multiplier = 64
app.conf.worker_hijack_root_logger = False
app.conf.broker_connection_retry_on_startup = True


@app.task
def add(a: int, b: int) -> int:
    return a + b


@app.task
def mark(number: int) -> None:
    timing.note(number)


def store_many(count: int) -> None:
    with app.producer_pool.acquire(block=True) as producer:
        for _ in range(count):
            add.apply_async((1, 2), producer=producer)


if __name__ == "__main__":
    timing.main(
        single=lambda count: timing.single(lambda: add.delay(1, 2), count),
        bulk=lambda count: timing.bulk(store_many, count),
        marks=lambda **options: timing.marks(mark.delay, **options),
        round_trip=lambda count: timing.round_trip(lambda: add.delay(1, 2).get(timeout=30), count),
    )
