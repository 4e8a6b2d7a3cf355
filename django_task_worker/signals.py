"""What a project can hear of, for instance to report errors somewhere."""

from __future__ import annotations

from django.dispatch import Signal

attempt_failed = Signal()
"""A task's function has raised, or could not be imported.

Sent in the process that ran it, before the outcome is stored, with `task_id`, `name` and `exception`;
`sender` is None. It is part of the attempt: the time limit holds, and what a receiver raises is logged and
changes no outcome. Not sent for what is cut off from outside: by a time limit, a cancellation, or the end of
a process.
"""
