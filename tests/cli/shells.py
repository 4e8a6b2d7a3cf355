"""Real shells on a pseudo-terminal, to press Tab in."""

from __future__ import annotations

import re
from pathlib import Path

import pexpect
import pyte

from tests.waiting import wait_until

SCRIPTS = Path(__file__).parents[2] / "completions"
PROMPT = "ready>"
LINES, COLUMNS = 60, 120
COMMANDS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
STYLES = "':completion:*:descriptions' format '<%d>'; zstyle ':completion:*' group-name ''"
# The prompt is put together, so that the line that sets it is not taken for it.
SETUPS = {
    "bash": (
        f"source /usr/share/bash-completion/bash_completion; source {SCRIPTS}/taskctl.bash; PS1='rea''dy> '"
    ),
    "plain bash": f"source {SCRIPTS}/taskctl.bash; PS1='rea''dy> '",
    "zsh": (
        f"fpath=({SCRIPTS} $fpath); autoload -Uz compinit && compinit -u -D; zstyle {STYLES}; "
        "LISTMAX=1000; PS1='rea''dy> '"
    ),
    "fish": f"source {SCRIPTS}/taskctl.fish; function fish_prompt; echo -n 'rea''dy> '; end",
}


class Shell:
    """One interactive shell that completes `taskctl`."""

    def __init__(self, name: str, env: dict[str, str], cwd: Path) -> None:
        command = COMMANDS[name.split()[-1]]
        self._child = pexpect.spawn(
            command[0], command[1:], cwd=str(cwd), env=env, dimensions=(LINES, COLUMNS), encoding="utf-8"
        )
        self._written = ""
        self._child.send(SETUPS[name] + "\n")
        self.see(rf"^{PROMPT}$")

    def see(self, pattern: str) -> str:
        """Waits until the pattern is on the screen; the screen."""

        def seen() -> bool:
            self._read()
            return re.search(pattern, self.screen, re.MULTILINE) is not None

        wait_until(seen, 15, what=lambda: f"no {pattern!r} in:\n{self.screen}")
        return self.screen

    def type(self, text: str) -> None:
        """On an empty line of an empty screen."""
        self._child.send("\x15\x0c")
        self.see(rf"\A{PROMPT}\Z")
        self._child.send(text)

    @property
    def screen(self) -> str:
        """As the terminal shows it."""
        screen = pyte.Screen(COLUMNS, LINES)
        pyte.Stream(screen).feed(self._written)
        return "\n".join(line.rstrip() for line in screen.display).rstrip()

    def _read(self) -> None:
        try:
            self._written += self._child.read_nonblocking(65536, timeout=0.05)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return

    def close(self) -> None:
        self._child.close(force=True)
