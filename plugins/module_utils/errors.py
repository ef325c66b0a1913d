# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, in words a user can act on.

Every expected failure is a :class:`VirtError`: one sentence that says what was wrong, where, and what is allowed,
and a code a playbook can test.  Anything else that is raised is a bug of this collection and keeps its traceback.
"""

from __future__ import annotations

from typing import Any, ClassVar


class VirtError(Exception):
    """An expected failure; ``str()`` is the sentence for the user, ``code`` the word for the playbook."""

    code: ClassVar[str] = "host_failed"

    def __init__(self, message: str, **details: Any) -> None:
        """Keep ``message`` and machine-readable ``details`` (for example ``allowed=[...]``)."""
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = details


class InvalidInput(VirtError):
    """The declaration itself is wrong: an unknown name, unit or value, or options that contradict each other."""

    code = "invalid_input"


class NotFound(VirtError):
    """Something the declaration refers to does not exist on the host."""

    code = "not_found"


class NotSupported(VirtError):
    """The host's capabilities do not offer what is declared."""

    code = "not_supported"


class LibraryMissing(NotSupported):
    """The Python that runs the task lacks a library for this kind of host; another Python may have it."""


class RestartNeeded(VirtError):
    """The change needs the virtual system to be off, and turning it off was not allowed."""

    code = "restart_needed"


class Refused(VirtError):
    """The change would do more than was asked for; the message names the switch that allows it."""

    code = "refused"


class Conflict(VirtError):
    """What is declared contradicts what is there, or somebody else changed it meanwhile."""

    code = "conflict"


class InTheWay(Conflict):
    """Something is in the way that can go: it uses what is declared, is itself another one, or is in another state.

    So an earlier task of a play may be the one that sees to it.
    """

    def __init__(self, message: str, plan: tuple[Any, ...] | None = None, **details: Any) -> None:
        """Keep the ``plan`` for when it is gone, where there is one already."""
        super().__init__(message, **details)
        self.plan = plan


class Unreachable(VirtError):
    """The host does not answer."""

    code = "unreachable"


class AuthenticationFailed(VirtError):
    """The host refused the credentials."""

    code = "authentication_failed"


class TimedOut(VirtError):
    """Something did not happen within the time allowed for it."""

    code = "timed_out"


class HostFailed(VirtError):
    """The host tried and failed; the message holds the host's own words."""

    code = "host_failed"


def allowed_words(what: str, value: object, allowed: object, hint: str | None = None) -> InvalidInput:
    """The error for a word outside a list: names the word, the place and everything that is allowed."""
    words = sorted(str(word) for word in allowed)  # type: ignore[attr-defined]
    message = f"{what}: {value!r} is not known; allowed are {', '.join(words)}"
    return InvalidInput(message + (f" ({hint})" if hint else ""), allowed=words)
