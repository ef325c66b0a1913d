#!/bin/sh
# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs a command in the control groups of a private host. It joins them from outside, as version 2 lets
# nobody in who stands within the host's namespace already.
# Usage: host_enter.sh GROUP COMMAND [ARGUMENT ...]
group=$1
shift
for processes in /sys/fs/cgroup/"$group"/init/cgroup.procs /sys/fs/cgroup/*/"$group"/init/cgroup.procs; do
    [ ! -e "$processes" ] || echo 0 >"$processes"
done
exec "$@"
