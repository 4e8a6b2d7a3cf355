"""Sends what names no database to the one that the running test is about."""

from __future__ import annotations

from typing import Any, ClassVar


class CurrentDatabase:
    alias: ClassVar[str | None] = None

    def db_for_read(self, model: type, **hints: Any) -> str | None:
        return self.alias

    def db_for_write(self, model: type, **hints: Any) -> str | None:
        return self.alias

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True
