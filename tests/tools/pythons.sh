# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# sh pythons.sh VERSION...: prints "VERSION PATH" for each of the Python versions that is at hand and runs.
set -eu

for version; do
    for python in "$(command -v "python$version" || true)" \
        "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*"/bin/python$version"; do
        if [ -x "$python" ] && "$python" -c 'import venv' >/dev/null 2>&1; then
            echo "$version $python"
            break
        fi
    done
done
