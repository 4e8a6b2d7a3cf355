"""Sockets that others have opened."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

ROOM = 1024 * 1024
"""For what is sent at once. The kernel gives less where it allows less (`net.core.wmem_max`)."""


def widen(descriptor: int) -> None:
    """Let a batch be sent without waiting until the other side has read the beginning of it."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as line:
        if line.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) < ROOM:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
