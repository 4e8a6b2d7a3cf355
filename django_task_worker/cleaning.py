"""Text from the database, Redis or settings made safe for a terminal or a log line. Pure."""

from __future__ import annotations

NEWLINE = "␤"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def clean(text: object, limit: int = 2000, *, ascii_only: bool = False) -> str:
    """At most `limit` printable characters on one line.

    Control characters, escape sequences, bidirectional overrides, zero-width and private-use
    characters become U+FFFD and a newline becomes ␤; with `ascii_only`, everything outside
    ASCII becomes an escape such as \\xNN instead.
    """
    cut = str(text)[:limit]
    if ascii_only:
        return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode("ascii") for c in cut)
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else NEWLINE if c == "\n" else UNKNOWN for c in cut)
