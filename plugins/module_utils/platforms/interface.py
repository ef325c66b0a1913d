# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a platform is: readings of a host, and one method per verb of the CIM services.

The verbs are those of DSP1042 (virtual systems and snapshots), DSP1057 (states) and DSP1041 (pools).  Every method
takes the change that asked for it, so a platform sees exactly what the plan and the user saw.  A method returns when
the change has happened, and raises a VirtError when it has not; it never does more than its change says.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.svpc.virt.plugins.module_utils.errors import NotFound, NotSupported, Unreachable, VirtError
from ansible_collections.svpc.virt.plugins.module_utils.model.image import Image, ImageFacts
from ansible_collections.svpc.virt.plugins.module_utils.model.rasd import Rasd
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_pool import ResourcePool
from ansible_collections.svpc.virt.plugins.module_utils.model.resource_types import ResourceType
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed
from ansible_collections.svpc.virt.plugins.module_utils.model.snapshot import Snapshot
from ansible_collections.svpc.virt.plugins.module_utils.model.virtual_system import StorageElement, VirtualSystem
from ansible_collections.svpc.virt.plugins.module_utils.plan import changes

if TYPE_CHECKING:
    from ansible_collections.svpc.virt.plugins.module_utils.model.capabilities import Capabilities
    from ansible_collections.svpc.virt.plugins.module_utils.model.dependencies import Graph
    from ansible_collections.svpc.virt.plugins.module_utils.model.image_format import Sample

NARROWING = ("virtual_system_type", "architecture", "machine", "firmware", "secure_boot")
"""Settings of a virtual system on which it may depend what a host can do for it."""


class ImageFile(abc.ABC):
    """A file with an image, on the machine that runs this."""

    size: int
    """Bytes."""

    @abc.abstractmethod
    def chunks(self) -> Iterator[bytes]:
        """Its bytes from the first to the last.

        Raises Refused at the end when they are not those of the checksum that was declared, HostFailed when it cannot be
        read.
        """

    @abc.abstractmethod
    def checksum(self) -> str:
        """The checksum that was declared, or else ``sha256:`` and the digest of what it holds."""


class ImageFiles(abc.ABC):
    """Where images come from that are not on the host: files of the machine that runs this, and URLs."""

    @abc.abstractmethod
    def sample(self, image: Image) -> Sample | None:
        """What there is to judge an image by, without fetching it as a whole; None when there is no such file."""

    @abc.abstractmethod
    def open(self, image: Image, progress: Progress) -> contextlib.AbstractContextManager[ImageFile]:
        """The image as a whole, fetched if need be, for the length of a with block."""

    @abc.abstractmethod
    def medium(self, seed: Seed) -> bytes:
        """A medium with a seed, which begins with the seed's mark."""


class NoImageFiles(ImageFiles):
    """Has none: only what is on the host can be an image."""

    def sample(self, image: Image) -> Sample | None:
        """Nothing."""
        return None

    def open(self, image: Image, progress: Progress) -> contextlib.AbstractContextManager[ImageFile]:
        """Raises NotFound."""
        raise NotFound(f"There is no {image.words}")

    def medium(self, seed: Seed) -> bytes:
        """Raises NotSupported."""
        raise NotSupported("There is nothing here that makes media")


