"""Why a task is as it is: the object and the rows of `why`. Pure."""

from __future__ import annotations

from typing import Any

from taskctl.render.block import Row
from taskctl.render.tasks import STYLES, stored_status

COLUMNS = ("code", "text", "command")


def as_object(explanation: Any) -> dict[str, Any]:
    """The JSON object `why`; its reasons have what weighs most first."""
    task = explanation.task
    status = stored_status(task)
    return {
        "v": 1,
        "type": "why",
        "id": task.id,
        "task": task.name,
        "queue": task.queue,
        "status": status,
        "derived": None if explanation.state == status else explanation.state,
        "summary": explanation.summary,
        "reasons": [
            {column: getattr(reason, column) for column in COLUMNS} for reason in explanation.reasons
        ],
        "commands": list(explanation.commands),
    }


def described(row: dict[str, Any]) -> list[Row]:
    """The rows of the block on a terminal."""
    word = row["derived"] or row["status"]
    first, *others = row["reasons"]
    return [
        ("id", row["id"], "bold"),
        ("task", row["task"], ""),
        ("status", word, STYLES.get(word, "")),
        ("because", first["text"], ""),
        *(("also", reason["text"], "") for reason in others),
        *(("try", command, "cyan") for command in row["commands"]),
    ]
