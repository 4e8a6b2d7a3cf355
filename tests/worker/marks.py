"""On which databases a test runs that is about something else. Without a mark: on all three."""

from __future__ import annotations

import pytest

on_postgres = pytest.mark.parametrize("kind", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
