"""COVERAGE.md names, for every fault, flaw and security requirement, tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
FAULTS = [*range(1, 14), *range(20, 35), *range(40, 47), *range(50, 64), *range(70, 77)]
EXPECTED = [
    *(f"F{number}" for number in FAULTS),
    *(f"S{number}" for number in range(1, 69)),
    *(f"SEC-{number}" for number in range(1, 24)),
]
DEFERRED = {"SEC-15", "SEC-18"}
"""Without any test, because there is nothing to test yet."""


def table() -> dict[str, list[str]]:
    """The tests of each row, in the order of the file."""
    found: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "COVERAGE.md").read_text().splitlines():
        match = re.match(r"\| (F\d+|S\d+|SEC-\d+) \|(.*)\|([^|]*)\|$", line)
        if match:
            assert match[1] not in found, f"{match[1]} is there twice"
            found[match[1]] = re.findall(r"`([^`]+)`", match[2])
    return found


@cache
def names_in(path: Path) -> set[str]:
    """The names of the tests in a file."""
    nodes = ast.walk(ast.parse(path.read_text()))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in functions if node.name.startswith("test_")}


def test_no_row_is_missing() -> None:
    assert list(table()) == EXPECTED


def test_every_row_names_tests_that_exist() -> None:
    for row, tests in table().items():
        assert tests or row in DEFERRED, f"{row} has no test"
        for test in tests:
            path, name = test.split("::")
            assert name in names_in(TESTS / path), f"{row}: there is no {test}"
