"""What a worker costs that has nothing to do."""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path

from benchmarks.ours import NAME
from benchmarks.peers.peer import Peer
from benchmarks.processes import Program
from benchmarks.report import Finding, Goal, Row
from benchmarks.stage import Stage, alternate


def pss_mb(program: Program) -> float:
    """The memory of the whole tree; what processes share counts once."""
    return sum(_pss_kb(process.pid) for process in program.tree()) / 1024


def _pss_kb(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except ProcessLookupError:  # has just ended
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.M)
    return int(found[1]) if found else 0


def cpu_s(program: Program) -> float:
    """Processor time of the whole tree so far."""
    times = [process.cpu_times() for process in program.tree()]
    return float(sum(each.user + each.system for each in times))


def p7(stage: Stage) -> Finding:
    seconds, tasks = stage.size(20, 3), stage.size(1_000, 100)
    project = stage.project()

    def ours() -> dict[str, float]:
        with project.ready_worker() as worker:
            time.sleep(2)
            fresh = pss_mb(worker)
            before = cpu_s(worker)
            time.sleep(seconds)
            used = (cpu_s(worker) - before) / seconds * 100
            project.client("bulk", count=tasks)
            project.client("round_trip", count=5)
            return {"fresh": fresh, "cpu": used, "worn": pss_mb(worker)}

    def peer_of(peer: Peer) -> dict[str, float]:
        with peer.ready_worker() as programs:
            time.sleep(1)
            return {"fresh": sum(pss_mb(program) for program in programs)}

    everybody = alternate(stage, {NAME: ours} | {peer.name: partial(peer_of, peer) for peer in stage.peers})
    found = everybody[NAME]
    memory = [
        Row(name=f"memory, {name}", unit="MB PSS", figures=[f["fresh"] for f in figures], kind="fresh")
        for name, figures in everybody.items()
    ]
    rows = [
        *memory,
        Row(
            name=f"memory after {tasks:,} tasks",
            unit="MB PSS",
            figures=[f["worn"] for f in found],
            kind="worn",
        ),
        Row(name="processor", unit="% of one", figures=[f["cpu"] for f in found], kind="cpu"),
    ]
    return Finding(
        number="P7",
        title="idle worker with 4 children, minimal project, with Redis",
        rows=rows,
        goals=[
            Goal(text="memory of the whole tree, MB", figure=rows[0].median, limit=60, at_least=False),
            Goal(text="processor, %", figure=rows[-1].median, limit=0.5, at_least=False),
        ],
    )