class Platform(abc.ABC):
    """A host reached by one connection."""

    changes_at_once: int = 1
    """So many changes the platform carries out at a time, each of another virtual system and asked for by a thread of
    its own; 1 where that has to happen one after the other.  A platform that says more can be asked anything by several
    threads, and keeps apart what belongs to one of them (notes, time limits, errors)."""

    def together(self) -> contextlib.AbstractContextManager[None]:
        """For a with block in which systems of one task are planned, changed and read.

        What many of them need of the whole host (who uses which storage, which pools there are) may be read once for
        all, if it is kept true to what the task itself does meanwhile.
        """
        return contextlib.nullcontext()

    # Readings.  None and empty mean "not there", known for sure: a reading that fails raises.

    @abc.abstractmethod
    def host(self) -> Mapping[str, Any]:
        """The host system: name, uuid, hypervisor, versions, processors, memory … (flat, snake_case, bytes)."""

    @abc.abstractmethod
    def capabilities(self, system: Mapping[str, Any] | None = None) -> Capabilities:
        """What the host can do; ``system`` narrows it to systems with the same NARROWING settings."""

    @abc.abstractmethod
    def virtual_system(self, name: str, uuid: str | None = None) -> VirtualSystem | None:
        """The system of that name (or, when given, that UUID), or None.  Raises Conflict when they disagree."""

    @abc.abstractmethod
    def virtual_systems(self, names: Collection[str] | None = None) -> list[VirtualSystem]:
        """All systems, or those there are of some names, by name.

        The number of calls does not grow faster than one description each.
        """

    def places_of(self, system: str, resources: Iterable[Rasd]) -> frozenset[str]:
        """Where the storage of disks lies, or will lie when it is made for ``system``: one word for one place.

        Known as far as the host can tell it beforehand; it shows which systems have to do with the same storage.
        """
        return frozenset(
            path if "/" in path or not rasd.pool_id else f"{rasd.pool_id}/{path}"
            for rasd in resources
            if rasd.resource_type is ResourceType.DISK_DRIVE
            for path in rasd.host_resource or ()
        )

    @abc.abstractmethod
    def storage_of(self, system: VirtualSystem) -> list[StorageElement]:
        """The storage behind every disk and medium of ``system``, each with the reason to keep it, if there is one."""

    def left_seeds(self, system: VirtualSystem) -> list[StorageElement]:
        """The media with seeds that were made for ``system`` and are in no drive of it, each with the reason to keep it.

        The reason is a snapshot of the system.  What anything else uses is not among them.
        """
        return []

    def image_facts(self, system: str, rasd: Rasd) -> ImageFacts | None:
        """What is known of the image that a new disk of ``system`` is to be made from.

        None when the storage for that disk exists already, so that no image is needed.  Raises NotFound when there is no
        such image, Refused when it is not fit to become a disk.  Asked only where the capabilities have image modes.
        """
        raise NotSupported(f"{rasd.label}: this host makes no disks from images")

    def take_images_from(self, files: Callable[[], ImageFiles]) -> None:  # noqa: B027 - a host may know only its own images
        """Images that are not on the host come from what ``files`` gives when one is needed."""

    @abc.abstractmethod
    def addresses_of(self, system: VirtualSystem, source: str) -> Mapping[str, list[str]]:
        """IP addresses by MAC of a running system, from ``source``: ``lease``, ``agent`` or ``arp``."""

    def addresses_of_all(
        self, systems: Sequence[VirtualSystem], source: str, within: float | None = None
    ) -> Mapping[str, Mapping[str, list[str]] | VirtError]:
        """The same of several systems, by name, asked side by side; of one that failed, the error.

        ``within`` is in seconds: guests that have not been asked by then are not asked any more (TimedOut).  Raises what
        concerns the host and not one system: NotSupported where it does not have the source, Unreachable.
        """
        from ansible_collections.svpc.virt.plugins.module_utils.platforms.together import side_by_side

        by_name = {system.name: system for system in systems}
        found = side_by_side(by_name, lambda name: self.addresses_of(by_name[name], source), within=within)
        for answer in found.values():
            if isinstance(answer, (NotSupported, Unreachable)):
                raise answer
        return found

    @abc.abstractmethod
    def guest_agent_answers(self, system: VirtualSystem) -> bool:
        """Whether the guest agent of a running system answers now."""

    @abc.abstractmethod
    def resource_pool(self, pool_id: str, resource_type: ResourceType, members: bool = True) -> ResourcePool | None:
        """The pool of that id and type, or None; without its members, and what they add up to, where nobody needs them."""

    @abc.abstractmethod
    def resource_pools(self, members: bool = True) -> list[ResourcePool]:
        """All pools in their order (see ``model.resource_pool.in_order``), with parents, children and (unless it costs too much and is not wanted) members."""

    @abc.abstractmethod
    def snapshots(self, system: changes.SystemRef) -> list[Snapshot]:
        """The snapshots of a system, parents before children.  Raises NotFound when there is no such system."""

    def dependencies(self) -> Graph:
        """What stands on what, as far as the host tells: from virtual systems down to what holds them up.

        Here from what systems and pools say by themselves; a platform that sees further adds to it.
        """
        from ansible_collections.svpc.virt.plugins.module_utils.plan import topology

        return topology.composed(self.virtual_systems(), self.resource_pools())

    # CIM_VirtualSystemManagementService

    @abc.abstractmethod
    def define_system(self, change: changes.DefineSystem) -> None:
        """Record a new system.  What was allocated for it is given back when it fails."""

    @abc.abstractmethod
    def destroy_system(self, change: changes.DestroySystem) -> None:
        """Remove a system that is off, with its snapshots and belongings; its storage stays."""

    @abc.abstractmethod
    def add_resource_settings(self, change: changes.AddResourceSettings) -> None:
        """Add one resource.  Storage allocated for it is given back when it fails."""

    @abc.abstractmethod
    def modify_resource_settings(self, change: changes.ModifyResourceSettings) -> None:
        """Change values of one resource.  Raises Conflict when it is no longer as in ``change.before``."""

    @abc.abstractmethod
    def remove_resource_settings(self, change: changes.RemoveResourceSettings) -> None:
        """Take one resource away; the storage behind it stays."""

    @abc.abstractmethod
    def modify_system_settings(self, change: changes.ModifySystemSettings) -> None:
        """Change settings of the system itself."""

    @abc.abstractmethod
    def request_state_change(self, change: changes.RequestStateChange) -> None:
        """Bring about a state, wait for it, and raise TimedOut when it does not come."""

    # CIM_VirtualSystemSnapshotService

    @abc.abstractmethod
    def create_snapshot(self, change: changes.CreateSnapshot) -> None:
        """Take a snapshot."""

    @abc.abstractmethod
    def apply_snapshot(self, change: changes.ApplySnapshot) -> None:
        """Return to a snapshot."""

    @abc.abstractmethod
    def destroy_snapshot(self, change: changes.DestroySnapshot) -> None:
        """Delete a snapshot and the dependents named in the change, and no others."""

    # CIM_ResourcePoolConfigurationService

    @abc.abstractmethod
    def create_resource_pool(self, change: changes.CreateResourcePool) -> None:
        """Record a new pool, inactive."""

    @abc.abstractmethod
    def delete_resource_pool(self, change: changes.DeleteResourcePool) -> None:
        """Remove the record of an inactive pool; what is in it stays."""

    @abc.abstractmethod
    def modify_pool_settings(self, change: changes.ModifyPoolSettings) -> None:
        """Change an existing pool, in its record and, when the change says so, while it is active."""

    @abc.abstractmethod
    def request_pool_state_change(self, change: changes.RequestPoolStateChange) -> None:
        """Activate or deactivate a pool."""

    @abc.abstractmethod
    def return_to_storage_pool(self, change: changes.ReturnToStoragePool) -> None:
        """Delete a volume or file for good."""

    @abc.abstractmethod
    def close(self) -> None:
        """End the connection."""

    def begin_again(self, progress: Progress) -> bool:  # pylint: disable=unused-argument
        """Take up another task on the same connection, which tells its ``progress``, as if the host had just been opened.

        Nothing that was read, noted or given for an earlier task is used again.  False where that is not offered, or the
        connection is not what it was: then the host is to be closed, and opened anew.
        """
        return False

    def abandon(self) -> None:  # noqa: B027 - a platform whose calls all return soon has nothing to do
        """Make the call under way fail, and all later ones: nobody waits for them any longer.

        The one method that another thread may call, while this one's waits for the host.
        """

    def expect(self, todo: Iterable[changes.Change]) -> None:  # noqa: B027 - most platforms have nothing to gain
        """Be told of all changes that :meth:`check` will be asked next, to read together what that needs of the host.

        For each of them :meth:`check` tells the same without that.
        """

    def check(self, change: changes.Change) -> None:  # noqa: B027 - most changes need no check
        """Raise what the host can be known to answer to ``change``, without touching anything.

        Asked for every change of a plan before the first one is carried out, and in check mode.  A change may build on
        earlier ones of its plan: what cannot be judged yet is no objection.
        """

    def take_notes(self) -> list[str]:
        """What the user should know of the changes of this thread since its last call, beyond what they say themselves."""
        return []

    def carry_out(self, change: changes.Change) -> None:
        """Carry out one change by the method of its operation."""
        VERBS[type(change)](self, change)


