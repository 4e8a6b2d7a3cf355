"""The benchmarks start and print what they measured. How fast it was is not asked here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_quick_run_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    done = subprocess.run(
        [ROOT / "benchmarks" / "run", "--quick", "--only", "P2", "--json", written],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "create_task" in done.stdout
    (measure,) = json.loads(written.read_text())["measures"]
    assert measure["number"] == "P2"
    names = [row["name"] for row in measure["rows"]]
    assert names[:2] == ["django-task-worker", "bare INSERT + commit"]
    assert [name for name in names if name.startswith("our row, bare")] == names[2:]
    assert all(row["median"] > 0 for row in measure["rows"])
