# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in another thread: the same one for what comes one after the other, as long as it is free."""

from __future__ import annotations

import contextvars
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.svpc.virt.plugins.module_utils.task.progress import Teller
from ansible_collections.svpc.virt.plugins.plugin_utils import errand

NUMBER: contextvars.ContextVar[int] = contextvars.ContextVar("NUMBER", default=0)


@pytest.fixture(autouse=True)
def no_thread_yet() -> None:
    while errand._idle:
        errand._idle.pop().put(None)


def run(work: Callable[[], Any], give_up: Callable[[], None] = lambda: None) -> Any:
    """What ``work`` returns."""
    found: list[Any] = []
    errand.run_errand(lambda _tell: found.append(work()), Teller(lambda _text: None), give_up)
    return found[0]


def test_errands_share_a_thread_which_is_not_the_one_that_waits() -> None:
    threads = {run(threading.get_ident) for _number in range(3)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_what_work_raises_is_raised_where_it_is_waited_for_and_the_thread_goes_on() -> None:
    first = run(threading.get_ident)
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 // 0)
    assert run(threading.get_ident) == first


def test_each_has_the_context_of_whoever_waits_for_it() -> None:
    NUMBER.set(1)

    def work() -> int:
        before = NUMBER.get()
        NUMBER.set(7)
        return before

    assert run(work) == 1
    NUMBER.set(2)
    assert run(work) == 2
    assert NUMBER.get() == 2


class Interrupted(Exception):
    """What a signal raises."""


def test_one_that_does_not_end_keeps_its_thread_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errand, "_LOOK_UP", 0.01)
    monkeypatch.setattr(errand, "_FAREWELL", 0.01)
    begun, free, given_up = threading.Event(), threading.Event(), threading.Event()
    stuck: list[threading.Thread] = []

    def work(_tell: Callable[[str], None]) -> None:
        stuck.append(threading.current_thread())
        begun.set()
        free.wait(60)

    class Impatient(Teller):
        def remind(self) -> None:
            if begun.is_set():
                raise Interrupted

    try:
        with pytest.raises(Interrupted):
            errand.run_errand(work, Impatient(lambda _text: None), given_up.set)
        assert given_up.is_set()
        assert run(threading.get_ident) != stuck[0].ident
    finally:
        free.set()
    stuck[0].join(60)
    assert not stuck[0].is_alive()


def test_a_forked_process_has_a_thread_of_its_own() -> None:
    assert run(lambda: 6 * 7) == 42
    child = os.fork()
    if not child:
        signal.alarm(30)  # which ends it, should it wait for a thread that it does not have
        os._exit(run(lambda: 42))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
