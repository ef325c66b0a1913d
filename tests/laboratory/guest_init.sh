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
# and "event=NAME" lines: power-button, shutdown, reboot.
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

new_processors() { # puts each processor to work once; who takes one away later is not gainsaid
    for path in /sys/devices/system/cpu/cpu[0-9]*; do
        mark=/run/${path##*/}
        [ ! -e "$mark" ] || continue
        : >"$mark"
        [ ! -e "$path/online" ] || [ "$(cat "$path/online")" = 1 ] || echo 1 >"$path/online"
    done
    for mark in /run/cpu*; do
        [ -e "/sys/devices/system/cpu/${mark##*/}" ] || rm "$mark"
    done
}

seed_value() { # FILE KEY: the text at a key, in a line of its own
    sed -n "s/^ *\"\{0,1\}$2\"\{0,1\}: *\"\{0,1\}\([^\",]*\).*/\1/p" "/seed/$1" | head -n 1
}
tend_seed() { # as cloud-init would: the first disc labelled cidata says who the guest is
    [ ! -e /run/seed ] || return 0
    for path in /dev/sr*; do
        [ "$(dd "if=$path" bs=8 skip=4101 count=4 2>/dev/null | tr -d ' \0')" = cidata ] || continue
        mkdir -p /seed /root/.ssh
        mount -t iso9660 -o ro "$path" /seed || continue
        : >/run/seed
        name=$(seed_value user-data hostname)
        name=${name:-$(seed_value meta-data local-hostname)}
        hostname "${name:-guest}"
        grep -o 'ssh-[a-z0-9-]* [A-Za-z0-9+/=]* [^"]*' /seed/user-data >/root/.ssh/authorized_keys
        break
    done
}

tend_nics() {
    for path in /sys/class/net/*; do
        nic=${path##*/}
        [ "$nic" != lo ] || continue
        ip link set "$nic" up
        carrier=$(cat "$path/carrier" 2>/dev/null || echo 0)
        # The lease belongs to the cable: a replugged one asks anew.
        mark=/run/$nic.$(cat "$path/ifindex")
        [ "$(cat "$mark" 2>/dev/null)" != "$carrier" ] || continue
        [ ! -e "$mark" ] || kill "$(cat "$mark.pid")" 2>/dev/null
        ip addr flush dev "$nic"
        echo "$carrier" >"$mark"
        : >"$mark.pid"
        if [ "$carrier" = 1 ]; then
            udhcpc -f -S -t 5 -T 1 -A 2 -i "$nic" -s /etc/lease ${name:+-x hostname:$name} >/dev/null 2>&1 &
            echo $! >"$mark.pid"
        fi
    done
}

tend_data() {
    [ -n "$data" ] && [ -b "/dev/$data" ] && ! grep -q ' /data ' /proc/mounts || return 0
    mkdir -p /data
    mount -t ext4 "/dev/$data" /data 2>/dev/null || {
        mke2fs "/dev/$data" >/dev/null && mount -t ext4 "/dev/$data" /data
    }
}

tend_agent() {
    for path in /sys/class/virtio-ports/*; do
        [ -e "$path/name" ] && ln -sf "../${path##*/}" "/dev/virtio-ports/$(cat "$path/name")"
    done
    port=/dev/virtio-ports/org.qemu.guest_agent.0
    if [ -x /sbin/qemu-ga ] && [ -e "$port" ] && ! pidof qemu-ga >/dev/null; then
        qemu-ga --method=virtio-serial --path="$port" --statedir=/run --pidfile=/run/agent.pid --daemonize
    fi
}

each() { # joins its input lines by commas
    tr '\n' ',' | sed 's/,$//'
}
disks() {
    for path in /sys/block/vd* /sys/block/sd* /sys/block/nvme*; do
        [ -e "$path/size" ] && echo "${path##*/}:$(($(cat "$path/size") * 512))"
    done | each
}
media() {
    for path in /sys/block/sr*; do
        drive=${path##*/}
        bytes=$(blockdev --getsize64 "/dev/$drive" 2>/dev/null) || continue
        label=$(dd "if=/dev/$drive" bs=8 skip=4101 count=4 2>/dev/null | tr -cd 'A-Za-z0-9_-')
        echo "$drive:$bytes/$label"
    done | each
}
nics() {
    for path in /sys/class/net/*; do
        nic=${path##*/}
        [ "$nic" != lo ] || continue
        address=$(ip -4 -o addr show dev "$nic" | sed -n 's|.* inet \([0-9.]*\)/.*|\1|p' | head -n 1)
        link=down
        [ "$(cat "$path/carrier" 2>/dev/null)" != 1 ] || link=up
        echo "$nic/$(cat "$path/address")/${address:--}/$link"
    done | each
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
while :; do
    new_processors
    tend_seed
    tend_nics
    tend_data
    tend_agent
    memory=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)
    mounted=$(grep -c ' /data ' /proc/mounts)
    see="cpus=$(nproc) memory_kib=$memory disks=$(disks) nics=$(nics) media=$(media) mounted=$mounted"
    see="$see name=$(hostname) keys=$(sed 's/.* //' /root/.ssh/authorized_keys 2>/dev/null | each)"
    see="$see firmware=$firmware secure_boot=${secure_boot:-0} tpm=${tpm:-0}"
    if [ "$see" != "$said" ] || [ $((seconds % 5)) = 0 ]; then
        read -r up idle </proc/uptime
        echo "guest: $see up=${up%.*}"
        said=$see
    fi
    seconds=$((seconds + 1))
    sleep 1
done
