"""From a folder upwards, as far as a project can lie. Imports nothing but `os`: the shell waits for it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def folders(start: str) -> Iterator[str]:
    """The folder and its parents, ending at a .git, at the home folder, at the root.

    A parent that anybody may write to (such as /tmp) is not looked at: its files are not the user's.
    """
    end, folder = os.path.expanduser("~"), start
    while True:
        yield folder
        parent = os.path.dirname(folder)
        is_last = folder == end or os.path.exists(os.path.join(folder, ".git"))
        if is_last or parent == folder or is_open_to_all(parent):
            return
        folder = parent


def is_open_to_all(folder: str) -> bool:
    try:
        return bool(os.stat(folder).st_mode & 0o002)
    except OSError:
        return True
