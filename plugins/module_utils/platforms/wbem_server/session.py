# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to one WBEM server: the operations of CIM-XML, each of which raises VirtErrors only."""

from __future__ import annotations

import ssl
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, NoReturn, TypeVar
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, Unreachable, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.platforms.interface import Progress, quietly
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server import transport
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.conformity import (
    conforming,
    conforming_path,
    number,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.wbem_server.errors import (
    FAILED,
    MISSING,
    NOT_FOUND,
    TYPE_MISMATCH,
    pywbem,
    status_of,
    talking,
)

CALL_WITHIN = 120.0
"""Seconds within which a server has to answer one call when the user sets no time-out."""
JOB_WITHIN = 3600.0
"""Seconds within which a job of the server has to end."""
_AGAIN_AFTER = (0.05, 0.2, 0.5, 1.0)
"""Seconds before an enumeration is tried again that failed because something vanished while it ran."""
_AT_ONCE = 8
"""Calls made at the same time where a server offers nothing better than one call for each system."""

_EMBEDDED_AS: Mapping[str, Callable[[Any], Any]] = {
    "instance": lambda instance: instance,
    "CIM-XML": lambda instance: instance.tocimxmlstr(),
    "MOF": lambda instance: instance.tomof(),
}
"""How an embedded instance can be sent."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class Session:
    """One server, and the namespace in which its virtual systems are."""

    uri: str
    connect: Callable[[], Any] = field(repr=False)
    """Makes a pywbem.WBEMConnection."""
    namespace: str | None = None
    """From the URI; None until it is discovered."""
    timeout: float = CALL_WITHIN
    progress: Progress = field(default=quietly, repr=False)
    secret: str | None = field(default=None, repr=False)
    job_within: float = JOB_WITHIN
    """Seconds after which a job of the server is given up that has no time of its own."""
    notes: list[str] = field(default_factory=list, init=False)
    """What the user should know although it was no failure."""
    _connection: Any = field(default=None, init=False, repr=False)
    _embedded_as: str = field(default="instance", init=False, repr=False)
    _others: list[Session] = field(default_factory=list, init=False, repr=False)
    """Sessions for what is done at the same time, while nobody uses them."""

    @property
    def connection(self) -> Any:
        """The pywbem.WBEMConnection.  HTTP opens its sockets when they are needed, and anew when they break."""
        if self._connection is None:
            self._connection = self.connect()
        return self._connection

    def close(self) -> None:
        """Close the sockets."""
        while self._others:
            self._others.pop().close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def abandon(self) -> None:
        """Begin no call any more; that under way ends in its own time.  Any thread may do that."""

        def refuse() -> NoReturn:
            raise Unreachable(f"The task that worked on {self.uri} was given up")

        self.connect = refuse
        self._connection = None

    # reading

    def instances(
        self, class_name: str, properties: Iterable[str] | None = None, namespace: str | None = None
    ) -> list[Any]:
        """All instances of a class and its subclasses."""
        return self._enumerated(
            f"read the instances of {class_name}",
            lambda connection: connection.IterEnumerateInstances(
                class_name,
                namespace=namespace or self.namespace,
                LocalOnly=False,
                DeepInheritance=True,
                PropertyList=None if properties is None else list(properties),
                MaxObjectCount=transport.PULLED_AT_ONCE,
            ),
            conforming,
        )

    def names(self, class_name: str, namespace: str | None = None) -> list[Any]:
        """The paths of all instances of a class and its subclasses."""
        return self._enumerated(
            f"read the paths of the instances of {class_name}",
            lambda connection: connection.IterEnumerateInstancePaths(
                class_name, namespace=namespace or self.namespace, MaxObjectCount=transport.PULLED_AT_ONCE
            ),
            conforming_path,
        )

    def instances_if_any(self, class_name: str, namespace: str | None = None) -> list[Any]:
        """All instances of a class; none where the server does not have the class or the namespace."""
        return self._if_any(lambda: self.instances(class_name, namespace=namespace))

    def listed(self, association: str) -> list[Any] | None:
        """The paths of all instances of an association; None where the server can only follow it."""
        return self._if_told(lambda: self.names(association))

    def listed_instances(self, class_name: str) -> list[Any] | None:
        """All instances of a class; None where they can only be reached by following associations."""
        return self._if_told(lambda: self.instances(class_name))

    def get(self, path: Any, properties: Iterable[str] | None = None) -> Any | None:
        """The instance with that path, or None."""
        wanted = None if properties is None else list(properties)
        try:
            found = self._read(
                f"read {path.classname}",
                lambda connection: connection.GetInstance(self.local(path), LocalOnly=False, PropertyList=wanted),
            )
        except VirtError as error:
            if status_of(error) == NOT_FOUND:
                return None
            raise
        if found.path is None or not found.path.keybindings:
            found.path = path
        return conforming(found)

    def associated(
        self, path: Any, association: str, result: str | None = None, role: str | None = None, end: str | None = None
    ) -> list[Any]:
        """The instances at the other ``end`` of an association.

        The association is always named: without it a server asks all its providers, and the failure of one of them,
        however unrelated, is a failure of the whole.
        """
        found = self._read(
            f"follow {association} from {path.classname}",
            lambda connection: connection.Associators(
                self.local(path), AssocClass=association, ResultClass=result, Role=role, ResultRole=end
            ),
        )
        return [conforming(each) for each in found]

    def references(self, path: Any, association: str, role: str | None = None) -> list[Any]:
        """The association instances themselves, where their properties or both ends are needed."""
        found = self._read(
            f"read {association} of {path.classname}",
            lambda connection: connection.References(self.local(path), ResultClass=association, Role=role),
        )
        return [conforming(each) for each in found]

    def class_of(self, class_name: str, namespace: str | None = None) -> Any | None:
        """The definition of a class, or None when the server does not have it."""
        try:
            return self._read(
                f"read the class {class_name}",
                lambda connection: connection.GetClass(
                    class_name, namespace=namespace or self.namespace, LocalOnly=False, IncludeQualifiers=False
                ),
            )
        except VirtError as error:
            if status_of(error) in (NOT_FOUND, *MISSING):
                return None
            raise

    def subclasses(self, class_name: str) -> list[Any]:
        """The definitions of a class's subclasses, all the way down; none when the server does not have the class."""
        return self._if_any(
            lambda: self._read(
                f"read the subclasses of {class_name}",
                lambda connection: list(
                    connection.EnumerateClasses(
                        self.namespace, class_name, DeepInheritance=True, LocalOnly=False, IncludeQualifiers=False
                    )
                ),
            )
        )

    # calling

    def call(self, method: str, path: Any, doing: str, arguments: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        """Invoke a method: its return code and its output parameters.  Arguments that are None are left out.

        Embedded instances go as instances, and to a server that takes them for no value of the parameter's type, as
        text: of an INSTANCE element, or MOF.  Nothing is done by such a server, so that asking again does nothing twice.
        """
        while True:
            given = [self._parameter(name, argument) for name, argument in arguments.items() if argument is not None]
            try:
                with self._talking(doing), warnings.catch_warnings():
                    # Some servers answer with paths that have no keys; who asked finds that out.
                    warnings.simplefilter("ignore", pywbem.MissingKeybindingsWarning)
                    code, output = self.connection.InvokeMethod(method, self.local(path), Params=given)
                return int(number(code, f"the return value of {method}") or 0), output
            except VirtError as error:
                embeds = any(_embeds(argument) for argument in arguments.values())
                if status_of(error) != TYPE_MISMATCH or not embeds or not self._embed_otherwise():
                    raise

    def _embed_otherwise(self) -> bool:
        """Choose the next form of embedded instances; False, with the first one chosen again, after the last."""
        forms = list(_EMBEDDED_AS)
        position = (forms.index(self._embedded_as) + 1) % len(forms)
        self._embedded_as = forms[position]
        return position > 0

    def _parameter(self, name: str, value: Any) -> Any:
        return value if isinstance(value, pywbem.CIMParameter) else (name, self._argument(value))

    def _argument(self, value: Any) -> Any:
        if isinstance(value, pywbem.CIMInstanceName):
            return self.local(value)
        if isinstance(value, pywbem.CIMInstance):
            return _EMBEDDED_AS[self._embedded_as](value)
        if isinstance(value, (list, tuple)):
            return [self._argument(item) for item in value]
        return value

    def local(self, path: Any) -> Any:
        """A path as the server takes it: without host, and with a namespace."""
        found = path.copy()
        found.host = None
        found.namespace = path.namespace or self.namespace
        return found

    # many things at once

    def each(self, work: Callable[[Session, Item], Result], items: Sequence[Item]) -> list[Result]:
        """``work`` done for every item, several at the same time, each on a connection of its own."""
        if len(items) < 2:
            return [work(self, item) for item in items]

        def done(item: Item) -> Result:
            try:
                session = self._others.pop()
            except IndexError:  # all of them are in use
                session = self._another()
            try:
                return work(session, item)
            finally:
                self._others.append(session)

        with ThreadPoolExecutor(max_workers=_AT_ONCE) as workers:
            return list(workers.map(done, items))

    def _another(self) -> Session:
        return Session(
            self.uri, self.connect, self.namespace, self.timeout, self.progress, self.secret, self.job_within
        )

    # how

    def _talking(self, doing: str) -> Any:
        return talking(doing, self.uri, self.secret)

    def _read(self, doing: str, ask: Callable[[Any], Result]) -> Result:
        """What ``ask`` reads.  A connection that broke since it was used last is opened once more."""
        used = self._connection is not None
        try:
            with self._talking(doing):
                return ask(self.connection)
        except Unreachable:
            if not used:
                raise
        self.close()
        with self._talking(doing):
            return ask(self.connection)

    def _enumerated(self, doing: str, ask: Callable[[Any], Any], conform: Callable[[Any], Any]) -> list[Any]:
        def read() -> list[Any]:
            return [conform(each) for each in self._read(doing, lambda connection: list(ask(connection)))]

        for nap in _AGAIN_AFTER:
            try:
                return read()
            except VirtError as error:
                if status_of(error) not in (FAILED, NOT_FOUND):
                    raise
            time.sleep(nap)
        return read()

    @staticmethod
    def _if_told(ask: Callable[[], list[Any]]) -> list[Any] | None:
        try:
            return ask()
        except VirtError as error:
            if status_of(error) is None:
                raise
            return None

    @staticmethod
    def _if_any(ask: Callable[[], list[Any]]) -> list[Any]:
        try:
            return ask()
        except VirtError as error:
            if status_of(error) in MISSING:
                return []
            raise


def _embeds(argument: Any) -> bool:
    """Whether an argument is or holds an embedded instance."""
    if isinstance(argument, (list, tuple)):
        return any(_embeds(item) for item in argument)
    return isinstance(argument, pywbem.CIMInstance)


def open_session(uri: str, options: Mapping[str, Any], progress: Progress = quietly) -> Session:
    """A session for the server at ``uri`` (``https://HOST:PORT/NAMESPACE``) with the connection options.

    Nothing is sent yet.  Raises InvalidInput for options that cannot be right.
    """
    parts = urlsplit(uri)
    url = _server_of(uri, parts)
    for name in ("ca_cert", "client_cert", "client_key"):
        if options.get(name) and not Path(options[name]).exists():
            raise InvalidInput(f"{name}: there is no file {options[name]}")
    if options.get("client_key") and not options.get("client_cert"):
        raise InvalidInput("client_key: a key is of use only with its certificate, client_cert")
    username, password = options.get("username"), options.get("password")
    if password is not None and username is None:
        raise InvalidInput("password: a password is of use only with a username")
    timeout = float(options.get("timeout") or CALL_WITHIN)
    certificates = None
    if options.get("client_cert"):
        certificates = {"cert_file": options["client_cert"], "key_file": options.get("client_key")}

    def connect() -> Any:
        connection = pywbem.WBEMConnection(
            url,
            creds=None if username is None else (username, password or ""),
            x509=certificates,
            ca_certs=options.get("ca_cert") or _trusted_by_the_machine(),
            no_verification=options.get("validate_certs") is False,
            timeout=timeout,
            use_pull_operations=None,
        )
        # The environment gives a way (proxies), and no credentials or certificates of its own.
        connection.session.proxies = _proxies(url)
        connection.session.trust_env = False
        bounded: Any = transport.BoundedAdapter(connection.session.get_adapter(url), timeout)
        connection.session.mount(url, bounded)
        return connection

    return Session(uri, connect, parts.path.strip("/") or None, timeout, progress, password or None)


def _server_of(uri: str, parts: SplitResult) -> str:
    if parts.username or parts.password:
        raise InvalidInput("uri: credentials do not belong into the URI; give them as username and password")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if not parts.hostname or port == -1 or parts.query or parts.fragment:
        raise InvalidInput(f"uri: {uri!r} is not the URL of a WBEM server, such as https://host:5989/root/virt")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def _trusted_by_the_machine() -> str | None:
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath


def _proxies(url: str) -> dict[str, str]:
    """The proxies that the environment names for a server."""
    host = urlsplit(url).hostname or ""
    return {} if proxy_bypass(host) else getproxies()
