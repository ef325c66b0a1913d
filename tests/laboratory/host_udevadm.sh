#!/bin/sh
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Stands for udevadm on a private host, which has no udev: libvirt calls it after it has changed a
# disk's partitions, and looks for their device nodes next.
for partition in /sys/class/block/loop*p*; do
    [ -e "$partition/dev" ] || continue
    node=/dev/${partition##*/}
    IFS=: read -r major minor <"$partition/dev"
    rm -f "$node"
    mknod -m 660 "$node" b "$major" "$minor"
done
