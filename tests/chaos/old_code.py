"""Rows of version 0.0.7, and its web processes that go on storing them, whatever the schema has become."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connections

from tests.chaos.audit import TASKS

COLUMNS = "id, name, args, kwargs, timeout, status, retry_count, created_at, updated_at, finished_at"
VALUES = """substr(md5(random()::text), 1, 22), 'app.tasks.add', '[1, 2]', '{}', 300, 'PENDING', 0,
    now() - interval '3 ms', now(), NULL"""


ROWS = """
INSERT INTO {table} ({columns}{more})
SELECT substr(md5(i::text), 1, 22), 'app.tasks.add', '[1, 2]', '{{}}', 300, '{status}', 0,
    now() - i * interval '1 ms', now(), {finished}{values}
FROM generate_series({first}, {last}) AS i
"""


def fill(alias: str, first: int, last: int, status: str, *, more: str = "", values: str = "") -> None:
    finished = "now()" if status == "COMPLETED" else "NULL"
    parameters = {"table": TASKS, "columns": COLUMNS, "more": more, "values": values, "status": status}
    with connections[alias].cursor() as cursor:
        cursor.execute(ROWS.format(first=first, last=last, finished=finished, **parameters))


@contextmanager
def storing(url: str, pause_s: float = 0.0) -> Iterator[list[float]]:
    """Until the end; how long each INSERT took. Its clock is not quite the database's."""
    took: list[float] = []
    ended = threading.Event()
    insert = f"INSERT INTO {TASKS} ({COLUMNS}) VALUES ({VALUES})"

    def store() -> None:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as link:
            while not ended.is_set():
                began = time.perf_counter()
                link.execute(insert.encode())
                took.append(time.perf_counter() - began)
                time.sleep(pause_s)

    thread = threading.Thread(target=store)
    thread.start()
    try:
        yield took
    finally:
        ended.set()
        thread.join()
