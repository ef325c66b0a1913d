# Copyright (c) 2026 SVPC authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option cloud_init becomes the files of a seed, and those a medium that cloud-init reads."""

from __future__ import annotations

import io
from typing import Any

import pycdlib
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.svpc.virt.plugins.module_utils.errors import InvalidInput, LibraryMissing
from ansible_collections.svpc.virt.plugins.module_utils.model.seed import Seed
from ansible_collections.svpc.virt.plugins.module_utils.task import seed_medium
from ansible_collections.svpc.virt.plugins.module_utils.task.desired_seed import desired_seed
from ansible_collections.svpc.virt.plugins.module_utils.task.hidden import hidden


def seed_of(**given: Any) -> Seed:
    found: Seed = desired_seed(given, "web", "present")["seed"]
    return found


def files_of(**given: Any) -> dict[str, str]:
    return dict(seed_of(**given).files)


def test_the_files_of_a_seed() -> None:
    found = files_of(user_data={"hostname": "front"}, network_config={"version": 2}, vendor_data="#!/bin/sh\n")
    assert list(found) == ["user-data", "meta-data", "network-config", "vendor-data"]
    assert found["user-data"].startswith("#cloud-config\n")
    assert yaml.safe_load(found["user-data"]) == {"hostname": "front"}
    assert yaml.safe_load(found["meta-data"]) == {"instance-id": "web", "local-hostname": "web"}
    assert yaml.safe_load(found["network-config"]) == {"version": 2}
    assert found["vendor-data"] == "#!/bin/sh\n"


def test_meta_data_is_completed_and_text_is_taken_as_it_is() -> None:
    assert yaml.safe_load(files_of(meta_data={"instance-id": "i-1", "x": 1})["meta-data"]) == {
        "instance-id": "i-1",
        "local-hostname": "web",
        "x": 1,
    }
    assert files_of(meta_data="instance-id: i-1\n")["meta-data"] == "instance-id: i-1\n"
    assert files_of()["user-data"] == "#cloud-config\n"


def test_what_is_declared_of_no_system() -> None:
    assert desired_seed(None, "web", "present") == {}
    assert desired_seed({"user_data": "x"}, "web", "absent") == {}
    assert desired_seed({"pool": "fast"}, "web", "present")["seed_pool"] == "fast"


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.integers() | st.lists(st.booleans(), max_size=2)))
def test_a_mapping_is_yaml_whatever_is_in_it(data: dict[str, Any]) -> None:
    try:
        text = files_of(user_data=data)["user-data"]
    except UnicodeEncodeError:
        return
    if not any("\ud800" <= letter <= "\udfff" or letter in "\ufffe\uffff" for letter in text):
        assert yaml.safe_load(text) == data
    assert seed_of(user_data=data) == seed_of(user_data=dict(reversed(data.items())))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"userdata": "secret"}, "allowed are meta_data, network_config, pool_id, user_data, vendor_data"),
        ({"user_data": ["secret"]}, "user_data: expected a mapping or a text, got a list"),
        ({"meta_data": 7}, "meta_data: expected a mapping or a text, got a int"),
        ({"user_data": "secret" * 2**20}, "larger than 4 MiB"),
        ("secret", "expected names with values, got a str"),
    ],
)
def test_what_is_no_seed(given: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as failure:
        desired_seed(given, "web", "present")
    assert "secret" not in failure.value.message


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_medium, "pycdlib", None)
    with pytest.raises(LibraryMissing, match="pycdlib is needed"):
        seed_of()
    assert desired_seed(None, "web", "present") == {}


def test_a_medium_holds_the_files_and_begins_with_the_mark() -> None:
    seed = seed_of(user_data={"password": "sesame"}, meta_data="instance-id: ü\n")
    data = seed_medium.seed_medium(seed)
    assert data.startswith(seed.mark)
    image = pycdlib.PyCdlib()
    image.open_fp(io.BytesIO(data))
    assert image.pvd.volume_identifier.decode().strip() == "cidata"
    for where in ("rr_path", "joliet_path"):
        for name, text in seed.files:
            found = io.BytesIO()
            image.get_file_from_iso_fp(found, **{where: f"/{name}"})
            assert found.getvalue().decode() == text
    assert "sesame" not in repr(seed)


def test_the_digest_tells_contents_apart() -> None:
    contents: list[dict[str, Any]] = [
        {},
        {"user_data": "a"},
        {"user_data": "b"},
        {"vendor_data": "a"},
        {"meta_data": {"x": 1}},
    ]
    assert len({seed_of(**given).digest for given in contents}) == len(contents)


def test_arguments_are_shown_without_what_they_hide() -> None:
    given = {
        "name": "web",
        "cloud_init": {"user_data": {"a": "sesame"}, "meta_data": None, "pool_id": "fast"},
        "resources": [
            {"image": {"url": "https://u:sesame@h/x?sesame", "checksum": "s"}},
            {"image": "https://sesame@h/x"},
        ],
        "virtual_systems": [{"cloud_init": {"vendor_data": "sesame"}}, {"cloud_init": "sesame"}],
    }
    shown = hidden(given)
    assert "sesame" not in str(shown)
    assert shown["name"] == "web"
    assert shown["cloud_init"]["pool_id"] == "fast"
    assert "meta_data" not in shown["cloud_init"]  # it was left out
    assert shown["resources"][0]["image"] == {"url": "https://h/x", "checksum": "s"}
