#!/bin/sh
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Process 1 of the tiny guest. It says on the first serial line what it sees of its machine, each time
# that changes and every five seconds, as words "key=value" after "guest:" (read by serial.py):
#   cpus         processors at work
#   memory_kib   memory the kernel manages
#   disks        NAME:BYTES,...
#   nics         NAME/MAC/ADDRESS or -/up or down,...
#   media        DRIVE:BYTES/LABEL of each disc in a drive,...
#   mounted      1 when the data disk is mounted
#   firmware     bios or efi
#   secure_boot  1 when the firmware enforces it
#   tpm          major version of the TPM, 0 without one
#   up           seconds since the kernel's start
#   name         its host name
#   keys         the comments of the keys that its seed authorizes,...
# and "event=NAME" lines: boot, power-button, shutdown, reboot.
#
# Words of the kernel's command line:
# A disc labelled cidata is its seed: the host name and the authorized keys are those of the seed.
#   lab.name=NAME   the guest's host name, also told to the DHCP server
#   lab.key=KEY     let the owner of that SSH key (the base64 word of an ed25519 key) log in as root
#   lab.data=DISK   mount that disk (such as vda) at /data; one without a file system is given one
export PATH=/bin:/sbin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/virtio-ports
mount -t devpts devpts /dev/pts
exec </dev/null >/dev/ttyS0 2>&1
echo "guest: event=boot"
while read -r module; do
    insmod "/modules/$module" 2>/dev/null
done </modules/order
[ ! -d /sys/firmware/efi ] || mount -t efivarfs efivarfs /sys/firmware/efi/efivars
echo online 2>/dev/null >/sys/devices/system/memory/auto_online_blocks
ip link set lo up

word() { # NAME: the value of a word of the kernel's command line
    tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p"
}
name=$(word lab.name)
data=$(word lab.data)
hostname "${name:-guest}"

# What follows is done each second. It starts no program while nothing changes: on an emulated processor each one costs
# about as much as all the rest. So files are read by `read`, and functions set variables instead of printing.

