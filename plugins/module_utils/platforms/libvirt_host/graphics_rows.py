# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Table rows of graphics: consoles (VNC, SPICE …) and display adapters (VGA, virtio …)."""

from __future__ import annotations

from typing import Any

from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.places import (
    Kids,
    Place,
    text_or_nothing,
    yes,
    yes_or_nothing,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.rows import (
    NAME,
    DeviceRow,
    Fields,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.verbatim import (
    Element,
    put,
    take_away,
)
from ansible_collections.svpc.virt.plugins.module_utils.platforms.libvirt_host.volumes import Volumes

CONSOLES = ("vnc", "spice", "rdp", "sdl", "desktop", "egl-headless", "dbus")
"""Sub-types that are consoles; the others are display adapters."""
ADAPTERS = ("vga", "virtio", "qxl", "bochs", "cirrus", "ramfb", "none")
"""Display adapters of QEMU."""

"""So many bytes of a password the protocol (RFC 6143, 7.2.2) looks at; libvirt refuses longer ones."""
_WITH_PORT = ("vnc", "spice", "rdp")
_OF_THE_OLD_KIND = ("ram", "vram", "vram64", "vgamem", "heads", "blob")


def _read_console(element: Element, kids: Kids, fields: Fields, settings: Fields, _volumes: Volumes) -> None:
    """Port and address; what the host chooses at each start is no value."""
    if element.get("type") not in _WITH_PORT:
        return
    listen = kids.get("listen")
    if listen is not None and listen.get("type") == "socket":
        return
    port = element.get("port")
    if port is not None:
        settings["port"] = -1 if element.get("autoport") == "yes" else int(port)
    address = element.get("listen")
    if address is None and listen is not None and listen.get("type") == "address":
        address = listen.get("address")
    if address:
        settings["listen_address"] = address


def _write_port(element: Element, value: Any) -> None:
    automatic = value is None or value < 0
    element.set("port", "-1" if automatic else str(value))
    element.set("autoport", "yes" if automatic else "no")


def _write_listen(element: Element, value: Any) -> None:
    """libvirt writes the address twice; both say the same."""
    listens = element.findall("listen")
    if not value:
        element.attrib.pop("listen", None)
        for listen in listens[:1]:
            listen.attrib.pop("address", None)
        return
    if element.get("listen") is not None or not listens:
        element.set("listen", value)
    if listens:
        first = listens[0]
        for name in ("network", "socket", "fromConfig"):
            first.attrib.pop(name, None)
        first.set("type", "address")
        first.set("address", value)


def _write_password(element: Element, value: Any) -> None:
    if not value:
        element.attrib.pop("passwd", None)
        return
    element.set("passwd", str(value))


def _create_console(element: Element, rasd: Rasd) -> None:
    kind = rasd.resource_sub_type or "vnc"
    element.set("type", kind)
    if kind in _WITH_PORT and rasd.settings.get("port") is None:
        _write_port(element, None)


def _model(element: Element) -> Element:
    found = element.find("model")
    return put(element, 0, "model") if found is None else found


def _write_adapter(element: Element, value: Any) -> None:
    """Another kind of adapter; how the old one was equipped goes with it."""
    model = _model(element)
    if model.get("type") not in (None, value):
        for name in _OF_THE_OLD_KIND:
            model.attrib.pop(name, None)
        for child in list(model):
            take_away(child)
    model.set("type", value or "vga")


def _create_adapter(element: Element, rasd: Rasd) -> None:
    _model(element).set("type", rasd.resource_sub_type or "virtio")


def _console_key(element: Element, _kids: Kids, _fields: Fields) -> str:
    same = [other for other in element.getparent().findall("graphics") if other.get("type") == element.get("type")]
    return f"graphics/{element.get('type')}/{same.index(element)}"


def _adapter_key(_element: Element, _kids: Kids, fields: Fields) -> str:
    return f"video/{fields.get('resource_sub_type') or ''}"


def _may_go_with_a_console(_element: Element, _fields: Fields) -> bool:
    """libvirt gives a system with a console a display adapter, and nobody can tell it later from a declared one."""
    return True


_ONLY_CONSOLES = "only a console (vnc, spice …) has it, and this is a display adapter"
_ONLY_ADAPTERS = "only a display adapter (vga, virtio …) has it, and this is a console"

CONSOLE = DeviceRow(
    ResourceType.GRAPHICS_CONTROLLER,
    "graphics",
    _console_key,
    places={
        "resource_sub_type": Place("", "type"),
        "settings.password": Place("", "passwd"),
        "settings.key_map": Place("", "keymap", encode=text_or_nothing),
    },
    read=_read_console,
    write={
        "settings.port": _write_port,
        "settings.listen_address": _write_listen,
        "settings.password": _write_password,
    },
    create=_create_console,
    unsupported={
        "name": "libvirt gives consoles no name; a console is identified by its resource_sub_type",
        "settings.video_memory": _ONLY_ADAPTERS,
        "settings.heads": _ONLY_ADAPTERS,
        "settings.acceleration_3d": _ONLY_ADAPTERS,
    },
)
ADAPTER = DeviceRow(
    ResourceType.GRAPHICS_CONTROLLER,
    "video",
    _adapter_key,
    places={
        "name": NAME,
        "resource_sub_type": Place("model", "type"),
        "settings.video_memory": Place(
            "model",
            "vram",
            decode=lambda text: int(text) * 1024,
            encode=lambda count: str(-(-count // 1024)),
        ),
        "settings.heads": Place("model", "heads", decode=int),
        "settings.acceleration_3d": Place("model/acceleration", "accel3d", decode=yes, encode=yes_or_nothing),
    },
    write={"resource_sub_type": _write_adapter},
    create=_create_adapter,
    unsupported={
        "settings.password": _ONLY_CONSOLES,
        "settings.key_map": _ONLY_CONSOLES,
        "settings.port": _ONLY_CONSOLES,
        "settings.listen_address": _ONLY_CONSOLES,
    },
    orders={"video": ("driver", "model", "alias", "address")},
    host_adds_it=_may_go_with_a_console,
)
