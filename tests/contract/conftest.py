from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("TEST_CACHE") or Path.home() / ".cache" / "django-task-worker")
"""Virtual environments that take a while to fill are kept here between runs."""


def command(*arguments: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Runs a command that has to succeed; what it wrote to stdout."""
    done = subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{arguments} gave {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture
def project() -> Path:
    return ROOT / "tests" / "project"


@pytest.fixture(scope="session")
def virtual_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`virtual_environment(name, *requirements)`: a copy of a kept one, to spoil; the path of its Python."""

    def make(name: str, *requirements: str, without: tuple[str, ...] = ()) -> Path:
        number = hashlib.sha256(repr((sys.version, requirements, without)).encode()).hexdigest()[:12]
        kept = CACHE / f"{name}-{number}"
        with _alone(kept):
            if not (kept / "ready").exists():
                shutil.rmtree(kept, ignore_errors=True)
                command(sys.executable, "-m", "venv", kept)
                command(kept / "bin" / "python", "-m", "pip", "install", *requirements)
                if without:
                    command(kept / "bin" / "python", "-m", "pip", "uninstall", "-y", *without)
                (kept / "ready").touch()
        copy = tmp_path_factory.mktemp(name) / "venv"
        command("cp", "-a", kept, copy)
        return copy / "bin" / "python"

    return make


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
