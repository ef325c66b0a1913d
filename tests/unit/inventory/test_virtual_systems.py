# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual systems become inventory hosts: which, under which names, with which variables and groups."""

from __future__ import annotations

import json
import pathlib
import re
import textwrap
import threading
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.svpc.virt.plugins.inventory.virtual_systems import InventoryModule
from ansible_collections.svpc.virt.plugins.module_utils import errors
from ansible_collections.svpc.virt.plugins.module_utils.model.states import SystemState
from tests.unit.inventory.conftest import Host, Site, encrypted, system

MAC = "52:54:00:ab:cd:01"
OTHER_MAC = "52:54:00:ab:cd:02"
OFF = SystemState.DEFINED
ACTIVE = SystemState.ACTIVE
INJECTION = "{{ lookup('pipe', 'touch @') }}"


def names(inventory: InventoryManager) -> set[str]:
    return {host.name for host in inventory.get_hosts()}


def variables(inventory: InventoryManager, name: str) -> dict[str, Any]:
    host = inventory.get_host(name)
    assert host is not None
    found: dict[str, Any] = host.vars
    return found


def groups(inventory: InventoryManager) -> dict[str, set[str]]:
    found = {name: set(members) for name, members in inventory.get_groups_dict().items()}
    return {name: members for name, members in found.items() if name not in ("all", "ungrouped")}


# Files


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("site.virtual_systems.yml", True),
        ("site.virtual_systems.yaml", True),
        ("site.svpc.yml", True),
        ("site.svpc.yaml", True),
        ("virtual_systems.yml", True),
        ("svpc.yaml", True),
        ("site.yml", False),
        ("my_virtual_systems.yml", False),
        ("site.virtual_systems.json", False),
        ("site.virtual_systems.yml.bak", False),
    ],
)
def test_files_are_known_by_their_names(site: Site, name: str, meant: bool) -> None:
    path = site.file(name=name)
    assert InventoryModule().verify_file(str(path)) is meant


def test_a_file_that_is_not_there_is_not_meant(tmp_path: pathlib.Path) -> None:
    assert not InventoryModule().verify_file(str(tmp_path / "no.svpc.yml"))


# Variables


def test_what_the_variables_of_a_system_say(site: Site) -> None:
    site.hosts["qemu:///system"] = Host(
        system("web", ACTIVE, MAC, description="the web server"), lease={"web": {MAC: ["192.0.2.7"]}}
    )
    found = variables(site.read(), "web")
    assert found["virtual_system"]["resources"][0]["virtual_quantity"] == 2
    assert found["virtual_system"]["running"]["settings"]["description"] == "the web server"
    assert {name: value for name, value in found.items() if name not in ("virtual_system", "inventory_file")} == {
        "inventory_dir": str(site.folder),
        "virtual_system_name": "web",
        "virtual_system_uuid": "uuid-of-web",
        "virtual_system_state": "active",
        "virtual_system_host": "localhost",
        "virtual_system_uri": "qemu:///system",
        "virtual_system_type": "kvm",
        "virtual_system_architecture": None,
        "virtual_system_description": "the web server",
        "virtual_system_processors": 2,
        "virtual_system_memory": 2**30,
        "virtual_system_networks": ["lan"],
        "virtual_system_adapters": [
            {"name": None, "address": MAC, "connection": ["lan"], "addresses": ["192.0.2.7"]},
        ],
        "virtual_system_addresses": {MAC: ["192.0.2.7"]},
        "ansible_host": "192.0.2.7",
    }


def test_every_variable_is_documented(site: Site) -> None:
    from ansible_collections.svpc.virt.plugins.inventory import virtual_systems

    site.hosts["qemu:///system"] = Host(system("web", ACTIVE, MAC), lease={"web": {MAC: ["192.0.2.7"]}})
    set_by_ansible = {"inventory_file", "inventory_dir"}
    for name in set(variables(site.read(), "web")) - set_by_ansible:
        assert f"C({name})" in virtual_systems.DOCUMENTATION, name


