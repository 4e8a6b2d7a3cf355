"""Virtual environments for the peers: made when first needed, kept in a cache folder outside of the tree."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.stage import say


def cache() -> Path:
    """CACHE, or a folder in the user's cache."""
    given = os.environ.get("CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(home) / "django-task-worker"


def python_of(name: str, requirements: Sequence[str]) -> Path:
    """The interpreter of an environment that has these packages."""
    digest = hashlib.sha256(repr((sys.version, *requirements)).encode()).hexdigest()[:12]
    folder = cache() / f"peer-{name}-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        say(f"installing {' '.join(requirements)}")
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        subprocess.run(pip, check=True, stdout=sys.stderr)
        (folder / "ready").touch()
    return python
