# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# sh packages.sh NAME...: installs those of the named Debian packages that are not installed yet.
set -eu

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "This is no Debian system: should something be missing, install what corresponds to: $*" >&2
    exit 0
fi

missing=
for name; do
    case $(dpkg-query -W -f '${db:Status-Status} ' "$name" 2>/dev/null || true) in
        installed*) ;;
        *) missing="$missing $name" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Debian packages are missing, and only root can install them: apt-get install$missing" >&2
        exit 1
    fi
fi
echo "Installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086
$as_root apt-get install -yq --no-install-recommends $missing
