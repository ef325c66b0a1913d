# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialect "libvirt-cim": OpenPegasus with the providers of libvirt-cim 0.6.3, as observed.

Traps, by name, each a misbehaviour that was observed and can be switched off by leaving it out of ``Dialect.traps``:
"""

TRAPS = frozenset(
    {
        # Every change of a configuration takes the processors' shares away, and the system cannot start any more.
        "shares_are_zeroed",
        # Every change of a configuration drops what libvirt-cim has no property for.
        "rewrites_domain",
        # ModifySystemSettings resets what is not sent.
        "modify_system_replaces",
        # A new unit without a new Limit gives the old Limit's number the new unit.
        "memory_limit_changes_unit",
        # A disk taken from a running system stays in it, and the answer is 0.
        "removed_disk_stays_live",
        "live_memory_fails",
        "live_processors_fail",
        "live_net_removal_fails",
        # A qcow2 disk shows the size of its file.
        "disk_shows_file_size",
        # The path of an added resource has no keys.
        "added_path_without_keys",
        # The file of a snapshot outlives its system.
        "save_file_stays",
        # What it writes as the content of an element is taken for markup: "R&D" is nothing, "R&amp;D" is "R&D".
        "text_is_markup",
        "files_must_exist",
        "passwords_are_masked",
        "unknown_method_is_failure",
        "service_keys_unchecked",
        "unfiltered_associators_fail",
        "central_instances_fail",
    }
)
