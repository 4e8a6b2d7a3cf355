"""Leaves a trace when it is imported: the file that LOUD_FILE names."""

from __future__ import annotations

import os

if path := os.environ.get("LOUD_FILE"):
    with open(path, "a") as trace:
        trace.write("imported\n")


def hello() -> str:
    return "hello"
