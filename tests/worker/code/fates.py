"""What a task can do to its process, to its worker and to its own report. On the path of these tests only."""

from __future__ import annotations

import fcntl
import gc
import json
import locale
import os
import random
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, NoReturn


def write(path: str, text: object) -> None:
    with open(path, "a") as file:
        file.write(f"{text}\n")


# Time


def journal_and_wait(path: str, key: str, seconds: float) -> None:
    """Says `start KEY PID`, and `end KEY PID` after that time."""
    write(path, f"start {key} {os.getpid()}")
    time.sleep(seconds)
    write(path, f"end {key} {os.getpid()}")


def wait_for_file(path: str) -> str:
    """Runs until that file is there."""
    while not os.path.exists(path):
        time.sleep(0.01)
    return "seen"


def block_all_signals(seconds: float) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)


def stop_self() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


# Processes


def leave_processes(path: str, seconds: float = 60) -> None:
    """Leaves a child, two in sessions of their own, one with a child, and a daemon: five pids in the file."""
    sleep = ["sleep", str(seconds)]
    write(path, subprocess.Popen(sleep).pid)
    write(path, subprocess.Popen(sleep, start_new_session=True).pid)
    shell = ["sh", "-c", f"sleep {seconds} & echo $! >> {path}; wait"]
    write(path, subprocess.Popen(shell, start_new_session=True).pid)
    middle = os.fork()
    if middle == 0:
        os.setsid()
        write(path, subprocess.Popen(sleep, start_new_session=True).pid)
        os._exit(0)
    os.waitpid(middle, 0)


def leave_processes_and_hang(path: str) -> None:
    """Its own pid comes first in the file."""
    write(path, os.getpid())
    leave_processes(path)
    time.sleep(60)


def use_a_daemon(path: str, seconds: float) -> str:
    """Whether a daemon that the task has started is still there after that time."""
    middle = os.fork()
    if middle == 0:
        os.setsid()
        write(path, subprocess.Popen(["sleep", "60"]).pid)
        os._exit(0)
    os.waitpid(middle, 0)
    time.sleep(seconds)
    with open(path) as file:
        pid = int(file.read())
    return "alive" if os.path.exists(f"/proc/{pid}") else "gone"


def return_twice(path: str) -> str:
    """Forks, and both processes return, the copy first."""
    write(path, os.getpid())
    is_copy = os.fork() == 0
    write(path, os.getpid())
    if not is_copy:
        time.sleep(0.2)
    return "the copy" if is_copy else "the original"


def leave_a_thread() -> str:
    """A thread that is no daemon and never ends."""
    threading.Thread(target=time.sleep, args=(3600,)).start()
    return "threaded"


# The channel to the supervisor


def _sockets() -> Iterator[int]:
    """The channel is the only local stream socket of a child."""
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                yield number
        except OSError:
            continue


def _frame(payload: bytes) -> bytes:
    return struct.pack("!I", len(payload)) + payload


def _report(**fields: Any) -> bytes:
    return _frame(json.dumps({"kind": "completed", "duration_s": 0.0, "result": "forged", **fields}).encode())


def _send(data: bytes) -> None:
    for number in _sockets():
        fcntl.fcntl(number, fcntl.F_SETFL, 0)
        os.write(number, data)


def forge(task_id: str, seconds: float = 0.0) -> str:
    """Reports that another task is done."""
    _send(_report(id=task_id))
    time.sleep(seconds)
    return "honest"


def send_garbage(kind: str, seconds: float = 0.0) -> str:
    garbage = {
        "text": b"hello, supervisor " * 100,
        "half": struct.pack("!I", 1000) + b"{",
        "huge": struct.pack("!I", 2**32 - 1),
        "not_json": _frame(b"\xff\xfe{"),
        "list": _frame(b"[1, 2]"),
        "deep": _frame(b"[" * 100_000),
        "unknown_field": _report(id="x", colour="red"),
        "wrong_types": _frame(b'{"id": 1, "kind": "completed", "duration_s": "x"}'),
        "endless_run": _report(id="x", duration_s=float("inf")),
        "a_kind_of_ours": _report(id="x", kind="lost"),
    }
    _send(garbage[kind])
    time.sleep(seconds)
    return kind


