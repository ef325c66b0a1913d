# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets ansible-test make its virtual environments from the package index alone.

To put pip into such an environment, ansible-test downloads a bootstrap script from a server of its own, unless the
script already lies in its cache. Where that server is out of reach, this file takes the script's place:

* called as ``seed_pip.py FOLDER``, it fetches the wheel of the pip version that the installed ansible-test asks for into
  FOLDER and puts itself beside it under the name that ansible-test looks for;
* called under that name, in the new environment, it unpacks the wheel there.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile

HERE = pathlib.Path(__file__).resolve()
SITE_PACKAGES = pathlib.Path(sysconfig.get_path("purelib"))


def wanted_version() -> str:
    """Version of pip that the installed ansible-test puts into its environments."""
    source = SITE_PACKAGES / "ansible_test" / "_internal" / "python_requirements.py"
    versions = re.findall(r"pip='([0-9.]+)'", source.read_text(encoding="utf-8"))
    if not versions:
        raise SystemExit(f"{source} names no pip version: this version of ansible-test is not known to {HERE.name}")
    return str(versions[-1])


def fill(cache: pathlib.Path) -> None:
    """Put the wheel and its unpacker into the cache folder of ansible-test."""
    version = wanted_version()
    cache.mkdir(parents=True, exist_ok=True)
    pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "-d", str(cache), f"pip=={version}"], check=True)
    shutil.copy(HERE, cache / f"get_pip_{version.replace('.', '_')}.py")


def unpack() -> None:
    """Unpack the wheel that lies beside this file into the environment that runs it."""
    version = HERE.stem.removeprefix("get_pip_").replace("_", ".")
    with zipfile.ZipFile(next(HERE.parent.glob(f"pip-{version}-*.whl"))) as wheel:
        wheel.extractall(SITE_PACKAGES)


if __name__ == "__main__":
    if HERE.stem.startswith("get_pip_"):
        unpack()
    else:
        fill(pathlib.Path(sys.argv[1]))
