"""What became of a job that the user gave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from taskctl.dashboard.view import Job, Row


class Answer(NamedTuple):
    """What became of a job: a sentence for the footer, or the rows of its page."""

    job: Job
    text: str = ""
    style: str = ""
    rows: Sequence[Row] = ()
    arguments: dict[str, str] | None = None
