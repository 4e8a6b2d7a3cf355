#!/usr/bin/env python
"""Makes examples/top.svg: the live screen after some minutes of a real load.

    python examples/screenshot.py [MINUTES] [FILE]

Starts PostgreSQL and Redis of its own (see tests/servers), a small project, two workers and a third one that
is killed, and draws what `taskctl top` shows in a pseudo-terminal of 160x48. Needs the development
dependencies.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from examples.picture import svg  # noqa: E402
from tests.dashboard.terminal import Terminal  # noqa: E402
from tests.servers import Postgres, Redis  # noqa: E402

SIZE = (160, 48)
ROW = re.compile(r"\x1b\[(\d+);1H")
FILES = {
    "manage.py": """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
    "config/__init__.py": "",
    "config/settings.py": """
import os
SECRET_KEY = "an example"
INSTALLED_APPS = ["django_task_worker"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "postgres",
                         "HOST": "127.0.0.1", "PORT": os.environ["SHOP_PORT"]}}
REDIS_URL = os.environ["SHOP_REDIS"]
""",
    "app/__init__.py": "",
    "app/tasks.py": """
import random, time

def add(a, b):
    return a + b

def import_row(row, token=None):
    time.sleep(random.uniform(0.05, 0.6))
    if row % 23 == 0:
        raise KeyError("sku")
""",
    "mail/__init__.py": "",
    "mail/tasks.py": """
import random, smtplib, time

def send_welcome(user_id):
    time.sleep(random.uniform(0.1, 1.5))
    if user_id % 17 == 0:
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
""",
    "media/__init__.py": "",
    "media/tasks.py": """
import random, time

def thumbnail(image, size=256):
    time.sleep(random.uniform(1, 12))
""",
    "reports/__init__.py": "",
    "reports/tasks.py": """
import time
from django_task_worker import progress

def monthly(month, pages=60):
    for page in range(pages):
        progress(page, pages, "pages")
        time.sleep(1)
""",
    "load.py": """
import math, random, sys, time
from datetime import timedelta
import django
django.setup()
from django_task_worker.client import create_task

began, number = time.time(), 0
while True:
    number += 1
    kind = random.random()
    if kind < 0.72:
        create_task("app.tasks.add", [number, 2])
    elif kind < 0.84:
        create_task("app.tasks.import_row", [number], {"token": "s3cret"}, timeout=60, max_retries=2)
    elif kind < 0.95:
        user = {"user_id": number}
        create_task("mail.tasks.send_welcome", kwargs=user, queue="mail", timeout=30, max_retries=1)
    elif kind < 0.975:
        create_task("media.tasks.thumbnail", [number], {"size": 256}, timeout=15, queue="media")
    elif kind < 0.99:
        create_task("app.tasks.add", [1, 2], run_after=timedelta(minutes=random.randint(2, 90)))
    elif kind < 0.995:
        create_task("app.tasks.import_row", [number], queue="imports")
    else:
        create_task("mail.tasks.send_welcome", kwargs={"user_id": number}, queue="newsletter")
    if number % 700 == 1:
        month = f"2026-{1 + number // 700 % 12:02}"
        create_task("reports.tasks.monthly", kwargs={"month": month}, timeout=90, queue="reports")
    if number % 2500 == 700:
        create_task("reports.tasks.monthly", kwargs={"month": "2025-12"}, timeout=15, queue="reports")
    wave = 1 + 0.45 * math.sin((time.time() - began) / 23) + 0.25 * math.sin((time.time() - began) / 7)
    time.sleep(max(0.002, random.expovariate(28 * wave)))
""",
}


PAUSE = """
import django
django.setup()
from django_task_worker import registry
registry.pause("newsletter", by="ana", reason="the provider limits us")
"""
BURST = """
import django
django.setup()
from django_task_worker.client import create_tasks
create_tasks([{"name": "app.tasks.import_row", "args": [23 * n + 1], "timeout": 60} for n in range(160)])
"""


class Shop:
    """The project, its servers and its processes; all gone at the end."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "shop"
        for name, text in FILES.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.lstrip())
        (self.folder / ".git").mkdir()
        postgres, redis = Postgres(), Redis()
        for server in (postgres, redis):
            server.start()
            stack.callback(server.remove)
        postgres.execute("CREATE DATABASE shop")
        bin_folder = str(Path(sys.executable).parent)
        self.env = {
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder.parent),
            "LC_ALL": "C.UTF-8",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SHOP_PORT": str(postgres.port),
            "SHOP_REDIS": redis.url,
            "PYTHONPATH": str(self.folder),
        }
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"], cwd=self.folder, env=self.env, check=True
        )

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.stack.callback(self._end, process)
        return process

    def run(self, code: str) -> None:
        subprocess.run([sys.executable, "-c", code], cwd=self.folder, env=self.env, check=True)

    def worker(self, name: str, slots: int, *queues: str) -> subprocess.Popen[bytes]:
        chosen = [word for queue in queues for word in ("--queue", queue)]
        return self.start(
            "-m", "taskctl", "worker", "--name", name, "-c", str(slots), "--grace", "1s", *chosen
        )

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def rows(stream: bytes) -> list[str]:
    """The lines on the screen, with their colours: each is always drawn in full."""
    _, *pieces = ROW.split(stream.decode())
    found: dict[int, str] = {}
    for number, text in zip(pieces[::2], pieces[1::2], strict=True):
        found[int(number)] = re.sub(r"\x1b\[\?[0-9]+[hl]", "", text)
    return [found[number] for number in sorted(found)]


def main(minutes: float, target: Path) -> None:
    with ExitStack() as stack:
        shop = Shop(stack)
        shop.worker("web1-4711", 5, "default", "mail")
        shop.worker("web2-4802", 5, "default", "mail")
        shop.worker("web4-2077", 6, "media", "reports")
        lost = shop.worker("web3-1190", 3, "media")
        shop.start("load.py")
        time.sleep(10)
        screen = Terminal(
            [sys.executable, "-m", "taskctl", "--utc", "top"], env=shop.env, cwd=shop.folder, size=SIZE
        )
        stack.callback(screen.close)
        screen.sees("  LIVE  ")
        time.sleep(max(0.0, minutes * 60 - 40))
        shop.run(PAUSE)
        os.killpg(lost.pid, signal.SIGKILL)
        screen.sees("1 lost", 60)
        shop.run(BURST)
        time.sleep(3)
        lines = rows(screen.stream)
        screen.press("q")
        screen.ends()
    target.write_text(svg(lines, SIZE[0], "taskctl top"))
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(
        float(sys.argv[1]) if len(sys.argv) > 1 else 10.0,
        Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "examples" / "top.svg",
    )