def report_itself(kind: str, fields: str, length: int = 0) -> None:
    """Reports this very task and ends the process; `length` lengthens its error."""
    from django.db import connection

    from django_task_worker.models import DatabaseTask

    task = DatabaseTask.objects.get(status="PROGRESS", name="fates.report_itself")
    connection.close()
    content = json.loads(fields)
    if length:
        content["error"] = "e" * length
    _send(_report(id=task.pk, kind=kind, **content))
    os._exit(0)


def flood(seconds: float) -> None:
    """Garbage for as long as the supervisor takes it, deaf to signals."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end = time.monotonic() + seconds
    chunk = b"\xff" * 1_000_000
    while time.monotonic() < end:
        _send(chunk)


def close_everything(seconds: float = 0.0) -> str:
    os.closerange(0, 4096)
    time.sleep(seconds)
    return "closed"


def cover_everything() -> str:
    """Each open descriptor becomes /dev/null."""
    null = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):
        if int(name) != null:
            os.dup2(null, int(name))
    return "covered"


def shout(megabytes: int) -> int:
    """Prints, among it what is no text and what moves a terminal's cursor."""
    block = (b"\x1b[2J\xff\x00 a line of output that nobody asked for\n" * 25_000)[:1_000_000]
    for _ in range(megabytes):
        sys.stdout.buffer.write(block)
    sys.stdout.flush()
    return megabytes


def close_output() -> str:
    sys.stdout.close()
    sys.stderr.close()
    return "silent"


# Results and errors


class Rude(Exception):
    """An error that fails in every way it is looked at."""

    def __str__(self) -> NoReturn:
        raise KeyboardInterrupt

    __repr__ = __str__

    @property
    def __notes__(self) -> NoReturn:
        raise RuntimeError


class Group(ExceptionGroup):  # type: ignore[type-arg]
    pass


def nested(depth: int, inner: Any = None) -> Any:
    for _ in range(depth):
        inner = [inner]
    return inner


def result(kind: str) -> Any:
    return {
        "infinity": lambda: float("-inf"),
        "nan_inside": lambda: {"a": [float("nan")]},
        "nul_inside": lambda: {"a\0b": "c\0d"},
        "surrogate_inside": lambda: ["a\ud800"],
        "tuple": lambda: (1, 2),
        "number_keys": lambda: {1: "one"},
        "mixed_keys": lambda: {(1, 2): "pair"},
        "long_number": lambda: 10**4000,
        "float": lambda: 0.1,
        "deep_40": lambda: nested(40),
        "deep_700": lambda: nested(700),
        "quotes": lambda: {"'\"\\%s%(x)s": "{}"},
        "escapes": lambda: "\\u0000",
        "exception": lambda: ValueError("returned"),
        "generator": lambda: (i for i in range(3)),
        "megabyte": lambda: "x" * 1_000_000,
        "bytes_of_megabyte": lambda: "é" * 600_000,
        "emoji": lambda: {"🙂": "🙂" * 1000},
        "empty": lambda: "",
        "true": lambda: True,
    }[kind]()


def fail_after(path: str, seconds: float) -> NoReturn:
    """Tell how long it took, and fail."""
    began = time.monotonic()
    time.sleep(seconds)
    write(path, str(time.monotonic() - began))
    raise ValueError("late")


def die_or_live(data: str, dies: bool) -> None:
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)


def fail(kind: str) -> NoReturn:
    raise {
        "keyboard": lambda: KeyboardInterrupt("keys"),
        "base": lambda: BaseException("base"),
        "generator_exit": lambda: GeneratorExit("generator"),
        "group": lambda: Group("several", [ValueError("one"), TypeError("two")]),
        "rude": Rude,
        "nul": lambda: ValueError("a\0b"),
        "surrogate": lambda: ValueError("a\ud800b"),
        "huge": lambda: ValueError("h" * 5_000_000),
        "no_message": ValueError,
        "cycle": _cyclic,
        "odd_class": _odd,
        "no_module": lambda: type("Homeless", (Exception,), {"__module__": None})("lost"),
        "memory": lambda: MemoryError("no memory"),
        "stop": lambda: StopIteration("stop"),
        "exit_text": lambda: SystemExit("a reason"),
    }[kind]()


def _cyclic() -> Exception:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def _odd() -> Exception:
    class Odd(Exception):
        pass

    Odd.__qualname__ = "Odd\0\ud800" + "y" * 500
    return Odd("odd")


