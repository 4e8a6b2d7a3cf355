from __future__ import annotations

import time

time.sleep(60)


def never() -> None:
    pass
