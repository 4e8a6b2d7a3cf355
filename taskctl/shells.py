"""The shells we complete in: their scripts, and where each looks for one. Changes no start-up file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MARK = "Generated from the commands of taskctl"
"""In the first lines of every script."""


@dataclass(frozen=True, kw_only=True)
class Shell:
    """`file` is the script among ours, `place` where it goes below the folder that `base` names."""

    file: str
    base: str
    place: str
    more: str
    """What is left for the user, who may have done it long ago."""


SHELLS = {
    "bash": Shell(
        file="taskctl.bash",
        base="data",
        place="bash-completion/completions/taskctl",
        more="new shells have it where bash-completion is set up; else add to ~/.bashrc: source {path}",
    ),
    "zsh": Shell(
        file="_taskctl",
        base="data",
        place="zsh/site-functions/_taskctl",
        more="new shells have it if ~/.zshrc has, before compinit: fpath=({folder} $fpath)",
    ),
    "fish": Shell(
        file="taskctl.fish",
        base="config",
        place="fish/completions/taskctl.fish",
        more="new shells have it",
    ),
    "powershell": Shell(
        file="taskctl.ps1",
        base="config",
        place="powershell/taskctl.ps1",
        more="new shells have it if $PROFILE has: . {path}",
    ),
}
_BASES = {"data": ("XDG_DATA_HOME", ".local/share"), "config": ("XDG_CONFIG_HOME", ".config")}


def script(shell: str) -> str:
    """The text of its completion."""
    package = Path(__file__).parent
    inside, beside = package / "completions", package.parent / "completions"  # installed; in a checkout
    folder = inside if inside.is_dir() else beside
    return (folder / SHELLS[shell].file).read_text(encoding="utf-8")


def place(shell: str, environ: Mapping[str, str]) -> Path:
    """Where a user's own copy belongs."""
    own = environ.get("BASH_COMPLETION_USER_DIR")
    if shell == "bash" and own:
        return Path(own) / "completions" / "taskctl"
    variable, usual = _BASES[SHELLS[shell].base]
    given = environ.get(variable) or ""
    base = Path(given) if os.path.isabs(given) else Path.home() / usual
    return base / SHELLS[shell].place


def put(path: Path, text: str) -> None:
    """Write it in place of what is there. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
