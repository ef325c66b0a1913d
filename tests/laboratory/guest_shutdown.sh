#!/bin/sh
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Ends the tiny guest; called by the guest agent (with -P, -H or -r) and by the power button.
case "$*" in
*-r*) event=reboot end="reboot -f" ;;
*button*) event=power-button end="poweroff -f" ;;
*) event=shutdown end="poweroff -f" ;;
esac
echo "guest: event=$event" >/dev/ttyS0
sync
umount /data 2>/dev/null
$end
