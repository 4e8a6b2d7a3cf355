"""The loop: wait, signals, outcomes and exits, kill, settle, claim and assign, upkeep, and again.

It claims and settles; it never imports a task function.
"""

from __future__ import annotations

import gc
import logging
import math
import selectors
import signal
import sys
import time
from functools import partial

from django.db import connections

from django_task_worker import events, lifecycle, registry
from django_task_worker.conf import settings
from django_task_worker.events.names import by_process
from django_task_worker.events.redis import Link
from django_task_worker.events.subscription import TIMEOUT_S, Subscription, TurnPublisher
from django_task_worker.lifecycle import Claimed, Outcome
from django_task_worker.locks import Locks
from django_task_worker.worker.cautions import say_cautions
from django_task_worker.worker.child import ChildLimits
from django_task_worker.worker.claimer import Claimer
from django_task_worker.worker.completer import Completer
from django_task_worker.worker.connection import STATEMENT_S, cut, data_version
from django_task_worker.worker.crew import Crew
from django_task_worker.worker.database import Database, Failed
from django_task_worker.worker.heartbeat import HeartbeatFile
from django_task_worker.worker.leases import Leases
from django_task_worker.worker.maintenance import Chore, Maintenance
from django_task_worker.worker.messages import OVERHEAD
from django_task_worker.worker.notify import Service
from django_task_worker.worker.options import WorkerOptions
from django_task_worker.worker.process import Process
from django_task_worker.worker.rescuer import Rescuer
from django_task_worker.worker.signals import STOP, Signals
from django_task_worker.worker.turnovers import Turnovers
from django_task_worker.worker.upkeep import Upkeep
from django_task_worker.worker.watch import Watch

logger = logging.getLogger("django_task_worker.worker")

POLL_S = 1.0
POLL_WITH_REDIS_S = 2.0
REPEATED_KEY_S = 0.3
LAST_WORDS_S = 10.0
"""How long after the grace outcomes may wait for the database."""
UNAVAILABLE = 69
GLANCE_S = 0.05
MARK_EVERY_S = 0.2


def run(options: WorkerOptions) -> int:
    """Run a worker in this process until it is told to stop; its exit code. Django must be set up."""
    say_cautions()
    return Supervisor(options).run()


