# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the connection options that all modules share."""

from __future__ import annotations

import textwrap
from typing import ClassVar

# A reference O(@name) is to another option of the same host.
_OPTIONS = r"""
uri:
  description:
    - The host to work on, as a libvirt URI such as V(qemu:///system) or V(qemu+ssh://root@host/system), or as the URL
      of a WBEM server such as V(https://host:5989/root/virt).
    - The path of a WBEM server's URL is the namespace of its virtual systems. Where it is left out, the namespace is
      found by the server's registered profiles.
    - Where this is not given, the environment variable E(SVPC_URI) of the machine that connects is used, then
      E(LIBVIRT_DEFAULT_URI), then V(qemu:///system).
  type: str
username:
  description:
    - User to log in as, where the transport asks for one.
  type: str
password:
  description:
    - Password of O(@username). It is never shown.
  type: str
validate_certs:
  description:
    - Whether the certificate that a host shows over TLS has to be valid and to belong to that host.
  type: bool
  default: true
ca_cert:
  description:
    - File with the certificates of the authorities to trust, on the machine that connects.
    - Where this is not given, those that the machine trusts are used. The same holds for O(@client_cert) and
      O(@client_key), and all three are used only where the transport is TLS.
  type: path
client_cert:
  description:
    - File with the certificate to show to the host.
  type: path
client_key:
  description:
    - File with the private key that belongs to O(@client_cert).
  type: path
timeout:
  description:
    - Number of seconds after which one call to the host is given up.
    - A WBEM server may answer a call with a job. The job is followed, however long it takes, for at most an hour.
  type: int
"""

_REQUIREMENTS = r"""
requirements:
  - Python >= 3.9
  - libvirt-python and lxml, for libvirt hosts
  - pywbem, for WBEM servers
"""

_HOSTS = r"""
  hosts:
    description:
      - The hosts whose virtual systems are read, all of them at the same time. Each entry is a set of connection options
        with a O(hosts[].name).
      - What an entry does not say is taken from the options of the same name beside O(hosts). Where O(hosts) is not
        given, these name the only host, and it is called by the host name in its O(uri), or V(localhost).
      - Values may be templates that need no inventory, such as lookups, and may be encrypted with Ansible Vault.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - What the host is called in the variable C(virtual_system_host), and in the names of systems that would
            otherwise be called the same.
        type: str
        required: true
"""


def _options(prefix: str, indent: int) -> str:
    """The options, with references to where they stand."""
    return textwrap.indent(_OPTIONS.replace("O(@", f"O({prefix}"), " " * indent)


class ModuleDocFragment:
    """Used as ``extends_documentation_fragment: svpc.virt.connection``, in an inventory also ``...connection.hosts``."""

    # The annotations keep these from yamllint, which takes only texts that are written out.
    DOCUMENTATION: ClassVar[str] = f"options:\n{_options('', 2)}{_REQUIREMENTS}"

    HOSTS: ClassVar[str] = f"options:{_HOSTS}{_options('hosts[].', 6)}"
