# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tiny guest: a real Linux of a few MiB that boots in seconds and says what it sees.

It is made once from Debian's own packages: a kernel, which is unpacked and not installed, busybox,
and for the second initial file system the QEMU guest agent and an SSH server. What it says is read by serial.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .hosts import LaboratoryError, default_root

HERE = Path(__file__).parent
KERNELS = {"small": "linux-image-cloud-amd64", "wide": "linux-image-amd64"}
MODULES = (
    "virtio_pci", "virtio_net", "virtio_blk", "virtio_balloon", "virtio_console", "virtio_scsi", "virtio-rng",
    "sd_mod", "sr_mod", "isofs", "ata_piix", "ahci", "ext4", "button", "evdev", "efivarfs",
    "e1000", "e1000e", "xhci-pci", "usb-storage", "i6300esb",
)  # fmt: skip
COMMAND_LINE = "console=ttyS0 quiet panic=-1 no_timer_check mitigations=off random.trust_cpu=on"
SCRIPTS = {
    "guest_init.sh": "init",
    "guest_lease.sh": "etc/lease",
    "guest_shutdown.sh": "sbin/shutdown",
}
POWER_BUTTON = "etc/acpi/PWRF/00000080"
SERVICES = {"qemu-guest-agent": Path("usr/sbin/qemu-ga"), "dropbear-bin": Path("usr/sbin/dropbear")}
"""Programs of the second initial file system, by the Debian package that holds them."""
LIBRARIES = "qemu-system-x86 dropbear-bin"
"""Packages that bring the libraries of these programs."""
FOLDERS = (
    "bin", "dev", "etc/acpi/PWRF", "etc/dropbear", "lib64", "modules", "proc", "root", "run", "sbin", "sys", "tmp", "var",
)  # fmt: skip
USERS = "root:x:0:0:root:/root:/bin/sh\n"
OS_RELEASE = 'NAME="SVPC tiny guest"\nID=svpc-tiny\nVERSION_ID=1\nPRETTY_NAME="SVPC tiny guest 1"\n'


@dataclass(frozen=True)
class Guest:
    """The files a domain boots the tiny guest from, by kernel, initrd and cmdline of its <os>.

    agent_initrd: an initial file system with the QEMU guest agent, in place of initrd; it listens at
    the virtio port org.qemu.guest_agent.0. It has an SSH server too.
    """

    kernel: Path
    initrd: Path
    agent_initrd: Path

    def cmdline(self, name: str = "", data: str = "", key: str = "") -> str:
        """The kernel's command line.

        name: the guest's host name. data: the disk (such as vda) it mounts at /data, after giving it
        a file system if it has none. key: a public key (the second word of its file, of type ed25519) whose
        owner may log in as root over SSH; takes agent_initrd.
        """
        words = [COMMAND_LINE, name and f"lab.name={name}", data and f"lab.data={data}", key and f"lab.key={key}"]
        return " ".join(filter(None, words))