def test_addresses_come_from_the_sources_in_their_order(site: Site) -> None:
    host = Host(
        *(system(name, ACTIVE, MAC) for name in ("a", "b", "c", "d")),
        system("off", OFF, MAC),
        lease={"a": {MAC: ["192.0.2.1"]}},
        agent={"a": {MAC: ["198.51.100.1"]}, "b": {MAC: ["198.51.100.2"]}},
        arp={"b": {MAC: ["203.0.113.2"]}, "c": {MAC: ["203.0.113.3"]}},
    )
    site.hosts["qemu:///system"] = host

    def addresses(**options: Any) -> dict[str, str | None]:
        host.asked.clear()
        inventory = site.read(**options)
        return {name: variables(inventory, name).get("ansible_host") for name in sorted(names(inventory))}

    by_default = {"a": "192.0.2.1", "b": "198.51.100.2", "c": "203.0.113.3", "d": None, "off": None}
    assert addresses() == by_default
    assert sorted(name for name, source in host.asked if source == "agent") == ["b", "c", "d"]
    assert {name for name, _source in host.asked} == {"a", "b", "c", "d"}
    assert addresses(ansible_host_sources=["agent", "lease"])["a"] == "198.51.100.1"
    assert set(addresses(ansible_host_sources=[]).values()) == {None}
    assert host.asked == []


def test_an_ipv4_address_is_taken_before_others_and_the_first_adapter_before_the_rest(site: Site) -> None:
    site.hosts["qemu:///system"] = Host(
        system("both", ACTIVE, MAC, OTHER_MAC),
        system("six", ACTIVE, MAC),
        agent={
            "both": {OTHER_MAC: ["192.0.2.9"], MAC: ["2001:db8::1", "192.0.2.8", "fe80::1", "127.0.0.1"]},
            "six": {MAC: ["fe80::1", "2001:db8::2"]},
        },
    )
    inventory = site.read()
    assert variables(inventory, "both")["ansible_host"] == "192.0.2.8"
    assert variables(inventory, "six")["ansible_host"] == "2001:db8::2"


# Several hosts


def test_hosts_are_read_side_by_side(site: Site) -> None:
    meeting = threading.Barrier(3, timeout=20)

    class Meeting(Host):
        def virtual_systems(self, names: Any = None) -> Any:
            meeting.wait()
            return super().virtual_systems(names)

    entries = []
    for name in ("a", "b", "c"):
        site.hosts[f"test:///{name}"] = Meeting(system(f"web-{name}", OFF))
        entries.append({"name": name, "uri": f"test:///{name}"})
    inventory = site.read(hosts=entries)
    assert names(inventory) == {"web-a", "web-b", "web-c"}
    assert variables(inventory, "web-b")["virtual_system_host"] == "b"


def test_options_beside_the_hosts_hold_for_those_that_do_not_say_otherwise(site: Site) -> None:
    site.hosts = {"test:///a": Host(), "test:///b": Host()}
    site.read(
        username="all",
        timeout=7,
        hosts=[{"name": "a", "uri": "test:///a"}, {"name": "b", "uri": "test:///b", "username": "me", "timeout": "9"}],
    )
    by_name = {options["name"]: options for options in site.opened}
    assert (by_name["a"]["username"], by_name["a"]["timeout"], by_name["a"]["validate_certs"]) == ("all", 7, True)
    assert (by_name["b"]["username"], by_name["b"]["timeout"]) == ("me", 9)


def test_without_hosts_there_is_one_named_after_its_uri(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.hosts = {"qemu+ssh://root@kvm1/system": Host(system("web", OFF)), "test:///here": Host(system("web", OFF))}
    found = variables(site.read(uri="qemu+ssh://root@kvm1/system"), "web")
    assert found["virtual_system_host"] == "kvm1"
    monkeypatch.setenv("SVPC_URI", "test:///here")
    assert variables(site.read(), "web")["virtual_system_uri"] == "test:///here"


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        ([{"uri": "test:///a"}], r"hosts\[0\]: .*name"),
        ([{"name": "a", "url": "test:///a"}], r"hosts\[0\]: unknown option url.*Supported parameters include: .*uri"),
        ([{"name": "a", "uri": "test:///a", "timeout": "soon"}], r"hosts\[0\]: .*timeout"),
        (
            [{"name": "a", "uri": "test:///a"}, {"name": "a", "uri": "test:///b"}],
            "a: each host needs a name of its own",
        ),
        (["test:///a"], r"hosts"),
    ],
)
def test_wrong_options_are_told(site: Site, hosts: list[Any], message: str) -> None:
    with pytest.raises(AnsibleError):
        site.read(hosts=hosts)
    assert re.search(message, " ".join(site.warnings)), site.warnings


