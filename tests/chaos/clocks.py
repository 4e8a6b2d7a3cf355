"""Processes whose wall clock is wrong, or jumps. Their monotonic clock is right, as on a real machine."""

from __future__ import annotations

from pathlib import Path

HOOK = Path(__file__).parent / "hooks" / "sleep"
"""To be the first on PYTHONPATH of such a process."""


def library() -> str:
    """libfaketime; fails when its package is not installed (see tests/run)."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        raise RuntimeError("faketime is not installed: run tests/run, which installs what the tests need")
    return str(found[0])


def wrong_by(offset: str) -> dict[str, str]:
    """The variables for a process whose clock is wrong by an offset such as `+10m`."""
    return {"LD_PRELOAD": library(), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Jumping:
    """The clock of the processes that got `variables`; `jump` sets it for all of them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "faketime"
        self.jump("+0")

    @property
    def variables(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, offset: str) -> None:
        """From now on the clock is wrong by that much."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.rename(self._file)