def tiny_guest(kernel: str = "small", root: Path | None = None) -> Guest:
    """The tiny guest's files, made at the first call and kept.

    kernel: "small", Debian's cloud kernel, which knows virtio devices and IDE drives; or "wide", the
    ordinary one, which knows SATA, USB, e1000 and the watchdog too and takes longer to boot.
    root: the folder to keep them in, by default that of the private hosts.
    Raises LaboratoryError when a program or package is missing.
    """
    root = (root or default_root()).absolute()
    folder = root / f"guest-{kernel}-{_digest()}"
    guest = Guest(folder / "vmlinuz", folder / "initrd", folder / "agent-initrd")
    if not folder.is_dir():
        root.mkdir(parents=True, exist_ok=True)
        with (root / ".guest.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                _build(kernel, folder)
    return guest


def _digest() -> str:
    """What the guest is made of, as twelve digits; the kernel's version is left to the first build."""
    total = hashlib.sha256()
    for path in (Path(__file__), *(HERE / script for script in SCRIPTS), _busybox()):
        total.update(path.read_bytes())
    return total.hexdigest()[:12]


def _busybox() -> Path:
    found = shutil.which("busybox")
    if found is None:
        raise LaboratoryError("The tiny guest misses busybox: install the package busybox-static.")
    return Path(found)


def _build(kernel: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".guest-", dir=folder.parent) as name:
        work = Path(name)
        image, modules = _kernel(KERNELS[kernel], work)
        made = work / "made"
        made.mkdir()
        shutil.copyfile(image, made / "vmlinuz")
        tree = work / "tree"
        _plant(tree, modules)
        _pack(tree, made / "initrd")
        for package, program in SERVICES.items():
            _plant_service(tree, work, package, program)
        _pack(tree, made / "agent-initrd")
        made.rename(folder)


def _kernel(package: str, work: Path) -> tuple[Path, Path]:
    """The image and the modules' folder of the kernel that a Debian package stands for, installed or not."""
    flavour = package.removeprefix("linux-image-")
    installed = sorted(Path("/boot").glob(f"vmlinuz-*[0-9]-{flavour}"))
    for image in reversed(installed):
        modules = Path("/lib/modules", image.name.removeprefix("vmlinuz-"))
        if modules.is_dir():
            return image, modules
    depends = _ask_apt("apt-cache", "depends", package)
    named = next(line.split()[-1] for line in depends.splitlines() if "Depends: linux-image-" in line)
    unpacked = _unpacked(named, work)
    if not (unpacked / "lib").exists():  # newer releases of Debian have all libraries below usr
        (unpacked / "lib").symlink_to("usr/lib")
    return next((unpacked / "boot").glob("vmlinuz-*")), next((unpacked / "lib/modules").iterdir())


def _unpacked(package: str, work: Path) -> Path:
    """The files of a Debian package, downloaded and unpacked below a folder."""
    folder = work / package
    folder.mkdir()
    _ask_apt("apt-get", "download", package, folder=folder)
    archive = next(folder.glob("*.deb"))
    _run("dpkg", "-x", str(archive), str(folder))
    return folder


def _ask_apt(*argv: str, folder: Path | None = None) -> str:
    """The output of an apt command, whose lists are brought up to date first if it fails with the present ones."""
    try:
        return _run(*argv, folder=folder)
    except LaboratoryError:
        _run("apt-get", "update")
        return _run(*argv, folder=folder)


def _plant(tree: Path, modules: Path) -> None:
    """Lay out the file tree of the guest without agent."""
    for name in FOLDERS:
        (tree / name).mkdir(parents=True)
    _copy(_busybox(), tree / "bin/busybox")
    for tool in _run(str(_busybox()), "--list").split():
        if tool != "busybox":
            (tree / "bin" / tool).symlink_to("busybox")
    for script, place in SCRIPTS.items():
        _copy(HERE / script, tree / place)
    (tree / "var/run").symlink_to("../run")
    (tree / "var/log").symlink_to("../run")
    _write(tree / POWER_BUTTON, "#!/bin/sh\nexec /sbin/shutdown button\n")
    (tree / "etc/os-release").write_text(OS_RELEASE)
    (tree / "etc/passwd").write_text(USERS)
    order = []
    for module in _with_needs(MODULES, modules):
        shutil.copyfile(module, tree / "modules" / module.name)
        order.append(module.name)
    (tree / "modules/order").write_text("".join(f"{name}\n" for name in order))


def _with_needs(names: Iterable[str], modules: Path) -> list[Path]:
    """The files of these modules and of those they need, each after its needs; unknown names are left out.

    A module that is unknown is built into the kernel, or the kernel has no such device.
    """
    staging = modules.parents[2]
    if staging != Path("/"):
        for listed in ("order", "builtin"):
            (modules / f"modules.{listed}").touch()
        _run("depmod", "--basedir", str(staging), modules.name)
    needs: dict[str, list[str]] = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, needed = line.partition(":")
        needs[path] = needed.split()
    by_name = {Path(path).name.split(".")[0].replace("-", "_"): path for path in needs}
    order: list[str] = []

    def add(path: str) -> None:
        for needed in reversed(needs[path]):
            add(needed)
        if path not in order:
            order.append(path)

    for name in names:
        if known := by_name.get(name.replace("-", "_")):
            add(known)
    return [modules / path for path in order]


def _plant_service(tree: Path, work: Path, package: str, program: Path) -> None:
    """Add a program and the libraries it needs to the tree."""
    source = Path("/") / program
    if not source.exists():
        source = _unpacked(package, work) / program
    _copy(source, tree / "sbin" / program.name)
    for line in _run("ldd", str(source)).splitlines():
        if "not found" in line:
            raise LaboratoryError(f"The guest's {program.name} misses {line.split()[0]}: install {LIBRARIES}.")
        for library in filter(lambda word: word.startswith("/"), line.split()):
            place = tree / library.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            _copy(Path(library), place)


def _pack(tree: Path, archive: Path) -> None:
    """Pack a tree as the kernel's initial file system; not compressed, which an emulated machine reads sooner."""
    names = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    with archive.open("wb") as file:
        subprocess.run(
            ["cpio", "--create", "--format=newc", "--owner=0:0", "--quiet", "--reproducible"],
            cwd=tree,
            input="\n".join(names).encode(),
            stdout=file,
            check=True,
        )


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o755)


def _write(target: Path, text: str) -> None:
    target.write_text(text)
    target.chmod(target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def _run(*argv: str, folder: Path | None = None) -> str:
    """The output of a program; LaboratoryError with what it complained of when it fails or is missing."""
    try:
        done = subprocess.run(
            argv, cwd=folder, env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as missing:
        raise LaboratoryError(f"The tiny guest cannot be made: there is no program {argv[0]}.") from missing
    if done.returncode:
        raise LaboratoryError(f"The tiny guest cannot be made: {' '.join(argv)} failed: {done.stderr.strip()}")
    return done.stdout
