"""A long run under load with a fault at a time, and what came of it. Started by `tests/chaos/soak`."""
