# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demonstration shows, beat by beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.platforms.connect import open_platform
from tests.laboratory import Guest, Host, Report, wait_for_guest
from tests.tools.playbooks import PROJECT, Run, run_playbook
from tests.wbem import WbemServer

SITE = PROJECT / "playbooks/site.yml"
DECLARATION = Path(__file__).with_name("site.yml")
SNAPSHOT = Path(__file__).with_name("snapshot.yml")
NAMES = ("web", "app", "db")
MORE_FOR_WEB: dict[str, Any] = {
    "web_processors": 3,
    "web_more": [
        {"resource_type": "disk_drive", "name": "data", "pool_id": "site", "virtual_quantity": "2 GiB"},
        {"resource_type": "ethernet_adapter", "name": "backup", "connection": ["site"]},
    ],
}
MORE_FOR_DB = {"db_processors": 2}


class DemoError(Exception):
    """Something did not happen as it should; the text says what."""


def say(text: str) -> None:
    """Tell the reader, at once also through a pipe."""
    print(text, flush=True)


class Demo:
    """The beats of the demonstration, on one host."""

    def __init__(self, host: Host, guest: Guest, log: Path) -> None:
        """Nothing is done yet; what ansible writes goes to ``log``."""
        self.host = host
        self.log = log
        self.beat = 0
        self.variables: dict[str, Any] = {
            "demo_uri": host.uri,
            "demo_images": str(host.images),
            "demo_kernel": str(guest.kernel),
            "demo_initrd": str(guest.initrd),
            "demo_arguments": guest.cmdline(),
        }

    def show(self) -> None:
        """The beats on a libvirt host that is empty, in order."""
        self.foretell()
        self.title("The same for real")
        self.converge()
        self.converge_again()
        self.grow_web()
        self.return_db_to_snapshot()
        self.title("Everything once more, as declared")
        self.expect_unchanged(self.site(MORE_FOR_WEB))

    def show_wbem(self) -> None:
        """The site once more through a WBEM server, on the host of that name and folder, which is empty again."""
        with closing(open_platform({"uri": self.host.uri})) as platform, WbemServer(platform) as server:
            self.title("The host is made anew, empty, and a WBEM server of the standard's profiles is put before it")
            url = f"{server.url}/root/virt"
            say(f"  The playbook and the declarations stay. Only the uri differs: {url}")
            self.variables["demo_uri"] = url
            self.converge()
            say(f"  The server was asked for {methods_called(server)}.")
            self.title("The same once more through the WBEM server, and then through libvirt")
            self.expect_unchanged(self.site())
        self.variables["demo_uri"] = self.host.uri
        self.expect_unchanged(self.site())

    def foretell(self) -> None:
        """Check mode: what would be done, and nothing is."""
        self.title("Check mode: one network, one storage pool, three virtual systems, on an empty host")
        self.foretold = self.changes_of(self.site(arguments=["--check"]))
        self.tell(self.foretold, "It would")
        if names := self.names_on_host():
            raise DemoError(f"check mode left something on the host: {', '.join(names)}")
        say("  Nothing was done: the host is still empty.")

    def converge(self) -> None:
        """The same run for real, with the guests' word for it."""
        done = self.changes_of(self.site())
        if [change["operation"] for change in done] != [change["operation"] for change in self.foretold]:
            raise DemoError("the run did other operations than check mode foretold")
        say(f"  It did the {len(done)} operations that check mode had foretold.")
        for name in NAMES:
            report = self.wait(name, lambda seen: bool(seen.addresses))
            say(f"  {name} has booted and says: {described(report)}.")

    def converge_again(self) -> None:
        """A second run has nothing to do."""
        self.title("The same once more")
        self.expect_unchanged(self.site())

    def grow_web(self) -> None:
        """Processors, a disk and a network adapter for a system that runs."""
        self.title("web gets two more processors, a second disk and a second network adapter while it runs")
        before = self.wait("web")
        done = self.changes_of(self.site(MORE_FOR_WEB))
        self.tell(done, "It did")
        if waiting := [change["operation"] for change in done if not change.get("live")]:
            raise DemoError(f"not done in the running system: {', '.join(waiting)}")

        def grown(seen: Report) -> bool:
            return seen.cpus == 3 and len(seen.disks) == 2 and len(seen.addresses) == 2

        after = self.wait("web", grown)
        if after.up < before.up:
            raise DemoError("web was restarted, which nobody had allowed")
        say(f"  web was not restarted and says: {described(after)}.")

    def return_db_to_snapshot(self) -> None:
        """A snapshot of a running system, a change, and back."""
        self.title("A snapshot of db with its memory, then a change, then back")
        self.play(SNAPSHOT, {**MORE_FOR_WEB, "snapshot_state": "present"})
        say("  The snapshot is taken.")
        self.changes_of(self.site({**MORE_FOR_WEB, **MORE_FOR_DB}))
        changed = self.wait("db", lambda seen: seen.cpus == 2)
        say(f"  db has got a second processor and says: {described(changed)}.")
        self.play(SNAPSHOT, {**MORE_FOR_WEB, "snapshot_state": "applied"})
        back = self.wait("db", lambda seen: seen.cpus == 1)
        say(f"  Back at the snapshot db says: {described(back)}.")

    def title(self, text: str) -> None:
        """The heading of the next beat."""
        self.beat += 1
        say(f"\n{self.beat}. {text}")

    def site(self, more: dict[str, Any] | None = None, arguments: Sequence[str] = ()) -> Run:
        """Run the site's playbook with its declaration, and with what was added to it."""
        return self.play(SITE, more or {}, *arguments)

    def play(self, playbook: Path, more: dict[str, Any], *arguments: str) -> Run:
        """Run a playbook; a failed one ends the demonstration with the end of its output."""
        run = run_playbook(
            playbook,
            {**self.variables, **more},
            "--extra-vars",
            f"@{DECLARATION}",
            *arguments,
            log=self.log,
            timeout=120,
        )
        if run.code:
            raise DemoError(f"{playbook.name} ended with code {run.code}:\n{run.explain(25)}")
        return run

    def changes_of(self, run: Run) -> list[dict[str, Any]]:
        """The operations of a run that has something to do."""
        if not run.changes:
            raise DemoError("there was something to do, and nothing was done")
        return run.changes

    def expect_unchanged(self, run: Run) -> None:
        """Say that nothing changed, or end the demonstration."""
        if run.changed:
            raise DemoError("changed although all was as declared: " + ", ".join(str(one.item) for one in run.changed))
        say("  Everything was as declared: all unchanged.")

    def tell(self, changes: Sequence[dict[str, Any]], verb: str) -> None:
        """One line for each operation."""
        for change in changes:
            live = ", in the running system" if change.get("live") and "state" not in change["operation"] else ""
            say(f"  {verb} {change['operation'].replace('_', ' ')}: {change['target']}{live}")

    def names_on_host(self) -> list[str]:
        """The virtual systems, storage pools and networks of the host."""
        found = []
        for listing in ("list", "pool-list", "net-list"):
            found += self.host.run(["virsh", listing, "--all", "--name"]).stdout.split()
        return found

    def wait(self, name: str, wanted: Callable[[Report], bool] = lambda report: True) -> Report:
        """What a guest says of itself once that is as wanted."""
        return wait_for_guest(self.host.images / f"{name}.log", wanted, timeout=180)


def methods_called(server: WbemServer) -> str:
    """The CIM methods that clients of a server have called, in the order of their first call, with their numbers."""
    methods = {name.partition(".")[2] for name in server.dialect.methods}
    return ", ".join(f"{number} {name}" for name, number in server.requests.count.items() if name in methods)


def described(report: Report) -> str:
    """A guest's report in words."""
    sizes = " + ".join(f"{size / 2**30:g} GiB" for size in report.disks.values())
    adapters = ", ".join(sorted(report.addresses)) or "no address yet"
    return (
        f"{counted(report.cpus, 'processor')}, {counted(len(report.disks), 'disk')} ({sizes}), "
        f"{counted(len(report.nics), 'network adapter')} ({adapters}), up for {report.up} s"
    )


def counted(number: int, word: str) -> str:
    """A number with its noun."""
    return f"{number} {word}{'' if number == 1 else 's'}"
