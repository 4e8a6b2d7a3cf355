"""From the bytes of a terminal to the names of keys. Pure."""

from __future__ import annotations

import codecs
import re

ESCAPE = "Esc"
_NAMES = {
    "[A": "Up", "[B": "Down", "[C": "Right", "[D": "Left",
    "OA": "Up", "OB": "Down", "OC": "Right", "OD": "Left",
    "[5~": "PgUp", "[6~": "PgDn", "[Z": "Shift-Tab", "[1;2C": "Shift-Right", "[1;2D": "Shift-Left",
    "[H": "Home", "[1~": "Home", "[7~": "Home", "OH": "Home",
    "[F": "End", "[4~": "End", "[8~": "End", "OF": "End",
}  # fmt: skip
_CONTROLS = {
    "\t": "Tab", "\r": "Enter", "\n": "Enter", "\x7f": "Backspace", "\b": "Backspace", " ": "Space",
    "\x03": "Ctrl-C", "\x0c": "Ctrl-L", "\x15": "Ctrl-U", "\x1a": "Ctrl-Z",
}  # fmt: skip
_SEQUENCE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|O[ -~])")
_BEGUN = re.compile(r"\x1b(\[[0-?]*[ -/]*|O)?")
_PASTE, _PASTE_END = "\x1b[200~", "\x1b[201~"
LONGEST = 4096


class Keys:
    """Keeps what is incomplete: half a character, half a sequence, an escape that may begin one."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    @property
    def is_waiting(self) -> bool:
        """Whether an escape has come that may be a key of its own: `flush` says so when nothing follows."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[str]:
        """The keys that are complete: names such as Up, Enter, Ctrl-C, else the character itself.

        What is pasted is no key: it comes as one "Paste:" with the text.
        """
        self._rest += self._decoder.decode(data)
        found: list[str] = []
        while self._rest:
            if self._rest.startswith(_PASTE):
                text, end, rest = self._rest[len(_PASTE) :].partition(_PASTE_END)
                if not end and len(text) < LONGEST:
                    break
                found.append(f"Paste:{text}")
                self._rest = rest
            elif self._rest[0] != "\x1b":
                found.append(_CONTROLS.get(self._rest[0], self._rest[0]))
                self._rest = self._rest[1:]
            elif not self._take_sequence(found):
                break
        return found

    def _take_sequence(self, found: list[str]) -> bool:
        """False when more has to come."""
        complete = _SEQUENCE.match(self._rest)
        if complete is not None:
            name = _NAMES.get(complete[1])
            self._rest = self._rest[complete.end() :]
            if name is not None:
                found.append(name)
            return True
        if _BEGUN.fullmatch(self._rest) and len(self._rest) < 32:
            return False
        found.append(ESCAPE)
        self._rest = self._rest[1:]
        return True

    def flush(self) -> list[str]:
        """Nothing has followed: what is left was the Escape key, or a sequence that broke off."""
        rest, self._rest = self._rest, ""
        return [ESCAPE] if rest == "\x1b" else []
