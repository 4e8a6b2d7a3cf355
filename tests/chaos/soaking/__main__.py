"""The command line: set the stage, let it run, judge."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "project"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests/chaos/soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--rate", type=float, default=30.0, help="tasks a second")
    parser.add_argument("--every", type=float, default=20.0, help="seconds from fault to fault")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", help="a part of the names of the faults to choose from")
    return parser.parse_args()


def main() -> int:
    chosen = options()
    random.seed(chosen.seed)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.several"
    sys.path.insert(0, str(PROJECT))
    import django

    django.setup()
    from tests.chaos.soaking.faults import FAULTS
    from tests.chaos.soaking.figures import Figures
    from tests.chaos.soaking.load import Load
    from tests.chaos.soaking.stage import Stage

    faults = [fault for fault in FAULTS if not chosen.only or chosen.only in fault.__name__]
    print(f"seed {chosen.seed}, {chosen.hours:g} h, {len(faults)} kinds of faults", flush=True)
    end = time.monotonic() + chosen.hours * 3600
    with Stage() as stage:
        figures = Figures(stage)
        load = Load(stage.oracle, chosen.rate)
        load.start()
        due = time.monotonic() + chosen.every
        while time.monotonic() < end:
            stage.sleep(1.0)
            figures.sample()
            if time.monotonic() >= due and time.monotonic() + chosen.every < end:
                due += chosen.every
                fault = random.choice(faults)
                at = time.time()
                figures.note(at, fault.__name__, fault(stage))
        stage.heal()
        load.stop()
        return figures.report(load)


sys.exit(main())