def overflow_the_stack() -> int:
    """Recursion through C, deeper than the stack is."""
    sys.setrecursionlimit(10**8)

    def down(_: int) -> int:
        return max([1], key=down)

    return down(0)


def recursion_limit() -> int:
    return sys.getrecursionlimit()


# Surroundings


def disturb() -> None:
    """Changes all that a process has, and says nothing."""
    os.chdir("/")
    os.umask(0o777)
    os.environ.clear()
    os.environ["LEFT"] = "behind"
    sys.path.insert(0, "/left/behind")
    sys.argv[:] = ["left"]
    sys.stdin = sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: os._exit(9))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    random.seed(1)
    sys.setrecursionlimit(500)
    locale.setlocale(locale.LC_ALL, "C")
    sys.settrace(lambda *_: None)
    gc.disable()
    socket.setdefaulttimeout(0.001)
    threading.stack_size(1024 * 1024)


def surroundings() -> dict[str, Any]:
    """What the next task finds."""
    umask = os.umask(0)
    os.umask(umask)
    return {
        "pid": os.getpid(),
        "folder": os.getcwd(),
        "umask": umask,
        "environment": dict(os.environ),
        "path": sys.path[:1],
        "handlers": [str(signal.getsignal(n)) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)],
        "locale": locale.setlocale(locale.LC_ALL),
        "recursion": sys.getrecursionlimit(),
        "trace": str(sys.gettrace()),
        "collects": gc.isenabled(),
        "socket": socket.getdefaulttimeout(),
        "thread": threading.stack_size(),
        "argv": sys.argv,
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "stdout": sys.stdout.fileno(),
    }


_loaded = time.monotonic()


def identity() -> float:
    """When this module was loaded."""
    return _loaded


# The database


def leave_the_database(kind: str) -> None:
    """Ends in the middle of things."""
    from django.db import connection, transaction

    from django_task_worker.models import DatabaseTask

    def count() -> int:
        return DatabaseTask.objects.count()

    if kind == "transaction":
        transaction.set_autocommit(False)
        count()
    elif kind == "atomic":
        transaction.atomic().__enter__()
        count()
    elif kind == "savepoint":
        transaction.atomic().__enter__()
        transaction.atomic().__enter__()
        count()
    elif kind == "broken":
        transaction.atomic().__enter__()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT nothing FROM nowhere")
        except Exception:
            pass
    elif kind == "closed":
        connection.ensure_connection()
        connection.connection.close()
    elif kind == "rows":
        connection.cursor().execute("SELECT 1")
    else:
        raise ValueError(kind)


_leaked: list[Any] = []


def leak_connections(count: int) -> int:
    """Opens connections and keeps them for ever."""
    from django.db import connections

    for _ in range(count):
        connection = connections.create_connection("default")
        connection.ensure_connection()
        _leaked.append(connection)
    return os.getpid()


def write_and_leave_open(name: str) -> None:
    from django.db import transaction

    from django_task_worker.models import Queue

    transaction.atomic().__enter__()
    Queue.objects.create(name=name)


def use_the_database() -> bool:
    """Writes and reads a row of its own, in autocommit."""
    from django.db import connection

    from django_task_worker.models import Queue

    assert connection.get_autocommit()
    assert not connection.in_atomic_block
    name = f"q{os.getpid()}-{time.monotonic_ns()}"
    Queue.objects.create(name=name)
    return bool(Queue.objects.filter(name=name).delete()[0])


def delete_own_row() -> None:
    from django_task_worker.models import DatabaseTask
    from django_task_worker.worker.context import current

    task = current()
    assert task is not None
    DatabaseTask.objects.filter(pk=task.id).delete()


def delete_all_rows() -> None:
    from django_task_worker.models import DatabaseTask

    DatabaseTask.objects.all().delete()


def change_own_row(**columns: Any) -> None:
    """Writes into its own row, as only the lifecycle may."""
    from django_task_worker.models import DatabaseTask
    from django_task_worker.worker.context import current

    task = current()
    assert task is not None
    DatabaseTask.objects.filter(pk=task.id).update(**columns)


def enqueue_itself(times: int) -> int:
    from django_task_worker.client import create_task

    if times:
        create_task("fates.enqueue_itself", [times - 1])
    return times


def enqueue_many(path: str, count: int) -> int:
    from django_task_worker.client import create_task

    for number in range(count):
        create_task("app.tasks.journal", [path, f"sub{number}"])
    return count