def test_an_option_that_is_none_is_told(site: Site) -> None:
    site.hosts["test:///a"] = Host(system("web"))
    with pytest.raises(AnsibleError):
        site.read(uri="test:///a", filter=["state == 'active'"])
    assert re.search("unknown option filter: the options are .*filters, groups", " ".join(site.warnings)), site.warnings


def test_an_unreachable_host_breaks_the_rest_only_where_it_is_to(site: Site) -> None:
    site.hosts = {"test:///up": Host(system("web", OFF)), "test:///down": errors.Unreachable("Cannot connect to it")}
    hosts = [{"name": "up", "uri": "test:///up"}, {"name": "down", "uri": "test:///down"}]
    assert names(site.read(hosts=hosts)) == {"web"}
    assert any("down: Cannot connect to it" in warning for warning in site.warnings)
    with pytest.raises(AnsibleError):
        site.read(hosts=hosts, unreachable_hosts="fail")


def test_it_is_an_error_when_no_host_can_be_read(site: Site) -> None:
    site.hosts = {"qemu:///system": errors.AuthenticationFailed("not with that password")}
    with pytest.raises(AnsibleError):
        site.read()
    assert any("not with that password" in warning for warning in site.warnings)


def test_a_system_that_vanishes_while_its_address_is_asked_for_stays_without(site: Site) -> None:
    class Forgetful(Host):
        def addresses_of(self, system: Any, source: str) -> Any:
            if system.name == "gone":
                raise errors.NotFound("no such system")
            if system.name == "odd":
                raise errors.HostFailed("the host stumbled")
            return {MAC: ["192.0.2.1"]}

    site.hosts["qemu:///system"] = Forgetful(*(system(name, ACTIVE, MAC) for name in ("gone", "odd", "web")))
    inventory = site.read()
    assert names(inventory) == {"gone", "odd", "web"}
    assert variables(inventory, "web")["ansible_host"] == "192.0.2.1"
    assert "ansible_host" not in variables(inventory, "gone")
    assert [warning for warning in site.warnings if "gone" in warning] == []
    assert [warning for warning in site.warnings if "'odd'" in warning and "stumbled" in warning]


# Names


def test_preferred_names(site: Site) -> None:
    site.hosts["qemu:///system"] = Host(system("web", OFF, description="www"), system("db", OFF))
    assert names(site.read(hostnames=["description", "uuid"])) == {"www", "uuid-of-db"}
    assert names(site.read(hostnames=["nonsense", "name ~ '.' ~ host"])) == {"web.localhost", "db.localhost"}
    with pytest.raises(AnsibleError):
        site.read(hostnames=["nonsense"])
    with pytest.raises(AnsibleError):
        site.read(hostnames=["nonsense", "name"], strict=True)


def test_systems_of_one_name_are_told_apart(site: Site) -> None:
    for name in ("a", "b"):
        site.hosts[f"test:///{name}"] = Host(system("web", OFF), system(f"only-{name}", OFF))
    hosts = [{"name": name, "uri": f"test:///{name}"} for name in ("a", "b")]
    inventory = site.read(hosts=hosts)
    assert names(inventory) == {"web.a", "web.b", "only-a", "only-b"}
    assert variables(inventory, "web.b")["virtual_system_host"] == "b"
    assert [warning for warning in site.warnings if "'web'" in warning and "web.a, web.b" in warning]


def test_even_names_that_a_user_made_the_same(site: Site) -> None:
    site.hosts["qemu:///system"] = Host(system("one", OFF), system("two", OFF))
    inventory = site.read(hostnames=["'same'"])
    assert names(inventory) == {"same.localhost.uuid-of-one", "same.localhost.uuid-of-two"}


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "all", "ungrouped", "big_ones"])
def test_no_system_takes_the_place_of_the_controller_or_a_group(site: Site, name: str) -> None:
    site.hosts["test:///a"] = Host(system(name, ACTIVE, MAC), lease={name: {MAC: ["192.0.2.66"]}})
    inventory = site.read(
        hosts=[{"name": "a", "uri": "test:///a"}], groups={"big ones": True}, compose={"mine": "virtual_system_name"}
    )
    assert names(inventory) == {f"{name}.a"}
    controller = inventory.get_host("localhost")
    assert controller is not None
    assert controller.implicit
    assert variables(inventory, f"{name}.a")["mine"] == name
    assert all(
        "virtual_system_name" not in group.vars and "mine" not in group.vars for group in inventory.groups.values()
    )


