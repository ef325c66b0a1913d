# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that is waited for, without being at the mercy of it.

Ansible ends a task that takes too long by a signal, and only Python code can be interrupted by one: a call into a C
library that waits for a host cannot.  So the work is done by a thread of its own, and the thread that gets the signals
does nothing but wait.  The items of a loop have one such thread, since to start one can take as long as to read a host.
"""

from __future__ import annotations

import contextvars
import os
import threading
from queue import Empty, SimpleQueue
from typing import Callable, Optional

from ansible_collections.svpc.virt.plugins.module_utils.task.progress import Teller

_LOOK_UP = 1.0
"""Seconds after which the waiting thread looks whether there is something to tell."""
_FAREWELL = 1.0
"""Seconds that work which was given up has to end, before nobody looks after it any longer."""

Work = Callable[[Callable[[str], None]], None]


class _Errand:
    """Some work, and what becomes of it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        # Ansible keeps what belongs to a task, such as its warnings, in the context.
        self._context = contextvars.copy_context()
        self.news: SimpleQueue[str | None] = SimpleQueue()
        """What it tells on the way, and None at the end."""
        self.ended = threading.Event()
        self.raised: BaseException | None = None

    def run(self) -> None:
        """Do it, in the context of whoever waits for it."""
        try:
            self._context.run(self._work, self.news.put)
        except BaseException as error:  # it is raised where it is waited for
            self.raised = error
        finally:
            self.ended.set()
            self.news.put(None)


_Todo = SimpleQueue[Optional[_Errand]]
"""What a thread is to do, one after the other; None is the end."""

_idle: list[_Todo] = []
"""Where the thread that nobody waits for finds its next errand; one at most."""


def run_errand(work: Work, teller: Teller, give_up: Callable[[], None]) -> None:
    """Do ``work`` in another thread and tell its progress from this one.  Raises what the work raises.

    When the waiting is interrupted, ``give_up`` is called, which lets the work end soon; what interrupted is raised
    again.  Work that does not end all the same is left to itself: it ends with this process.
    """
    errand = _Errand(work)
    todo = _idle.pop() if _idle else _new_thread()
    todo.put(errand)
    try:
        _listen(errand.news, teller)
    except BaseException:
        give_up()
        errand.ended.wait(_FAREWELL)
        raise
    finally:
        if errand.ended.is_set() and not _idle:
            _idle.append(todo)
        else:
            todo.put(None)
    if errand.raised is not None:
        raise errand.raised


def _new_thread() -> _Todo:
    todo: _Todo = SimpleQueue()

    def run() -> None:
        while (errand := todo.get()) is not None:
            errand.run()
            del errand  # and all that belongs to it, while the next one is waited for

    threading.Thread(target=run, name="task", daemon=True).start()
    return todo


os.register_at_fork(after_in_child=_idle.clear)  # a process begins without the threads of its parent


def _listen(news: SimpleQueue[str | None], teller: Teller) -> None:
    """Pass on what is told, until there is nothing more to come."""
    while True:
        try:
            text = news.get(timeout=_LOOK_UP)
        except Empty:
            teller.remind()
            continue
        if text is None:
            return
        teller.tell(text)
