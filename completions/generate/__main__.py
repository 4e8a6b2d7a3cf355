"""Writes the scripts."""

from __future__ import annotations

from pathlib import Path

from completions.generate import bash, fish, powershell, zsh
from completions.generate.registry import root
from taskctl.shells import MARK, SHELLS

FOLDER = Path(__file__).parents[1]
MAKERS = {"bash": bash, "zsh": zsh, "fish": fish, "powershell": powershell}


def scripts() -> dict[str, str]:
    """The text of each file, by its name."""
    commands = root()
    return {SHELLS[shell].file: maker.script(commands, MARK) for shell, maker in MAKERS.items()}


if __name__ == "__main__":
    for name, text in scripts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
