"""Hearing what happens: events of Redis as they come over the wire, for `top` and for `events`.

    Redis ──▶ feed (a thread) ──▶ inbox ──▶ whoever takes from it

`resp` and `happenings` are pure. Whatever is heard may be made up by anybody: it is read, bounded, and only
shown.
"""
