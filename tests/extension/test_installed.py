"""The built zip in clean profiles of the Blenders that it is for."""

import pytest

WITH_WHEELS = {"4.5": False, "4.2": True, "5.0": False}
"""The Blenders, and which zip they get for a whole shot: the one with wheels is tried with the oldest numpy."""

NOTHING = {"types": [], "properties": [], "operators": [], "handlers": []}


@pytest.mark.parametrize("version", WITH_WHEELS)
def test_registering_brings_everything_and_unregistering_leaves_nothing(run_in_blender, extension_zip, version):
    states = run_in_blender(version, "registration", extension_zip)
    enabled = states["enabled"]
    assert {"add_face", "bake", "clear_bake", "import_capture", "cancel_job"} <= set(enabled["operators"])
    assert {"PHYSFACE_PT_character", "PHYSFACE_PT_expression", "PHYSFACE_PT_bake"} <= set(enabled["types"])
    assert "Object.physface" in enabled["properties"]
    assert enabled["handlers"]
    assert states["poll_without_a_face"] is False
    assert states["enabled_again"] == enabled
    assert states["before"] == states["disabled"] == states["disabled_again"] == NOTHING


@pytest.mark.slow
@pytest.mark.parametrize(("version", "with_wheels"), WITH_WHEELS.items())
def test_a_first_shot(run_in_blender, request, version, with_wheels):
    archive = request.getfixturevalue("bundled_zip" if with_wheels else "extension_zip")
    shot = run_in_blender(version, "first_shot", archive)
    assert ".".join(str(part) for part in shot["version"][:2]) == version
    assert {"skin", "upper_teeth", "lower_teeth", "eye_left", "eye_right", "mandible", "skull"} <= set(shot["parts"])
    assert 0.2 < shot["height"] < 0.45  # meters, a head with its neck
    assert len(shot["keys"]) == 1 + 3
    assert shot["finite"]
    assert shot["motion"][0] == 0.0
    assert 0.002 < shot["motion"][1] < shot["motion"][2] < 0.04  # meters: the chin of a jaw that opens by 15 degrees
    assert shot["reopened_error"] < 1e-6
    assert shot["reopened_slider"] == pytest.approx(0.6)
    assert shot["worker_ended"]
    assert shot["modules"] == []  # in Blender the package has the extension's name, and only that one
