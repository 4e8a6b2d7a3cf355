"""The tables beside the tasks. The models are imported in fixtures: this is read before Django is set up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.lifecycle.tasks import Tasks


@pytest.fixture
def using(kind: str, _databases: dict[str, Any], django_db_blocker: Any) -> Iterator[str]:
    """One run a database: what is here has no second implementation."""
    with django_db_blocker.unblock(), _databases[kind].shared() as database:
        yield database.alias


@pytest.fixture
def tasks(using: str) -> Tasks:
    """Short verbs for the tasks in the database under test."""
    from tests.lifecycle.tasks import Tasks

    return Tasks(using)
