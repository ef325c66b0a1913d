# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that is waited for, without being at the mercy of it.

Ansible ends a task that takes too long by a signal, and only Python code can be interrupted by one: a call into a C
library that waits for a host cannot.  So the work is done by a thread of its own, and the thread that gets the signals
does nothing but wait.
"""

from __future__ import annotations

import contextvars
import threading
from queue import Empty, SimpleQueue
from typing import Callable

from ansible_collections.svpc.virt.plugins.module_utils.task.progress import Teller

_LOOK_UP = 1.0
"""Seconds after which the waiting thread looks whether there is something to tell."""
_FAREWELL = 1.0
"""Seconds that work which was given up has to end, before nobody looks after it any longer."""


def run_errand(work: Callable[[Callable[[str], None]], None], teller: Teller, give_up: Callable[[], None]) -> None:
    """Do ``work`` in another thread and tell its progress from this one.  Raises what the work raises.

    When the waiting is interrupted, ``give_up`` is called, which lets the work end soon; what interrupted is raised
    again.  Work that does not end all the same is left to itself: it ends with this process.
    """
    news: SimpleQueue[str | None] = SimpleQueue()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work(news.put)
        except BaseException as error:  # it is raised where it is waited for
            raised.append(error)
        finally:
            news.put(None)

    # Ansible keeps what belongs to a task, such as its warnings, in the context.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="task", daemon=True)
    thread.start()
    try:
        _listen(news, teller)
        thread.join()
    except BaseException:
        give_up()
        thread.join(_FAREWELL)
        raise
    if raised:
        raise raised[0]


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
