"""`benchmarks/run`: runs measures one after the other and prints what they found."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    drain,
    embedded,
    enqueue,
    latency,
    memory,
    payload,
    polling,
    purge,
    scaling,
    sleeping,
    start_up,
    table_size,
)
from benchmarks.peers.known import PEERS
from benchmarks.processes import Failed
from benchmarks.report import Finding, as_json, table
from benchmarks.stage import Options, Stage, say

MEASURES: dict[str, Callable[[Stage], Finding]] = {
    "P1": drain.p1,
    "P2": enqueue.p2,
    "P3": enqueue.p3,
    "P4": latency.p4,
    "P5": latency.p5,
    "P6": polling.p6,
    "P7": memory.p7,
    "P8": table_size.p8,
    "P9": table_size.p9,
    "P10": scaling.p10,
    "P11": sleeping.p11,
    "P12": payload.p12,
    "P13": embedded.p13,
    "P14": purge.p14,
    "P15": start_up.p15,
}


def main() -> None:
    options = _arguments()
    wanted = options.only.upper().split(",") if options.only else list(MEASURES)
    unknown = [number for number in wanted if number not in MEASURES]
    if unknown:
        sys.exit(f"no measure {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    rounds = options.rounds or (1 if options.quick else 3)
    chosen = Options(rounds=rounds, quick=options.quick, peers=_peers(options.peers))
    findings: list[Finding] = []
    failed: list[str] = []
    with Stage(chosen) as stage:
        if chosen.peers:
            stage.peers = [peer(stage) for peer in PEERS if peer.__name__.upper() in chosen.peers]
        for number in wanted:
            say(f"-- {number}")
            try:
                findings.append(MEASURES[number](stage))
                print(table(findings[-1]), flush=True)
            except Failed as error:
                failed.append(number)
                print(f"{number}  could not be measured: {error}", flush=True)
    report = json.dumps(as_json(findings, chosen), indent=1)
    if options.json:
        Path(options.json).write_text(report + "\n")
    else:
        print(report)
    if failed:
        sys.exit(1)


def _peers(words: str | None) -> tuple[str, ...]:
    """The peers of `--peers`: none without it, all when it names none."""
    known = [peer.__name__.upper() for peer in PEERS]
    wanted = [] if words is None else words.upper().split(",") if words else known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.exit(f"no peer {', '.join(unknown)}; there are {', '.join(known)}")
    return tuple(wanted)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run", description=__doc__)
    parser.add_argument("--only", metavar="P1,P2", help="these measures; default: all")
    parser.add_argument(
        "--peers",
        nargs="?",
        const="",
        metavar="PGQUEUER,CELERY",
        help="beside these or all other task queues",
    )
    parser.add_argument("--rounds", type=int, help="how often to run each; 3")
    parser.add_argument("--quick", action="store_true", help="small sizes and one round: does it work at all")
    parser.add_argument("--json", metavar="FILE", help="write JSON there instead of after the tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
