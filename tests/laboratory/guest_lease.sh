#!/bin/sh
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the tiny guest's DHCP client does with a lease.
case $1 in
deconfig)
    ip addr flush dev "$interface"
    rm -f "/run/$interface.address"
    ;;
bound | renew)
    ip addr replace "$ip/$mask" dev "$interface"
    echo "$ip" >"/run/$interface.address"
    for gateway in $router; do
        ip route replace default via "$gateway" dev "$interface"
        break
    done
    ;;
esac
