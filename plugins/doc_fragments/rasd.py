# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of one resource of a virtual system: of a module's own options, and of the entries of a list."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import RESOURCE_ROWS, ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.task.documentation import options_yaml

# A reference O(@name) is to another option of the same entry.
_ENTRY = r"""
resource_type:
  description:
    - What kind of resource it is, in the words of CIM (ResourceType).
    - Which of them a host can allocate is told by M(svpc.virt.host_info).
  type: str
  required: true
  aliases: [type]
  choices: [@TYPES@]
other_resource_type:
  description:
    - What it is where O(@resource_type=other), for example V(sound), V(rng), V(watchdog), V(channel), V(vsock).
  type: str
resource_sub_type:
  description:
    - The variant of the resource as the guest sees it. For disks and media the bus (V(virtio), V(scsi), V(sata), V(ide),
      V(usb)); for O(@resource_type=ethernet_adapter) the model (V(virtio), V(e1000e)); for
      O(@resource_type=processor) the model or V(host-model), V(host-passthrough); for
      O(@resource_type=graphics_controller) V(vnc), V(spice), V(vga), V(virtio); for serial ports the back end (V(pty),
      V(file), V(tcp)).
    - For disks and media, V(qcow2) or V(raw) here means O(@settings.format).
  type: str
  aliases: [sub_type]
name:
  description:
    - Your own name for this resource; stable, and unique among the resources of its kind in the system.
    - A resource is found again by its name if it has one, else by O(@address), else by O(@address_on_parent), else, for
      disks, by the one O(@host_resource), else, for types that a system has once, by the type. An entry that fits
      several resources is an error that lists them.
  type: str
virtual_quantity:
  description:
    - How much of it the guest sees. A count for processors, a size for memory and storage.
    - Sizes are an integer of bytes, or text with a unit such as V(4 GiB), V(512 MiB), V(20 GB) or V(byte * 2^30).
    - Storage grows when more is asked for than there is. It is never shrunk.
  type: raw
  aliases: [quantity]
virtual_quantity_units:
  description:
    - Unit of O(@virtual_quantity), and of O(@maximum_quantity), where these are plain numbers.
  type: str
reservation:
  description:
    - How much of it is guaranteed. Bytes of memory, percent of one host processor, or bits per second of a network
      adapter, or text with a unit.
  type: raw
limit:
  description:
    - How much of it may be used at most, in the units of O(@reservation). V(0) takes a limit away.
  type: raw
weight:
  description:
    - Share of the resource when several systems compete for it.
  type: int
maximum_quantity:
  description:
    - For processors and memory, up to how much O(@virtual_quantity) can be raised while the system runs.
    - Where this is not given, a new resource cannot grow while the system runs.
  type: raw
pool_id:
  description:
    - The resource pool it is allocated from.
    - A disk of a storage pool is a volume of it. It is created when it does not exist.
  type: str
  aliases: [pool]
image:
  description:
    - For O(@resource_type=disk_drive), an image the disk is made from, once. A disk that exists stays as it is, whatever
      image is declared; storage that exists already is used as it is, with a warning.
    - Text is an absolute path. A dictionary has exactly one of C(path), C(volume) (with C(pool_id), if it is not of the
      pool of the disk) and C(url), and may have C(checksum) and C(format).
    - A C(path) is looked for on the host first, among the volumes of its active storage pools, then among the files of
      the machine that runs the module, which is the controller unless the task runs elsewhere. From there it is sent to
      the host.
    - A C(url) (http or https) needs a C(checksum), such as V(sha256:) and 64 hexadecimal digits. What was fetched and is
      as the checksum says is kept on the machine that runs the module, in C($XDG_CACHE_HOME/svpc-virt/images) or
      C(~/.cache/svpc-virt/images), and fetched only once. In results, a URL has neither user nor query.
    - C(format) is V(qcow2), V(raw), V(vmdk) or V(vpc). It is only checked, since the beginning of the image tells it. An
      image that builds on other files, keeps its data in others, is encrypted or packed, or whose header is not sound, is
      refused.
    - Where O(@virtual_quantity) is not given, the disk is as large as the image. It can be larger, and not smaller.
    - The disk has O(@settings.format), by default that of all disks of the pool; the image is converted where it has
      another one.
  type: raw
image_mode:
  description:
    - V(copy) makes a disk that needs the image no more. It is the default.
    - V(linked) makes a qcow2 disk that holds what differs from the image. The image has to be V(qcow2) or V(raw), and to
      stay as it is. One that is not on the host is kept as a volume of the pool, once for all disks that build on it, and
      named by its checksum.
  type: str
  choices: [copy, linked]
host_resource:
  description:
    - What is behind it on the host. The image, volume or device of a drive, the device of a passed-through one, the
      processors or memory cells for an affinity.
    - An empty list is a drive without medium.
  type: list
  elements: str
connection:
  description:
    - The network or switch a network adapter is plugged into. On libvirt hosts the name of a network,
      V(bridge:NAME), V(direct:DEVICE) or V(user:).
    - An empty list unplugs it.
  type: list
  elements: str
address:
  description:
    - The address the guest sees, for a network adapter its MAC. The host chooses one when this is not given, and keeps it.
  type: str
address_on_parent:
  description:
    - The place on the parent. For a drive the target, such as V(vda), for a controller its index.
  type: str
parent:
  description:
    - The controller the resource is attached to.
  type: str
consumer_visibility:
  description:
    - How the guest sees the host's resource.
  type: str
  choices: [unknown, passed_through, virtualized, not_represented]
mapping_behavior:
  description:
    - How strictly the resource is bound to O(@host_resource).
  type: str
  choices: [unknown, not_supported, dedicated, soft_affinity, hard_affinity]
automatic_allocation:
  description:
    - Whether the resource is allocated when the system is activated.
  type: bool
automatic_deallocation:
  description:
    - Whether the resource is released when the system is deactivated.
  type: bool
settings:
  description:
    - What only some types of resources have. A setting of another type is an error.
  type: dict
  suboptions:
@SETTINGS@
"""

_SETTINGS = options_yaml({kind.word: row.settings for kind, row in RESOURCE_ROWS.items()}, indent=4)
_ENTRY = _ENTRY.replace("@SETTINGS@", _SETTINGS.rstrip())
_ENTRY = _ENTRY.replace("@TYPES@", ", ".join(kind.word for kind in ResourceType))


class ModuleDocFragment:
    """Used as ``svpc.virt.rasd``, or as ``svpc.virt.rasd.resources`` for a list of entries."""

    # The annotations keep these from yamllint, which takes only texts that are written out.
    DOCUMENTATION: ClassVar[str] = "options:\n" + textwrap.indent(_ENTRY.replace("O(@", "O("), "  ")

    RESOURCES: ClassVar[str] = r"""
options:
  resources:
    description:
      - The resources of the system, in the words of CIM_ResourceAllocationSettingData.
      - An option of an entry that is left out is not managed. A resource that is not listed stays as it is, unless
        O(exclusive=true).
    type: list
    elements: dict
    suboptions:
""" + textwrap.indent(_ENTRY.replace("O(@", "O(resources[]."), "      ")