VERBS: dict[type[Any], Callable[[Platform, Any], None]] = {
    changes.DefineSystem: lambda platform, change: platform.define_system(change),
    changes.DestroySystem: lambda platform, change: platform.destroy_system(change),
    changes.AddResourceSettings: lambda platform, change: platform.add_resource_settings(change),
    changes.ModifyResourceSettings: lambda platform, change: platform.modify_resource_settings(change),
    changes.RemoveResourceSettings: lambda platform, change: platform.remove_resource_settings(change),
    changes.ModifySystemSettings: lambda platform, change: platform.modify_system_settings(change),
    changes.RequestStateChange: lambda platform, change: platform.request_state_change(change),
    changes.CreateSnapshot: lambda platform, change: platform.create_snapshot(change),
    changes.ApplySnapshot: lambda platform, change: platform.apply_snapshot(change),
    changes.DestroySnapshot: lambda platform, change: platform.destroy_snapshot(change),
    changes.CreateResourcePool: lambda platform, change: platform.create_resource_pool(change),
    changes.DeleteResourcePool: lambda platform, change: platform.delete_resource_pool(change),
    changes.ModifyPoolSettings: lambda platform, change: platform.modify_pool_settings(change),
    changes.RequestPoolStateChange: lambda platform, change: platform.request_pool_state_change(change),
    changes.ReturnToStoragePool: lambda platform, change: platform.return_to_storage_pool(change),
}

Progress = Callable[[str], None]
"""Where a platform tells what it is waiting for."""


def quietly(_text: str) -> None:
    """Progress that nobody listens to."""


ORDER: tuple[str, ...] = ("lease", "agent", "arp")
"""Sources of guest addresses, in the order in which they are asked by default."""