class Supervisor:
    """One worker: the loop, and what it does on signals."""

    def __init__(self, options: WorkerOptions) -> None:
        configured = settings()
        self.options = options
        self.who = registry.new_identity(options.name)
        self._signals = Signals()
        self._watch = Watch(self._on_tick)
        self._subscription = Subscription(is_used=options.use_redis)
        self._link = Link(TIMEOUT_S, is_used=options.use_redis, look_up=by_process)
        self._publisher = TurnPublisher(self._link)
        self._database = Database(options.using, self._watch)
        self._leases = Leases(configured.lease_s)
        locks = Locks(self._link)
        self._locks = locks
        self._upkeep = Upkeep(self.who, self._database, self._subscription, lambda: self._crew.processes)
        self._claimer = Claimer(options, self.who.name, self._database, self._leases, locks)
        self._completer = Completer(
            self._database, self._leases, locks, self._upkeep.recorder, self._claimer.expect
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._signals, selectors.EVENT_READ)
        self._turnovers = Turnovers(
            self._database, self._completer, self._claimer, self._selector, self._take, self._publisher.send
        )
        self._subscribed_as: int | None = None
        self._watched: dict[Process, int] = {}
        self._crew = Crew(
            size=options.concurrency,
            limits=ChildLimits(
                max_tasks=options.max_tasks,
                max_time_s=options.max_time_s,
                max_memory_bytes=options.max_memory_bytes,
            ),
            frame_limit=configured.max_result_bytes * OVERHEAD + 1024 * 1024,
            worker=self.who.name,
            gate=self._leases.gate,
            keep=self._upkeep.keep,
            before_fork=self._before_fork,
            leave_parent=self._leave_parent,
        )
        self._service = Service(self._load, options.concurrency)
        self._renewal = Chore(every_s=configured.lease_s / 3, action=self._renew)
        self._maintenance = Maintenance(
            self._renewal,
            *self._upkeep.chores,
            *self._service.chores,
            Chore(every_s=registry.heartbeat_s(), action=self._beat),
            Rescuer(self._database, configured.sweep_s, self._claimer.wake).chore,
            Chore(every_s=1.0, action=self._tidy),
            *self._glances(),
        )
        self._heartbeat_file = HeartbeatFile(options.heartbeat_file)
        self._is_registered = self._is_ready = self._is_draining = False
        self._marked_at = 0.0
        self._stopped_at: float | None = None
        self._stop_by = 0.0
        self._exit_code = 0
        self._data_version = 0

    def run(self) -> int:
        """Work until stopped, drained or, in a burst, out of due tasks; the exit code."""
        events.use_publisher(self._publisher)
        gc.collect()
        gc.freeze()
        try:
            while not self._is_done():
                self._turn()
            self._farewell()
        finally:
            self._close()
        return self._exit_code

    # --- one turn ---

    def _turn(self) -> None:
        ready = self._selector.select(self._patience(time.monotonic()))
        now = time.monotonic()
        self._fence(now)
        self._on_signals(now)
        for key, mask in ready:
            self._on_ready(key.fileobj, mask, now)
        self._completer.add(self._crew.reap(now))
        self._end_what_must_end(now)
        self._crew.distribute(now)
        self._announce_started()
        self._crew.fill(now, is_needed=not self._is_stopping)
        if self._subscription.open():
            self._claimer.wake(now)
        self._turnovers.run(self._room, self._batch, self._poll_s())
        if self._claimer.has_looked and not self._is_ready:
            self._say_ready()
        self._mark_started(now)
        self._maintenance.run(time.monotonic())
        self._announce_started()
        self._publisher.send()
        self._watch_children()

    def _patience(self, now: float) -> float:
        times = [
            self._maintenance.next_due,
            self._crew.next_deadline(now, is_needed=not self._is_stopping),
            self._mark_at(),
            self._publisher.due_at,
            self._subscription.cancel_due_at,
            self._stop_by if self._is_stopping and self._crew.busy else None,
        ]
        if self._turnovers.due_at is not None:
            times.append(self._turnovers.due_at)
        else:
            times.append(self._completer.due_at())
            if self._room():
                times.append(max(self._claimer.look_at, self._database.retry_at))
        return max(0.0, min(moment for moment in times if moment is not None) - now)

    def _on_ready(self, source: object, mask: int, now: float) -> None:
        if isinstance(source, Process):
            if mask & selectors.EVENT_WRITE:
                source.write()
            if mask & selectors.EVENT_READ:
                self._completer.add(self._crew.read(source, now))
        elif source is self._subscription:
            self._claimer.wake(now, self._subscription.read())

    def _end_what_must_end(self, now: float) -> None:
        self._look_for_cancellations()
        self._completer.add(self._crew.read_overdue(now))
        self._crew.enforce(now)
        if self._is_stopping and now >= self._stop_by:
            self._completer.add(self._crew.give_back(now, older_than_s=0.0))
            self._crew.interrupt(now)
        else:
            self._completer.add(self._crew.give_back(now))

    def _batch(self) -> int:
        """How many outcomes make a statement worth while."""
        return 1 if self._is_stopping else self._crew.batch

    def _watch_children(self) -> None:
        """Keep the selector's list as it should be: closed descriptors go first, their numbers come back."""
        watched = self._watched
        listening = [process for process in self._crew.processes if process.hung_up_at is None]
        for process in [process for process in watched if process not in listening]:
            self._selector.unregister(process)
            del watched[process]
        self._watch_subscription()
        for process in listening:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if process.wants_to_write else 0)
            if process not in watched:
                self._selector.register(process, wanted)
            elif watched[process] != wanted:
                self._selector.modify(process, wanted)
            watched[process] = wanted
        self._turnovers.listen()

    def _watch_subscription(self) -> None:
        descriptor = self._subscription.fileno() if self._subscription.is_up else None
        if descriptor != self._subscribed_as:
            if self._subscribed_as is not None:
                self._selector.unregister(self._subscribed_as)
            if descriptor is not None:
                self._selector.register(self._subscription, selectors.EVENT_READ)
            self._subscribed_as = descriptor

    # --- claim ---

    def _wants_tasks(self) -> bool:
        return self._is_registered and not self._is_stopping

    def _room(self, coming: int = 0, needs_statement: bool = True) -> int:
        return self._crew.room(coming, needs_statement=needs_statement) if self._wants_tasks() else 0

    def _take(self, tasks: list[Claimed], deferred: list[Outcome]) -> None:
        self._crew.take(tasks, time.monotonic(), hands_out=not self._is_stopping)
        self._completer.add(deferred)
        if self._is_stopping:
            self._completer.add(self._crew.give_back(time.monotonic(), older_than_s=0.0))

    def _poll_s(self) -> float:
        if self.options.poll_s is not None:
            return self.options.poll_s
        return POLL_WITH_REDIS_S if self._subscription.is_up else POLL_S

    def _say_ready(self) -> None:
        self._is_ready = True
        redis = (
            "off" if not self._subscription.is_configured else "ok" if self._subscription.is_up else "down"
        )
        logger.info(
            "ready name=%s slots=%d queues=%s redis=%s",
            self.who.name,
            self.options.concurrency,
            ",".join(self.options.queues) or "*",
            redis,
        )
        self._service.ready()

    def _announce_started(self) -> None:
        begun = self._crew.begun()
        if begun and self._link.is_up:
            lifecycle.announce_started(begun, self.who.name, self.options.using)

    # --- what is ours ---

    def _renew(self, now: float) -> None:
        held = self._leases.pairs
        if not held:
            self._leases.renewed(held, now)
            return
        renewal = self._database.run(
            "renew leases", lambda: lifecycle.renew(held, self._leases.lease_s, self.options.using)
        )
        if isinstance(renewal, Failed):
            self._renewal.due = self._database.retry_at
            return
        self._leases.renewed(held, now)
        self._let_go(lambda task: renewal.held.get(task.id) != task.lease, "another worker owns")
        self._completer.add(self._crew.cancel(renewal.cancelling))
        self._locks.renew(self._leases.pairs)

    def _fence(self, now: float) -> None:
        """Once a lease may have run out, somebody else may be running its tasks: ours must end first."""
        if self._leases.has_expired(now):
            self._let_go(lambda task: self._leases.is_expired(task, now), "the lease has run out for")
            self._leases.forget_expired(now)
            self._is_registered = False

    def _let_go(self, is_lost: lifecycle.Predicate, why: str) -> None:
        lost = self._crew.drop(is_lost)
        self._leases.remove(lost)
        for task in lost:
            logger.info("fenced: %s task %s %s", why, task.id, task.name)

    def _on_tick(self, waited_s: float) -> None:
        """A statement keeps the loop waiting. Runs in a signal handler, so it only kills and cuts."""
        now = time.monotonic()
        self._crew.enforce(now, spares_unread=True)
        for process in self._crew.processes:
            if process.head is not None and self._leases.is_expired(process.head.task, now):
                process.signal_group(signal.SIGKILL)
        if waited_s > STATEMENT_S:
            cut(connections[self.options.using])

    # --- upkeep ---

    def _beat(self, now: float) -> None:
        using = self.options.using
        if self._is_registered:
            asked = self._database.run(
                "renew the registration", lambda: registry.heartbeat(self.who, self._load(), using)
            )
            self._is_registered = asked is not None
            if asked is True and not self._is_stopping:
                self._is_draining = True
                self._stop(now, math.inf)
        else:
            self._register()

    def _register(self) -> None:
        options = self.options
        done = self._database.run(
            "register this worker",
            lambda: registry.register(
                self.who,
                queues=options.queues,
                exclude_queues=options.exclude_queues,
                slots=options.concurrency,
                using=options.using,
            ),
        )
        self._is_registered = not isinstance(done, Failed)

    def _load(self) -> registry.Load:
        return registry.Load(
            busy=self._crew.busy,
            completed=self._completer.completed,
            failed=self._completer.failed,
            is_draining=self._is_stopping,
        )

    def _tidy(self, now: float) -> None:
        self._subscription.check()
        self._crew.kill_adopted()
        if not self._is_registered:
            self._register()
        if self._leases.unsure:
            for accepted in self._claimer.adopt():
                self._take(*accepted)
        self._heartbeat_file.touch(now, self._database.ok_at)

    def _glances(self) -> list[Chore]:
        """SQLite tells cheaply whether another process has written, so that nobody waits for the poll."""
        if connections[self.options.using].vendor != "sqlite" or self.options.poll_s is not None:
            return []
        return [Chore(every_s=GLANCE_S, action=self._glance)]

    def _glance(self, now: float) -> None:
        if now >= self._claimer.look_at or not self._room():
            return
        version = self._database.run("look", partial(data_version, self.options.using))
        if not isinstance(version, Failed) and version != self._data_version:
            self._data_version = version
            self._claimer.wake(now)

    def _look_for_cancellations(self) -> None:
        if not self._subscription.takes_cancel():
            return
        held = self._leases.pairs
        asked = self._database.run(
            "look for cancellations", lambda: lifecycle.cancelling(held, self.options.using)
        )
        if not isinstance(asked, Failed):
            self._completer.add(self._crew.cancel(asked))

    def _mark_at(self) -> float | None:
        """Soon after a task has begun that is not over at once, for several of them together."""
        due = self._crew.mark_at
        return None if due is None else max(due, self._marked_at + MARK_EVERY_S, self._database.retry_at)

    def _mark_started(self, now: float) -> None:
        due = self._mark_at()
        if due is not None and now >= due:
            self._marked_at = now
            begun = self._crew.unmarked(now)
            times = [(running.task, now - (running.started or now)) for running in begun]
            done = self._database.run(
                "write starting times", lambda: lifecycle.mark_started(times, self.options.using)
            )
            for running in begun:
                running.is_marked = not isinstance(done, Failed)

    # --- signals and the end ---

    @property
    def _is_stopping(self) -> bool:
        return self._stopped_at is not None

    def _on_signals(self, now: float) -> None:
        for number in self._signals.read():
            if number == signal.SIGUSR1:
                self._crew.log_stacks()
            elif number == signal.SIGQUIT:
                self._stop_now(number, now)
            elif number in STOP:
                self._on_stop(number, now)

    def _on_stop(self, number: signal.Signals, now: float) -> None:
        if self._stopped_at is None or self._is_draining:
            self._is_draining = False
            self._stop(now, self.options.grace_s)
        elif now - self._stopped_at < REPEATED_KEY_S:
            return
        elif not self._exit_code:
            self._stop_now(number, now)
        else:
            logger.warning("leaving at once; the leases of what was running will expire")
            self._crew.dismiss()
            sys.exit(self._exit_code)

    def _stop(self, now: float, grace_s: float) -> None:
        self._stopped_at = now
        self._stop_by = now + grace_s
        self._service.stopping()
        busy = self._crew.busy
        if busy:
            again = ", press Ctrl-C again to hand them back now" if sys.stderr.isatty() else ""
            tasks = f"{busy} running task" + ("s" if busy > 1 else "")
            if self._is_draining:
                logger.info("draining: waiting for %s", tasks)
            else:
                logger.info("stopping: waiting up to %gs for %s%s", grace_s, tasks, again)
        self._completer.add(self._crew.give_back(now, older_than_s=0.0))

    def _stop_now(self, number: signal.Signals, now: float) -> None:
        logger.warning("stopping now: running tasks are handed back")
        self._exit_code = 128 + number
        self._service.stopping()
        self._stopped_at = self._stop_by = now
        self._completer.add(self._crew.give_back(now, older_than_s=0.0))
        self._crew.interrupt(now, at_once=True)

    def _is_done(self) -> bool:
        if self._crew.in_hand or self._database.under_way is not None:
            return False
        if not self._completer.is_empty or self._leases.is_in_the_dark:
            return self._has_waited_enough()
        return self._is_stopping or (self.options.burst and self._claimer.found_nothing)

    def _has_waited_enough(self) -> bool:
        if not self._is_stopping or time.monotonic() < self._stop_by + LAST_WORDS_S:
            return False
        logger.error("the database is away: some outcomes are lost, their leases will expire")
        self._exit_code = self._exit_code or UNAVAILABLE
        return True

    def _farewell(self) -> None:
        using = self.options.using
        self._upkeep.finish()
        self._database.run("sign off", lambda: registry.sign_off(self.who, self._load(), using))
        self._publisher.flush()
        done = self._completer
        logger.info("stopped name=%s completed=%d failed=%d", self.who.name, done.completed, done.failed)

    def _close(self) -> None:
        self._crew.dismiss()
        self._turnovers.stop_listening()
        self._watch.close()
        self._subscription.close()
        self._link.close()
        self._database.close()
        self._selector.close()
        self._signals.close()
        events.use_publisher(None)
        gc.unfreeze()

    # --- around a fork ---

    def _before_fork(self) -> None:
        self._turnovers.stop_listening()
        self._database.close()
        connections.close_all()  # what the project has opened while it was set up
        self._link.close()
        self._subscription.close()
        self._watch_subscription()

    def _leave_parent(self) -> None:
        """In a new child: let go of what belongs to the supervisor."""
        self._signals.forget()
        self._selector.close()
        events.use_publisher(None)
        del connections[self.options.using]