# Filters, groups, composed variables


def test_filters(site: Site) -> None:
    site.hosts["qemu:///system"] = Host(system("web-1", ACTIVE), system("web-2", OFF), system("db", ACTIVE))
    assert names(site.read(filters=["state == 'active'"])) == {"web-1", "db"}
    both = ["virtual_system_state in ['active', 'paused']", "name is match('web')"]
    assert names(site.read(filters=both)) == {"web-1"}
    assert names(site.read(filters=["nonsense == 1"])) == set()
    with pytest.raises(AnsibleError):
        site.read(filters=["nonsense == 1"], strict=True)


def test_composed_variables_and_groups(site: Site) -> None:
    site.hosts["qemu:///system"] = Host(
        system("web", ACTIVE, MAC, description="My Project"), system("db", OFF), lease={"web": {MAC: ["192.0.2.1"]}}
    )
    inventory = site.read(
        compose={"ansible_user": "'root'", "gib": "virtual_system_memory // 1024 ** 3", "broken": "nonsense + 1"},
        groups={"running": "virtual_system_state == 'active'", "broken": "nonsense"},
        keyed_groups=[
            {"key": "virtual_system_description", "prefix": "project"},
            {"key": "virtual_system_host", "prefix": "on"},
            {"key": "gib", "prefix": "gib"} | {"key": "gib | string"},
            {"key": "nonsense", "prefix": "broken"},
        ],
    )
    assert variables(inventory, "web")["ansible_user"] == "root"
    assert "broken" not in variables(inventory, "web")
    assert groups(inventory) == {
        "running": {"web"},
        "project_My_Project": {"web"},
        "on_localhost": {"web", "db"},
        "gib_1": {"web", "db"},
    }


@pytest.mark.parametrize(
    "broken",
    [
        {"compose": {"x": "nonsense + 1"}},
        {"groups": {"x": "nonsense"}},
        {"keyed_groups": [{"key": "nonsense", "prefix": "x"}]},
    ],
    ids=lambda broken: next(iter(broken)),
)
def test_strict_makes_an_error_of_what_cannot_be_evaluated(site: Site, broken: dict[str, Any]) -> None:
    site.hosts["qemu:///system"] = Host(system("web", OFF))
    assert names(site.read(**broken)) == {"web"}
    with pytest.raises(AnsibleError):
        site.read(strict=True, **broken)


# Trust and secrets


def test_what_a_hypervisor_tells_is_never_a_template(site: Site, tmp_path: pathlib.Path) -> None:
    touched = tmp_path / "touched"
    text = INJECTION.replace("@", str(touched))
    site.hosts["qemu:///system"] = Host(
        system("web", ACTIVE, MAC, description=text),
        system(text, OFF),
        lease={"web": {MAC: ["192.0.2.1"]}},
    )
    cache: dict[str, Any] = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(tmp_path / "cache"),
    }
    for _from in ("the host", "the cache"):
        inventory = site.read(
            compose={"mine": "virtual_system_description", "deep": "virtual_system"},
            keyed_groups=[{"key": "virtual_system_description", "prefix": "by"}],
            hostnames=["name"],
            **cache,
        )
        templar = Templar(loader=DataLoader(), variables=variables(inventory, "web"))
        for name in ("virtual_system_description", "mine", "virtual_system", "deep"):
            assert text in str(templar.template(variables(inventory, "web")[name]))
        assert text in names(inventory)
        (group,) = groups(inventory)
        assert group.isidentifier()
        assert not touched.exists()
    assert site.hosts["qemu:///system"].readings == 1  # type: ignore[union-attr]


def test_options_of_hosts_are_templates_and_may_be_encrypted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SECRET", "from-the-environment")
    site.hosts = {"test:///a": Host(), "test:///b": Host()}
    text = textwrap.dedent("""
        plugin: svpc.virt.virtual_systems
        password: "{{ lookup('ansible.builtin.env', 'TEST_SECRET') }}"
        hosts:
          - {name: a, uri: "{{ 'test:///' ~ 'a' }}"}
          - name: b
            uri: test:///b
            password: !vault |
    """) + textwrap.indent(encrypted("from-the-vault"), " " * 6)
    site.read(text)
    by_name = {options["name"]: options for options in site.opened}
    assert (by_name["a"]["uri"], by_name["a"]["password"]) == ("test:///a", "from-the-environment")
    assert by_name["b"]["password"] == "from-the-vault"
    assert {type(value) for options in site.opened for value in options.values()} <= {str, bool, int, type(None)}


