"""How the lines of the screen are shared out. Pure arithmetic.

Fixed lines first (header, counts, footer). Then panels take their least height in the order of need, then
they grow line by line towards what they want. What nobody needs stays blank below running tasks and
failures, so that the footer is at the bottom and panels stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Need:
    """One panel: the least height that makes sense, and the height that would show everything."""

    name: str
    least: int
    wanted: int
    spare: int = 0
    """Of the lines that nobody needs."""


def share(needs: list[Need], height: int) -> dict[str, int]:
    """Lines by panel; 0 for those that do not fit. The order of `needs` is the order of importance."""
    lines = dict.fromkeys((need.name for need in needs), 0)
    left = height
    for need in needs:
        if need.least <= left:
            lines[need.name] = need.least
            left -= need.least
    hungry = [need for need in needs if lines[need.name] and need.wanted > need.least]
    while left > 0 and hungry:
        for need in list(hungry):
            if left > 0:
                lines[need.name] += 1
                left -= 1
            if lines[need.name] >= need.wanted:
                hungry.remove(need)
    return lines | _spare(needs, lines, left)


def _spare(needs: list[Need], lines: dict[str, int], left: int) -> dict[str, int]:
    takers = [need for need in needs if need.spare and lines[need.name]]
    total = sum(need.spare for need in takers)
    if not takers:
        return {}
    given = {need.name: lines[need.name] + left * need.spare // total for need in takers}
    given[takers[0].name] += left - sum(given[need.name] - lines[need.name] for need in takers)
    return given
