# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private libvirt hosts on one machine, each in namespaces and a folder of its own.

A host is a process tree below one process 1 of its own pid namespace: ending that process ends the
daemons, the guests, dnsmasq and swtpm, and takes the network and the mounts away with them. What is
left is one folder. So a host can always be removed without a trace, however badly it was treated.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from .processes import Process, child_of, in_namespace_of, inner_pid

PROJECT = Path(__file__).resolve().parents[2]
ROOT_VARIABLE = "SVPC_LAB"
NEEDS_ROOT = (
    "The laboratory needs root: it makes namespaces, mounts and networks. "
    "Run it as root, or use the hypervisor of your own session at qemu:///session."
)

SETUP = Path(__file__).with_name("host_setup.sh")
ENTER = Path(__file__).with_name("host_enter.sh")
UDEVADM = Path(__file__).with_name("host_udevadm.sh")
CONTROL_GROUPS = Path("/sys/fs/cgroup")
SOCKET = "libvirt-sock"
LONGEST_SOCKET = "libvirt-admin-sock"
SOCKET_PATH_LIMIT = 107  # bytes of a Unix socket's path, without the closing zero
NAME_RULE = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
STATE = "host.json"
FURNITURE = "furniture"  # marks a folder as a host's, from its first moment
CAPABILITIES = "qemu/capabilities"
FOLDERS = ("bin", "dev", "keep", "images", "tpm-authority", "cache/qemu", "lib", "etc/nwfilter", "log/libvirt/qemu")
NWFILTERS = (Path("/usr/share/libvirt/nwfilter"), Path("/etc/libvirt/nwfilter"))
PROGRAMS = ("unshare", "nsenter", "mount", "ip", "tini", "libvirtd", "virtlogd", "virsh", "qemu-system-x86_64")

LIBVIRTD_CONF = """\
host_uuid = "{host_uuid}"
unix_sock_rw_perms = "0700"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""

QEMU_CONF = """\
user = "root"
group = "root"
swtpm_user = "root"
swtpm_group = "root"
security_driver = "none"
# Guests see each mount of the host, also one made after their start.
namespaces = []
"""


class LaboratoryError(Exception):
    """The laboratory cannot do what was asked; the text is a sentence for the reader."""


@dataclass(frozen=True)
class State:
    """What the laboratory wrote down about a host it started.

    holder: the process that made the namespaces and stays as parent of process 1.
    init: process 1 of the host.
    daemon: libvirtd; None when it was stopped on purpose.
    owner: the process that ends the host with itself; None when the host outlives its starter.
    sockets: the folder of the host's sockets.
    """

    holder: Process
    init: Process | None
    daemon: Process | None
    owner: Process | None
    sockets: Path

    @property
    def stale(self) -> bool:
        """Whether something the host needs has died without the laboratory's doing."""
        needed = (self.holder, self.init, *filter(None, (self.daemon, self.owner)))
        return not all(process is not None and process.alive for process in needed)