def test_no_secret_of_a_connection_reaches_variables_or_cache(site: Site, tmp_path: pathlib.Path) -> None:
    uri = "http://me:in-the-url@cim/root/virt"
    site.hosts[uri] = Host(system("web", OFF))
    kept = tmp_path / "cache"
    inventory = site.read(
        hosts=[{"name": "a", "uri": uri, "username": "me", "password": "as-an-option"}],
        cache=True,
        cache_plugin="ansible.builtin.jsonfile",
        cache_connection=str(kept),
    )
    assert site.opened[0]["password"] == "as-an-option"
    assert variables(inventory, "web")["virtual_system_uri"] == "http://me@cim/root/virt"
    files = list(kept.iterdir())
    assert len(files) == 1
    for text in (str(variables(inventory, "web")), *(file.read_text() for file in files), str(files)):
        assert "as-an-option" not in text
        assert "in-the-url" not in text


def test_no_password_is_in_what_is_told_of_a_host(site: Site) -> None:
    uri = "http://me:in-the-url@cim/root/virt"
    site.hosts = {uri: errors.Unreachable(f"Cannot connect to {uri}: no"), "test:///up": Host()}
    site.read(hosts=[{"name": "cim", "uri": uri}, {"name": "up", "uri": "test:///up"}])
    assert [warning for warning in site.warnings if "cim: Cannot connect to http://me@cim/root/virt: no" in warning]
    assert "in-the-url" not in str(site.warnings)


# Cache


class Cached:
    """Inventories of two hosts with a cache in a folder."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.a, self.b = Host(system("web-a", OFF)), Host(system("web-b", OFF))
        site.hosts = {"test:///a": self.a, "test:///b": self.b}
        self.hosts = [{"name": name, "uri": f"test:///{name}"} for name in ("a", "b")]
        self.folder = site.folder / "cache"

    def read(self, **options: Any) -> InventoryManager:
        cache = {"cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(self.folder)}
        return self.site.read(**{"hosts": self.hosts, "cache": True, **cache, **options})

    @property
    def readings(self) -> tuple[int, int]:
        return self.a.readings, self.b.readings


@pytest.fixture
def cached(site: Site) -> Cached:
    return Cached(site)


def test_the_cache_holds_what_was_fetched_and_not_what_was_made_of_it(cached: Cached) -> None:
    assert names(cached.read()) == {"web-a", "web-b"}
    again = cached.read(
        filters=["host == 'a'"], hostnames=["uuid"], compose={"x": "1"}, keyed_groups=[{"key": "virtual_system_host"}]
    )
    assert cached.readings == (1, 1)
    assert names(again) == {"uuid-of-web-a"}
    assert variables(again, "uuid-of-web-a")["x"] == 1
    assert groups(again) == {"_a": {"uuid-of-web-a"}}
    kept = [json.loads(json.loads(file.read_text())["__payload__"]) for file in cached.folder.iterdir()]
    assert all(set(each) == {"systems", "notes"} for each in kept)


def test_the_cache_is_not_asked_where_it_is_off_or_another_host_is_meant(cached: Cached) -> None:
    cached.read()
    cached.read(cache=False)
    assert cached.readings == (2, 2)
    cached.read(ansible_host_sources=["arp"])
    assert cached.readings == (3, 3)
    cached.hosts[0]["username"] = "somebody-else"
    cached.read()
    assert cached.readings == (4, 3)


def test_a_refresh_reads_anew_and_keeps_that(cached: Cached) -> None:
    inventory = cached.read()
    cached.a.systems = {"new": system("new", OFF)}
    assert "new" not in names(cached.read())
    inventory.refresh_inventory()
    assert "new" in names(inventory)
    assert cached.readings == (2, 2)
    assert "new" in names(cached.read())
    assert cached.readings == (2, 2)


def test_a_host_that_could_not_be_read_is_asked_again(cached: Cached) -> None:
    cached.site.hosts["test:///b"] = errors.Unreachable("not now")
    assert names(cached.read()) == {"web-a"}
    cached.site.hosts["test:///b"] = cached.b
    assert names(cached.read()) == {"web-a", "web-b"}
    assert cached.readings == (1, 1)
