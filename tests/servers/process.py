"""A server process for the tests: on a free loopback port, in a folder and a session of its own.

A server belongs to the pytest process that started it: it ends with it, even when pytest is killed. A test
may stop, kill, freeze and start it as it likes; the fixtures start it again for the next test.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.servers.folder import run_folder
from tests.waiting import wait_until

HOST = "127.0.0.1"
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def free_port() -> int:
    """A loopback port below the range from which the kernel serves outgoing connections."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


def program(name: str) -> str:
    """The path of a server's program; fails when its package is not installed (see tests/run)."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    path = os.pathsep.join([*map(str, reversed(folders)), os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        raise RuntimeError(f"{name} is not installed: run tests/run, which installs what the tests need")
    return found


class Server:
    """A process that listens on `port`."""

    scheme = ""
    account = ""
    """The user that runs it when we are root; these servers refuse root."""
    end_with = signal.SIGTERM
    ready_within_s = 30.0

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.folder: Path | None = None
        self.frozen = False

    @property
    def url(self) -> str:
        return f"{self.scheme}://{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def log(self) -> str:
        return (self.home / "log").read_text(errors="replace")

    @property
    def home(self) -> Path:
        if self.folder is None:
            folder = Path(tempfile.mkdtemp(prefix=f"{type(self).__name__.lower()}-", dir=run_folder()))
            folder.chmod(0o755)
            if self._other_user:
                user = pwd.getpwnam(self.account)
                os.chown(folder, user.pw_uid, user.pw_gid)
            self.prepare(folder)
            self.folder = folder
        return self.folder

    def prepare(self, folder: Path) -> None:
        """What has to be in the folder before the first start."""

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        """Starts it unless it runs, and returns when it answers."""
        if self.running:
            self.thaw()
            return
        home = self.home
        with (home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_dies_with_parent(self.end_with),
                env=_environment(home),
                **self._user(),
            )
        wait_until(self._answers_or_ended, self.ready_within_s, what=lambda: self.log[-2000:])
        if not self.running:
            raise RuntimeError(f"{type(self).__name__} did not start:\n{self.log[-2000:]}")

    def stop(self) -> None:
        """Ends it in its own quick way; its data stays."""
        if self.process is not None and self.running:
            self.thaw()
            self.process.send_signal(self.end_with)
            self.process.wait(20)
        self.process = None

    def kill(self) -> None:
        """`kill -9` to it and its children, as if the machine were gone; its data stays."""
        self._signal_all(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(20)
        self.process = None
        self.frozen = False

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._signal_all(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        if self.frozen:
            self._signal_all(signal.SIGCONT)
            self.frozen = False

    def restart(self) -> None:
        self.stop()
        self.start()

    def remove(self) -> None:
        """Ends it and removes its folder."""
        if self.running:
            self.kill()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    @property
    def _other_user(self) -> bool:
        return bool(self.account) and os.geteuid() == 0

    def _user(self) -> dict[str, Any]:
        if not self._other_user:
            return {}
        return {"user": self.account, "group": self.account, "extra_groups": []}

    def _run_once(self, folder: Path, *command: str) -> None:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=_environment(folder),
            **self._user(),
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")

    def _answers_or_ended(self) -> bool:
        return not self.running or self.answers()

    def _signal_all(self, number: signal.Signals) -> None:
        if self.process is None or not self.running:
            return
        parent = psutil.Process(self.process.pid)
        for process in [parent, *parent.children(recursive=True)]:
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue


def _environment(folder: Path) -> dict[str, str]:
    """With a temporary folder of its own: two MariaDBs give their temporary tables the same names."""
    return {**os.environ, "TMPDIR": str(folder)}


def _dies_with_parent(number: signal.Signals) -> Callable[[], None]:
    def ask_the_kernel() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)

    return ask_the_kernel