@dataclass(frozen=True)
class Host:
    """A private libvirt host.

    name: its host name.
    folder: all that it keeps.
    images: a folder of it, with the same path inside and outside, for disks and storage pools.
    sockets: the folder of its sockets (below folder, or short and elsewhere when that path is too long).
    """

    name: str
    folder: Path
    images: Path
    sockets: Path

    @property
    def uri(self) -> str:
        """The libvirt address under which every process of the machine reaches this host."""
        return f"qemu+unix:///system?socket={quote(str(self.socket), safe='/')}"

    @property
    def socket(self) -> Path:
        """The daemon's read-write socket."""
        return self.sockets / SOCKET

    @property
    def logs(self) -> Path:
        """The host's /var/log."""
        return self.folder / "log"

    @property
    def pid(self) -> int:
        """The number of the host's process 1, as the machine sees it."""
        return self._init().pid

    @property
    def daemon_pid(self) -> int | None:
        """The number of libvirtd, as the machine sees it; None when it does not run."""
        state = read_state(self.folder)
        return state.daemon.pid if state and state.daemon and state.daemon.alive else None

    @property
    def running(self) -> bool:
        """Whether the host is up, with or without its daemon."""
        state = read_state(self.folder)
        return bool(state and state.init and state.init.alive)

    @property
    def processes(self) -> list[int]:
        """The numbers of all processes of the host, as the machine sees them."""
        return in_namespace_of(self.pid)

    def run(
        self, argv: Sequence[str | os.PathLike[str]], *, check: bool = True, timeout: float = 60.0, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside the host and return its result, output and errors as text.

        text: what it reads. Raises LaboratoryError when it fails (unless check is false) or takes
        longer than timeout seconds.
        """
        command = [*self.enter(), *(os.fspath(word) for word in argv)]
        try:
            result = subprocess.run(
                command, input=text, capture_output=True, text=True, errors="replace", timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired as expired:
            raise LaboratoryError(f"On host {self.name}, {argv[0]} took longer than {timeout:g} seconds.") from expired
        if check and result.returncode:
            said = (result.stderr or result.stdout).strip()
            raise LaboratoryError(f"On host {self.name}, {argv[0]} ended with code {result.returncode}: {said}")
        return result

    def enter(self) -> list[str]:
        """The start of a command line that runs the rest of it inside the host."""
        check_user()
        spaces = ["--mount", "--net", "--uts", "--ipc", "--pid", "--cgroup"]
        group = control_group(self.folder)
        return ["sh", str(ENTER), group, "nsenter", f"--target={self.pid}", *spaces, "--wd=/", "--"]

    def limited_folder(self, size: int, name: str = "limited") -> Path:
        """Mount a file system of so many MiB at images/NAME, seen inside the host alone.

        Its path is the same for libvirt on this host; from outside the folder looks empty.
        """
        folder = self.images / name
        folder.mkdir(exist_ok=True)
        self.run(["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=755", "lab-limited", folder])
        return folder

    def start_daemon(self, timeout: float = 60.0) -> None:
        """Start virtlogd and libvirtd, unless they run, and wait until libvirtd answers.

        timeout: seconds. Raises LaboratoryError with the log's end when it does not answer.
        """
        state = self._state()
        if state.daemon and state.daemon.alive:
            return
        deadline = time.monotonic() + timeout
        if self._inner_process("virtlogd.pid") is None:
            self._launch("virtlogd", "virtlogd.pid", deadline)
        self._launch("libvirtd", "libvirtd.pid", deadline)
        write_state(self.folder, replace(state, daemon=self._inner_process("libvirtd.pid")))
        self._await_answer(deadline)

    def stop_daemon(self) -> None:
        """Stop libvirtd; guests, networks and virtlogd keep running."""
        state = self._state()
        # Written down first: whoever cleans up meanwhile must not take it for one that died.
        write_state(self.folder, replace(state, daemon=None))
        if state.daemon and not state.daemon.end(signal.SIGTERM) and not state.daemon.end():
            raise LaboratoryError(f"The daemon of host {self.name} does not end.")

    def restart_daemon(self) -> None:
        """Restart libvirtd under the guests, which keep running."""
        self.stop_daemon()
        self.start_daemon()

    def _state(self) -> State:
        state = read_state(self.folder)
        if state is None or state.init is None or not state.init.alive:
            raise LaboratoryError(f"Host {self.name} does not run.")
        return state

    def _init(self) -> Process:
        init = self._state().init
        assert init is not None
        return init

    def _launch(self, program: str, pid_file: str, deadline: float) -> None:
        (self.sockets / pid_file).unlink(missing_ok=True)
        path = f"PATH={self.folder / 'bin'}:{os.environ['PATH']}"
        result = self.run(
            ["env", path, program, "--daemon", f"--pid-file=/run/libvirt/{pid_file}"],
            check=False,
            timeout=max(1.0, deadline - time.monotonic()),
        )
        if result.returncode:
            raise LaboratoryError(
                f"{program} of host {self.name} does not start: {result.stderr.strip()}\n{self._log_end()}"
            )

    def _inner_process(self, pid_file: str) -> Process | None:
        """The living process whose number inside the host stands in a pid file."""
        try:
            inner = int((self.sockets / pid_file).read_text())
        except (OSError, ValueError):
            return None
        found = (pid for pid in self.processes if inner_pid(pid) == inner)
        return next(filter(None, map(Process.of, found)), None)

    def _await_answer(self, deadline: float) -> None:
        said = "it was not asked"
        while (left := deadline - time.monotonic()) > 0:
            try:
                result = subprocess.run(
                    ["virsh", "-c", self.uri, "version"], capture_output=True, text=True, timeout=left, check=False
                )
            except subprocess.TimeoutExpired:
                said = "it took the call and said nothing"
                break
            if result.returncode == 0:
                return
            said = result.stderr.strip()
            time.sleep(0.05)
        raise LaboratoryError(f"The daemon of host {self.name} does not answer: {said}\n{self._log_end()}")

    def _log_end(self, lines: int = 20) -> str:
        return log_end(self.logs / "libvirt/libvirtd.log", lines)


class Laboratory:
    """The private hosts below one folder.

    root: that folder; by default the one named by SVPC_LAB, else .cache/lab of the project.

    As a context manager it ends the hosts it started; should its process be killed, the next
    clean() of any laboratory at this root ends them.
    """

    def __init__(self, root: Path | None = None) -> None:
        """Name the folder; it is made with the first host."""
        self.root = (root or default_root()).absolute()
        self._owner: Process | None = None
        self._owned: list[str] = []

    def __enter__(self) -> Laboratory:
        """Tie the hosts started from here on to the life of this process."""
        self._owner = Process.of(os.getpid())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the hosts that this object started."""
        self._owner = None
        while self._owned:
            self.stop(self._owned.pop())

    def host(self, name: str) -> Host:
        """The host of that name, running or not."""
        check_name(name)
        folder = self.root / name
        state = read_state(folder)
        return Host(name, folder, folder / "images", state.sockets if state else folder / "run")

    def hosts(self) -> list[Host]:
        """The hosts that this root holds, dead ones included, by name."""
        return [self.host(path.parent.name) for path in sorted(self.root.glob(f"*/{FURNITURE}"))]

    def start(self, name: str) -> Host:
        """Start a host and wait until its daemon answers; a running one is returned as it is.

        A host that died is removed and made anew. Raises LaboratoryError when it cannot start.
        """
        check_name(name)
        check_machine()
        with self._lock(name):
            folder = self.root / name
            state = read_state(folder)
            if state is not None and not state.stale:
                host = self.host(name)
                host.start_daemon()
                return host
            self._remove(name)
            try:
                host = self._make(name)
            except BaseException:
                self._remove(name)
                raise
            if self._owner:
                self._owned.append(name)
            return host

    def stop(self, name: str) -> None:
        """End a host with all its guests and delete its folder; no harm when there is none."""
        check_name(name)
        with self._lock(name):
            self._remove(name)

    def stop_all(self) -> None:
        """End every host of this root."""
        for host in self.hosts():
            self.stop(host.name)

    def clean(self) -> list[str]:
        """Remove the hosts whose process 1, daemon or owner died; return their names.

        Ends only processes that the laboratory wrote down, and only if their start time is the one
        it wrote down.
        """
        removed = []
        for host in self.hosts():
            with self._lock(host.name):
                state = read_state(host.folder)
                # One that its owner has stopped since the look around is no left-over.
                if host.folder.exists() and (state is None or state.stale):
                    self._remove(host.name)
                    removed.append(host.name)
        return removed

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        """One start or stop of a host at a time, in all processes of the machine."""
        check_user()
        self.root.mkdir(parents=True, exist_ok=True)
        locks = self.root / ".locks"
        locks.mkdir(exist_ok=True)
        with (locks / name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _make(self, name: str) -> Host:
        folder = self.root / name
        sockets = furnish(folder, name)
        host = Host(name, folder, folder / "images", sockets)
        self._seed_capabilities(folder)
        log = folder / "log/setup.log"
        remove_control_groups(folder)
        setup = ["sh", str(SETUP), name, str(folder), str(sockets), control_group(folder)]
        holder = spawn(namespaced(setup), log)
        state = State(holder=holder, init=None, daemon=None, owner=self._owner, sockets=sockets)
        write_state(folder, state)
        init = child_of(holder.pid)
        write_state(folder, replace(state, init=Process.of(init) if init else None))
        deadline = time.monotonic() + 60
        while not (folder / "furnished").exists():
            if not holder.alive or time.monotonic() > deadline:
                raise LaboratoryError(f"Host {name} cannot be furnished.\n{log_end(log)}")
            time.sleep(0.005)
        host.start_daemon()
        self._keep_capabilities(host)
        return host

    def _seed_capabilities(self, folder: Path) -> None:
        """Give a new host what an earlier one learnt of QEMU; libvirt itself checks that it still holds."""
        known = self.root / ".capabilities"
        if known.is_dir():
            # What another host is about to keep has a hidden name until it is whole.
            hidden = shutil.ignore_patterns(".*")
            shutil.copytree(known, folder / "cache" / CAPABILITIES, dirs_exist_ok=True, ignore=hidden)

    def _keep_capabilities(self, host: Host) -> None:
        """Have a new host look at QEMU once (seconds the first time) and keep what it learns for the next."""
        looked = subprocess.run(
            ["virsh", "-c", host.uri, "domcapabilities"], capture_output=True, text=True, check=False
        )
        if looked.returncode:
            raise LaboratoryError(f"QEMU of host {host.name} cannot be used: {looked.stderr.strip()}")
        known = self.root / ".capabilities"
        learnt = host.folder / "cache" / CAPABILITIES
        if learnt.is_dir() and {file.name for file in learnt.iterdir()} - set(_names(known)):
            known.mkdir(exist_ok=True)
            for file in learnt.iterdir():
                partial = known / f".{file.name}.{host.name}"
                shutil.copy2(file, partial)
                partial.rename(known / file.name)

    def _remove(self, name: str) -> None:
        folder = self.root / name
        state = read_state(folder)
        if state is None:
            if folder.exists() and not (folder / FURNITURE).exists():
                raise LaboratoryError(f"{folder} is in the way and was not made by the laboratory.")
            shutil.rmtree(folder, ignore_errors=True)
            return
        for process in (state.init, state.holder):
            if process and not process.end():
                raise LaboratoryError(f"Process {process.pid} of host {name} does not end.")
        release_loops(folder)
        remove_control_groups(folder)
        if state.sockets.parent != folder:
            shutil.rmtree(state.sockets.parent, ignore_errors=True)
        shutil.rmtree(folder)


def default_root() -> Path:
    """The folder of the hosts when none is named."""
    named = os.environ.get(ROOT_VARIABLE)
    return Path(named) if named else PROJECT / ".cache/lab"


def check_name(name: str) -> None:
    """Raise LaboratoryError for a name that is not a host name."""
    if not NAME_RULE.fullmatch(name):
        raise LaboratoryError(f"{name!r} is no host name: use up to 32 small letters, digits and inner hyphens.")


def check_user() -> None:
    """Raise LaboratoryError for a user who cannot hold hosts."""
    if os.geteuid() != 0:
        raise LaboratoryError(NEEDS_ROOT)


def check_machine() -> None:
    """Raise LaboratoryError when this user or this machine cannot hold a host."""
    check_user()
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        packages = Path(__file__).with_name("packages.txt")
        raise LaboratoryError(f"The laboratory misses {', '.join(missing)}: install the packages of {packages}.")


def socket_folder(folder: Path) -> Path:
    """Where the sockets of a host in that folder can lie: in it, or elsewhere if their paths were too long.

    A folder elsewhere is made, private and new.
    """
    sockets = folder / "run"
    if fits_socket(sockets / LONGEST_SOCKET):
        return sockets
    return Path(tempfile.mkdtemp(prefix="svpc-")) / "run"


def fits_socket(path: Path) -> bool:
    """Whether a Unix socket can have that path."""
    return len(os.fsencode(path)) <= SOCKET_PATH_LIMIT


def furnish(folder: Path, name: str) -> Path:
    """Make a host's folder and configuration; return the folder of its sockets."""
    folder.mkdir(parents=True)
    (folder / FURNITURE).touch()
    for part in FOLDERS:
        (folder / part).mkdir(parents=True)
    sockets = socket_folder(folder)
    sockets.mkdir()
    if sockets.parent != folder:
        (folder / "run").symlink_to(sockets)
    shutil.copy(UDEVADM, folder / "bin/udevadm")
    (folder / "bin/udevadm").chmod(0o755)
    (folder / "hosts").write_text(f"127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost\n")
    (folder / "etc/libvirtd.conf").write_text(LIBVIRTD_CONF.format(host_uuid=uuid.uuid4()))
    (folder / "etc/qemu.conf").write_text(QEMU_CONF)
    for filters in filter(Path.is_dir, NWFILTERS):
        shutil.copytree(filters, folder / "etc/nwfilter", dirs_exist_ok=True)
    return sockets


def namespaced(argv: list[str]) -> list[str]:
    """A command line that runs another one as process 1 of fresh namespaces, and ends it with itself."""
    unshare = ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--mount-proc", "--fork"]
    return [*unshare, "--kill-child=SIGKILL", "--", *argv]


def spawn(argv: list[str], log: Path) -> Process:
    """Start a program in a session of its own, its output in a log, and leave it to itself."""
    program = shutil.which(argv[0])
    assert program is not None
    pid = os.posix_spawn(
        program,
        argv,
        {**os.environ, "LC_ALL": "C.UTF-8"},
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    process = Process.of(pid)
    if process is None:
        raise LaboratoryError(f"{argv[0]} ended at once.\n{log_end(log)}")
    return process


def release_loops(folder: Path) -> None:
    """Detach the machine's loop devices whose file lies in that folder."""
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            if Path(backing.read_text().strip()).is_relative_to(folder):
                subprocess.run(["losetup", "--detach", f"/dev/{backing.parts[3]}"], check=False)


def control_group(folder: Path) -> str:
    """The name of a host's control group, one of its own for each host folder of the machine."""
    return f"svpc-lab-{folder.name}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}"


def remove_control_groups(folder: Path) -> None:
    """Remove a dead host's control groups from all hierarchies of the machine."""
    group = control_group(folder)
    for top in (*CONTROL_GROUPS.glob(group), *CONTROL_GROUPS.glob(f"*/{group}")):
        for level in sorted((*top.rglob("*/"), top), reverse=True):
            remove_when_free(level)


def remove_when_free(folder: Path, timeout: float = 30.0) -> None:
    """Remove an empty folder that its last user may be about to leave; wait up to timeout seconds."""
    deadline = time.monotonic() + timeout
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def log_end(log: Path, lines: int = 20) -> str:
    """The last lines of a log, with its path; a sentence when there is none."""
    try:
        kept = log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return f"There is no log {log}."
    return "\n".join([f"End of {log}:", *kept])


def replace(state: State, **changes: Process | None) -> State:
    """The state with some of its processes changed."""
    return State(**{**{name: getattr(state, name) for name in State.__dataclass_fields__}, **changes})


def write_state(folder: Path, state: State) -> None:
    """Write a host's state into its folder, whole or not at all."""
    partial = folder / f".{STATE}"
    partial.write_text(json.dumps({**asdict(state), "sockets": str(state.sockets)}, indent=2) + "\n")
    partial.rename(folder / STATE)


def read_state(folder: Path) -> State | None:
    """The state in a host's folder; None when there is none."""
    try:
        kept = json.loads((folder / STATE).read_text())
    except FileNotFoundError:
        return None
    processes = {name: kept[name] and Process(**kept[name]) for name in ("holder", "init", "daemon", "owner")}
    return State(**processes, sockets=Path(kept["sockets"]))


def _names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()] if folder.is_dir() else []
