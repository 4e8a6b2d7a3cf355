"""Starts one worker after the other in forks of this process, which is quick, and sends each its signals.

`drive.py TURNS KINDS MOST`: so many workers; to each, up to MOST signals of KINDS (comma-separated names) at
moments of chance, and then SIGTERM until it ends. Prints one JSON object a worker: what was sent, how it
ended, how many tasks are PROGRESS afterwards.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
import traceback

import django
from django.db import connections

django.setup()

from django_task_worker.models import DatabaseTask  # noqa: E402
from django_task_worker.worker.options import WorkerOptions  # noqa: E402
from django_task_worker.worker.supervisor import run  # noqa: E402

OFFSET_S = 0.3
KEY_S = 0.31
"""Signals that are closer count as one."""


def start() -> int:
    connections.close_all()
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            options = WorkerOptions(using="default", concurrency=2, max_retries=0, grace_s=20.0, poll_s=0.05)
            code = run(options)
        except SystemExit as left:
            code = int(left.code or 0)
        except KeyboardInterrupt:  # before it listens, or after
            code = 128 + signal.SIGINT
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def ended(pid: int, within_s: float) -> int | None:
    """Its exit code, once it has ended."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def turn(kinds: list[str], most: int) -> dict[str, object]:
    pid = start()
    sent: list[str] = []
    code = None
    for _ in range(random.randint(1, most)):
        code = ended(pid, random.uniform(0.0, OFFSET_S))
        if code is not None:
            break
        sent.append(random.choice(kinds))
        os.kill(pid, getattr(signal, sent[-1]))
    began = time.monotonic()
    while code is None and (code := ended(pid, 15.0)) is None:
        sent.append("SIGTERM")
        os.kill(pid, signal.SIGTERM)
    left = DatabaseTask.objects.filter(status="PROGRESS").count()
    return {"sent": sent, "code": code, "left": left, "took_s": round(time.monotonic() - began, 3)}


def main(turns: str, kinds: str, most: str) -> None:
    for _ in range(int(turns)):
        print(json.dumps(turn(kinds.split(","), int(most))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
