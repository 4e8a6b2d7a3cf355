"""`taskctl top`: state goes in from the feed and the reader, lines come out of the screen.

    feed (Redis) ──┐                                        ┌── keys
                   ├─▶ messages ─▶ state ─▶ screen ─▶ tty    ├─▶ view, jobs ─▶ reader
    reader (SQL) ──┘        └────▶ recording                 └── signals

The feed and the inbox between are those of `taskctl.listening`. `state`, `view` and `screen` are pure: no
clock, no I/O. `loop` owns the terminal and never waits for either server.
"""