tend_processors() { # puts each processor to work once; who takes one away later is not gainsaid. cpus: how many work
    cpus=0
    for path in /sys/devices/system/cpu/cpu[0-9]*; do
        mark=/run/${path##*/}
        online=1
        [ ! -e "$path/online" ] || read -r online <"$path/online"
        if [ ! -e "$mark" ]; then
            : >"$mark"
            [ "$online" = 1 ] || { echo 1 >"$path/online" && online=1; }
        fi
        cpus=$((cpus + online))
    done
    for mark in /run/cpu*; do
        [ -e "/sys/devices/system/cpu/${mark##*/}" ] || rm "$mark"
    done
}

seed_value() { # FILE KEY: the text at a key, in a line of its own
    sed -n "s/^ *\"\{0,1\}$2\"\{0,1\}: *\"\{0,1\}\([^\",]*\).*/\1/p" "/seed/$1" | head -n 1
}
tend_media() { # media: the discs; the first one labelled cidata says who the guest is, as it would tell cloud-init
    discs=
    for path in /sys/block/sr*; do
        # What opens it looks whether there is another disc; each has a number of its own.
        { true <"/dev/${path##*/}"; } 2>/dev/null && read -r number <"$path/diskseq" && discs="$discs ${path##*/}/$number"
    done
    [ "$discs" != "$known_discs" ] || return 0
    known_discs=$discs
    media=
    for disc in $discs; do
        drive=${disc%/*}
        bytes=$(blockdev --getsize64 "/dev/$drive") || continue
        label=$(dd "if=/dev/$drive" bs=8 skip=4101 count=4 2>/dev/null | tr -cd 'A-Za-z0-9_-')
        media=$media,$drive:$bytes/$label
        [ "$label" != cidata ] || [ -e /run/seed ] || tend_seed "/dev/$drive"
    done
}
tend_seed() { # DRIVE
    mkdir -p /seed /root/.ssh
    mount -t iso9660 -o ro "$1" /seed || return 0
    : >/run/seed
    name=$(seed_value user-data hostname)
    name=${name:-$(seed_value meta-data local-hostname)}
    hostname "${name:-guest}"
    grep -o 'ssh-[a-z0-9-]* [A-Za-z0-9+/=]* [^"]*' /seed/user-data >/root/.ssh/authorized_keys
}

tend_nics() { # nics: what they have
    nics=
    for path in /sys/class/net/*; do
        nic=${path##*/}
        [ "$nic" != lo ] || continue
        read -r flags <"$path/flags"
        [ $((flags & 1)) = 1 ] || ip link set "$nic" up
        read -r carrier 2>/dev/null <"$path/carrier" || carrier=0
        read -r number <"$path/ifindex"
        # The lease belongs to the cable: a replugged one asks anew.
        mark=/run/$nic.$number
        before=
        [ ! -e "$mark" ] || read -r before <"$mark"
        if [ "$before" != "$carrier" ]; then
            if [ -e "$mark.pid" ]; then
                read -r client <"$mark.pid" && kill "$client" 2>/dev/null
            fi
            ip addr flush dev "$nic"
            rm -f "/run/$nic.address"
            echo "$carrier" >"$mark"
            : >"$mark.pid"
            if [ "$carrier" = 1 ]; then
                udhcpc -f -S -t 5 -T 1 -A 2 -i "$nic" -s /etc/lease ${name:+-x hostname:$name} >/dev/null 2>&1 &
                echo $! >"$mark.pid"
            fi
        fi
        read -r mac <"$path/address"
        address=-
        [ ! -e "/run/$nic.address" ] || read -r address <"/run/$nic.address"
        link=down
        [ "$carrier" != 1 ] || link=up
        nics=$nics,$nic/$mac/$address/$link
    done
}

tend_data() { # mounted: 1 when the data disk is mounted
    look_for_data
    [ -n "$data" ] && [ -b "/dev/$data" ] && [ $mounted = 0 ] || return 0
    mkdir -p /data
    mount -t ext4 "/dev/$data" /data 2>/dev/null || {
        mke2fs "/dev/$data" >/dev/null && mount -t ext4 "/dev/$data" /data
    }
    look_for_data
}
look_for_data() {
    mounted=0
    while read -r _ place _; do
        [ "$place" != /data ] || mounted=1
    done </proc/mounts
}

tend_agent() {
    [ -x /sbin/qemu-ga ] || return 0
    if [ -e /run/agent.pid ] && read -r agent </run/agent.pid && [ -d "/proc/$agent" ]; then
        return 0
    fi
    for path in /sys/class/virtio-ports/*; do
        [ -e "$path/name" ] && read -r port <"$path/name" && ln -sf "../${path##*/}" "/dev/virtio-ports/$port"
    done
    port=/dev/virtio-ports/org.qemu.guest_agent.0
    if [ -e "$port" ] && ! pidof qemu-ga >/dev/null; then
        qemu-ga --method=virtio-serial --path="$port" --statedir=/run --pidfile=/run/agent.pid --daemonize
    fi
}

look_for_disks() {
    disks=
    for path in /sys/block/vd* /sys/block/sd* /sys/block/nvme*; do
        [ -e "$path/size" ] && read -r blocks <"$path/size" && disks=$disks,${path##*/}:$((blocks * 512))
    done
}

look_for_keys() {
    keys=
    [ ! -e /root/.ssh/authorized_keys ] || while read -r line; do
        keys=$keys,${line##* }
    done </root/.ssh/authorized_keys
}

firmware=bios
secure_boot=0
if [ -d /sys/firmware/efi ]; then
    firmware=efi
    secure_boot=$(tail -c 1 /sys/firmware/efi/efivars/SecureBoot-* 2>/dev/null | od -An -tu1 | tr -d " ")
fi
tpm=$(cat /sys/class/tpm/tpm0/tpm_version_major 2>/dev/null)

key=$(word lab.key)
if [ -n "$key" ] && [ -x /sbin/dropbear ]; then
    mkdir -p -m 700 /root/.ssh
    echo "ssh-ed25519 $key" >/root/.ssh/authorized_keys
    dropbear -R -s
fi

acpid -f >/dev/null 2>&1 &

seconds=0
said=
known_discs=
media=
while :; do
    tend_processors
    tend_media
    tend_nics
    tend_data
    tend_agent
    look_for_disks
    look_for_keys
    read -r _ memory _ </proc/meminfo
    read -r host </proc/sys/kernel/hostname
    see="cpus=$cpus memory_kib=$memory disks=${disks#,} nics=${nics#,} media=${media#,} mounted=$mounted"
    see="$see name=$host keys=${keys#,} firmware=$firmware secure_boot=${secure_boot:-0} tpm=${tpm:-0}"
    if [ "$see" != "$said" ] || [ $((seconds % 5)) = 0 ]; then
        read -r up idle </proc/uptime
        echo "guest: $see up=${up%.*}"
        said=$see
    fi
    seconds=$((seconds + 1))
    sleep 1
done
