#!/bin/sh
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Furnishes a private host from inside its fresh namespaces and then stays as its process 1.
# Usage: host_setup.sh NAME FOLDER SOCKETS GROUP
#   FOLDER: the host's folder; holds bin, etc, lib, cache, log, tpm-authority, images and the empty dev and keep
#   SOCKETS: the folder of the host's sockets, short enough for the limit on socket paths
#   GROUP: the name of the host's control group in each hierarchy of the machine
set -eu
name=$1
folder=$2
sockets=$3
group=$4

hierarchies() { # the mount points of the machine's control group hierarchies
    sed -n 's|^[^ ]* \(/sys/fs/cgroup[^ ]*\) cgroup2\? .*|\1|p' /proc/mounts
}

# First pass: join a control group of its own, then begin anew in a namespace where it is the top.
if [ "${5-}" != furnish ]; then
    mount --make-rprivate /
    for top in $(hierarchies); do
        # In version 1, libvirt's own level too: guests that start side by side before any other has started race to make
        # it, and one of them may find its group gone.
        own=
        [ -e "$top/cgroup.controllers" ] || own=$top/$group/machine
        for level in "$top/$group" "$top/$group/init" ${own:+"$own"}; do
            mkdir "$level"
            # A version 1 cpuset takes processes only once it has processors and memory.
            for part in cpuset.cpus cpuset.mems; do
                [ ! -e "$level/cgroup.clone_children" ] || [ ! -e "$top/$part" ] || cat "$top/$part" >"$level/$part"
            done
        done
        echo $$ >"$top/$group/cgroup.procs"
    done
    exec unshare --cgroup -- sh "$0" "$name" "$folder" "$sockets" "$group" furnish
fi

hostname "$name"
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward

# The machine's own /sys shows the machine's network interfaces; a fresh one shows the host's.
# Processes stay one level below the top, which version 2 wants before libvirt may divide the top.
keep=$folder/keep
mount -t sysfs sysfs "$keep"
tops=$(hierarchies)
for top in $tops; do
    if [ "$top" != /sys/fs/cgroup ] && ! mountpoint -q "$keep/fs/cgroup"; then
        mount -t tmpfs -o mode=755,size=1m cgroup "$keep/fs/cgroup"
    fi
    mkdir -p "$keep${top#/sys}"
    mount --bind "$top/$group" "$keep${top#/sys}"
done
umount --recursive --lazy /sys
mount --move "$keep" /sys
for top in $tops; do
    echo 0 >"$top/init/cgroup.procs"
done

# A /dev without kvm: libvirt then offers plain emulation alone, and finds the same at each look.
dev=$folder/dev
mount -t tmpfs -o mode=755,size=1m dev "$dev"
node() { # NAME TYPE MAJOR MINOR: makes a device node
    mknod -m 666 "$dev/$1" "$2" "$3" "$4"
}
node null c 1 3
node zero c 1 5
node full c 1 7
node random c 1 8
node urandom c 1 9
node tty c 5 0
mkdir "$dev/net" "$dev/shm" "$dev/pts" "$dev/mapper"
node net/tun c 10 200
ln -s /proc/self/fd "$dev/fd"
ln -s /proc/self/fd/0 "$dev/stdin"
ln -s /proc/self/fd/1 "$dev/stdout"
ln -s /proc/self/fd/2 "$dev/stderr"
ln -s pts/ptmx "$dev/ptmx"
# Loop devices and the device mapper belong to the machine's kernel: a host sees them if the machine has them.
if [ -e /dev/loop-control ]; then
    node loop-control c 10 237
    number=0
    while [ $number -lt 64 ]; do
        node "loop$number" b 7 $number
        number=$((number + 1))
    done
fi
mapper=$(sed -n 's/^ *\([0-9]*\) device-mapper$/\1/p' /proc/misc)
[ -z "$mapper" ] || node mapper/control c 10 "$mapper"
mount --move "$dev" /dev
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /dev/pts

# Nothing of the machine's /run (message bus, locks, systemd): libvirt must not register its guests there.
mount --bind "$sockets" "$keep"
mount -t tmpfs -o mode=755,size=64m run /run
mkdir -p /run/libvirt /run/lock /run/lvm
mount --move "$keep" /run/libvirt

mount --bind "$folder/etc" /etc/libvirt
mount --bind "$folder/hosts" /etc/hosts
mount --bind "$folder/lib" /var/lib/libvirt
mount --bind "$folder/cache" /var/cache/libvirt
mount --bind "$folder/log" /var/log
if [ -d /var/lib/swtpm-localca ]; then
    mount --bind "$folder/tpm-authority" /var/lib/swtpm-localca
fi

: >"$folder/furnished"
# Process 1 reaps every orphan at once: libvirt waits for the end of each program it starts.
exec tini -- sleep infinity
