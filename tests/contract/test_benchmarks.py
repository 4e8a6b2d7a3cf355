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
    assert [row["name"] for row in measure["rows"]] == ["django-task-worker", "bare INSERT + commit"]
    assert all(row["median"] > 0 for row in measure["rows"])
