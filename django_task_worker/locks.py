"""The advisory locks in Redis: a second fence beside the lease, never the authority.

A lock that somebody else holds means that the task may still be running there, by a worker that was cut off
from the database. Without Redis the database alone decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django_task_worker.conf import settings
from django_task_worker.events.redis import Link, pack

MAX_DEFER_S = 2.0
FEW = 100
_TAKEN = b"$-1"

_RELEASE = b"""
for index, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[index] then redis.call('DEL', key) end
end
return #KEYS
"""
_REMAINING = b"""
if redis.call('GET', KEYS[1]) == ARGV[1] then return 0 end
return redis.call('PTTL', KEYS[1])
"""
_RENEW = b"""
for index, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[index + 1] then redis.call('PEXPIRE', key, ARGV[1]) end
end
return #KEYS
"""


class Locks:
    """Locks of one supervisor. `held` pairs are (task id, lease)."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._prefix = f"{settings().redis_prefix}task_lock:".encode()
        self._ttl_ms = int(settings().lease_s * 1000)
        ttl = b"%d" % self._ttl_ms
        self._unless_taken = b"\r\n$2\r\nNX\r\n$2\r\nPX\r\n$%d\r\n%b\r\n" % (len(ttl), ttl)

    def acquire(self, wanted: Sequence[tuple[str, str]]) -> Iterator[list[bool]]:
        """Lock each task; in their order, some at a time: whether somebody else has locked it.

        Nothing else may be sent to Redis before all are told of.
        """
        commands = [self._set(task_id, lease) for task_id, lease in wanted]
        told = 0
        if len(commands) > FEW:
            for answers in self._link.stream(commands):
                told += len(answers)
                yield [answer == _TAKEN for answer in answers]
        if told < len(commands):
            answers = self._link.call(commands[told:]) or [b""] * (len(commands) - told)
            yield [answer == _TAKEN for answer in answers]

    def _set(self, task_id: str, lease: str) -> bytes:
        """SET in Redis's wire format: it is done for each task."""
        key, value = self._prefix + task_id.encode(), lease.encode()
        head = b"*6\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n%b" % (len(key), key, len(value), value)
        return head + self._unless_taken

    def remaining(self, wanted: Sequence[tuple[str, str]]) -> dict[str, float]:
        """Seconds to stay away from those of these tasks that somebody else has locked.

        Not of locks that are ours: a command whose answer was lost had been carried out. A lock without an
        end, or with one later than any lease of ours, is nobody's: ignored.
        """
        answers = self._link.call(
            [
                pack(b"EVAL", _REMAINING, b"1", self._prefix + task_id.encode(), lease.encode())
                for task_id, lease in wanted
            ]
        )
        found = {}
        for (task_id, _), answer in zip(wanted, answers or (), strict=False):
            ttl_ms = int(answer[1:]) if answer[:1] == b":" else -1
            if 0 < ttl_ms <= self._ttl_ms:
                found[task_id] = min(ttl_ms / 1000, MAX_DEFER_S)
        return found

    def renew(self, held: Sequence[tuple[str, str]]) -> None:
        """Let each lock last for one more lease, if it is still ours."""
        self._script(_RENEW, held, b"%d" % self._ttl_ms)

    def release(self, held: Sequence[tuple[str, str]]) -> None:
        """Give each lock back, if it is still ours."""
        self._script(_RELEASE, held)

    def _script(self, source: bytes, held: Sequence[tuple[str, str]], *first: bytes) -> None:
        if held:
            keys = [self._prefix + task_id.encode() for task_id, _ in held]
            leases = [lease.encode() for _, lease in held]
            self._link.post_later([pack(b"EVAL", source, b"%d" % len(keys), *keys, *first, *leases)])
