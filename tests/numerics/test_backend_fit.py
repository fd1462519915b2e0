"""Scans through the backend: fitted with progress, cancelled, refused, bound, and used again from a file."""

import numpy as np
import pytest

from physface_blender.anatomy.template import load_template
from physface_blender.backend import messages
from physface_blender.backend.service import Service
from physface_blender.backend.settings import BackendSettings
from physface_blender.performance.arkit import expression

NEUTRAL = (0.0,) * 52


@pytest.fixture(scope="module")
def replies():
    return []


@pytest.fixture(scope="module")
def cancelled():
    return set()


@pytest.fixture(scope="module")
def service(tmp_path_factory, replies, cancelled):
    settings = BackendSettings(thread_count=1, cache_directory=tmp_path_factory.mktemp("cache"))
    return Service(settings, replies.append, lambda serial: serial in cancelled)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """The mean face in centimeters, with a vertex that no face uses, as a file; and its vertices."""
    template = load_template()
    skin = template.meshes["skin"]
    inner = np.any([template.regions[name] > 0.5 for name in ("inner_mouth", "eye_socket_left", "eye_socket_right")], 0)
    triangles = skin.triangles[~inner[skin.triangles].any(axis=1)] + 2
    vertices = np.concatenate([[[0.0, 0.0, 0.0]], skin.vertices]) / 10.0
    path = tmp_path_factory.mktemp("scan") / "mean.obj"
    with path.open("w") as stream:
        stream.writelines(f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in vertices)
        stream.writelines(f"f {a} {b} {c}\n" for a, b, c in triangles)
    return path, vertices


def ask(service, replies, request):
    before = len(replies)
    service.handle(request)
    return replies[before:]


@pytest.mark.slow
def test_a_scan_becomes_a_character_that_carries_it(service, replies, scan, tmp_path):
    path, vertices = scan
    kept = tmp_path / "identity.npz"
    request = messages.FitScan(
        serial=1, character="Face", path=str(path), identity_file=str(kept), at_rest=True, bind=True, resolution_mm=7.0
    )
    *progress, fitted = ask(service, replies, request)
    assert isinstance(fitted, messages.ScanFitted), fitted
    assert all(isinstance(reply, messages.Progress) for reply in progress)
    assert len(progress) > 2
    assert (fitted.unit, fitted.was_inside_out, fitted.residual_share) == ("cm", False, 1.0)
    assert fitted.mean_distance_mm < 0.15
    *_, posed = ask(service, replies, messages.PoseLive(serial=2, character="Face", expression=NEUTRAL, physics=True))
    # At rest the mesh is the one that came, in its own frame, unit (cm) and order; poses are exact to 0.01 mm.
    np.testing.assert_allclose(posed.arrays["bound_head"], vertices, atol=0.002)
    opened = messages.PoseLive(serial=3, character="Face", expression=tuple(expression(jawOpen=0.6)))
    [posed] = ask(service, replies, opened)
    moved = posed.arrays["bound_head"] - vertices
    chin = 1 + load_template().landmarks68[8]
    assert moved[chin, 1] < -1.0  # centimeters
    np.testing.assert_allclose(moved[0], 0.0, atol=1e-12)
    _parts_go_with_it(service, replies, tmp_path, posed)
    again = messages.CreateCharacter(serial=4, character="Again", identity_file=str(kept), resolution_mm=7.0)
    ready = ask(service, replies, again)[-1]
    # Single precision in the file; from there the repair of what touches at rest ends within its own accuracy.
    np.testing.assert_allclose(ready.arrays["skin"], fitted.arrays["skin"], atol=0.05)
    assert np.median(np.abs(ready.arrays["skin"] - fitted.arrays["skin"])) < 1e-5


def _parts_go_with_it(service, replies, folder, opened):
    """Lower teeth and an eye of their own, each in a frame of its own: teeth in meters, the eye upside down."""
    template = load_template()
    jaw, eyeball = template.meshes["lower_teeth"], template.meshes["eye_left"]
    meters, turned = np.diag([1000.0, 1000.0, 1000.0, 1.0]), np.diag([1.0, -1.0, -1.0, 1.0])
    parts = {"jaw": ("teeth", jaw, meters, 0.001), "eye": ("eye_left", eyeball, turned, [1.0, -1.0, -1.0])}
    for serial, (name, (kind, mesh, place, back)) in enumerate(parts.items(), start=40):
        path = folder / f"{name}.obj"
        with path.open("w") as stream:
            stream.writelines(f"v {x:.8f} {y:.8f} {z:.8f}\n" for x, y, z in mesh.vertices * back)
            stream.writelines(f"f {a} {b} {c}\n" for a, b, c in mesh.triangles + 1)
        request = messages.BindPart(
            serial=serial, character="Face", name=name, kind=kind, path=str(path), to_model=tuple(place.ravel())
        )
        [bound] = ask(service, replies, request)
        assert isinstance(bound, messages.MeshBound), bound
    looking = tuple(expression(jawOpen=0.6, eyeLookDownLeft=0.8))
    [posed] = ask(service, replies, messages.PoseLive(serial=45, character="Face", expression=looking))
    went = opened.arrays["jaw"][:3, :3] @ jaw.vertices.T + opened.arrays["jaw"][:3, 3:]
    # They lie as they came on the rest that was fitted, whose jaw is half a millimeter off the template's.
    np.testing.assert_allclose(posed.arrays["bound_jaw"] * 1000.0, went.T, atol=0.8)
    assert (posed.arrays["bound_jaw"] * 1000.0 - jaw.vertices)[:, 1].mean() < -3.0
    eye = posed.arrays["bound_eye"] * [1.0, -1.0, -1.0]
    pupil = eyeball.vertices[:, 2].argmax()
    assert (eye - eyeball.vertices)[pupil, 1] < -1.0, "the eye looks down"
    center = template.eye_centers["eye_left"]
    before, after = (np.linalg.norm(vertices - center, axis=1) for vertices in (eyeball.vertices, eye))
    np.testing.assert_allclose(after, before, atol=0.6)  # it turns about the middle of its own vertices
    for change, sentence in (({"kind": "hat"}, "kind of teeth"), ({"to_model": (0.0,) * 16}, "with an inverse")):
        values = {"serial": 50, "character": "Face", "name": "jaw", "kind": "teeth", "path": str(folder / "jaw.obj")}
        [reply] = ask(service, replies, messages.BindPart(**(values | {"to_model": tuple(meters.ravel())} | change)))
        assert sentence in reply.sentence


def test_a_fit_is_cancelled(service, replies, cancelled, scan):
    cancelled.add(10)
    reply = ask(service, replies, messages.FitScan(serial=10, character="None", path=str(scan[0]), resolution_mm=7.0))[
        -1
    ]
    assert isinstance(reply, messages.Cancelled)
    assert "None" not in service.status().characters


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"path": "nowhere.obj"}, "scan", "There is no scan"),
        ({"parts": {"teeth": "teeth.obj"}}, "fitting", "ask for it to be bound"),
        ({"parts": {"hat": "hat.obj"}, "bind": True}, "fitting", "no kind of part 'hat'"),
        ({"landmarks": ((0.0, 0.0, 0.0),) * 5}, "settings", "68 points"),
    ],
)
def test_what_cannot_be_fitted_gets_a_sentence(change, kind, sentence, service, replies, scan):
    values = {"serial": 20, "character": "None", "path": str(scan[0]), "resolution_mm": 7.0} | change
    [reply] = ask(service, replies, messages.FitScan(**values))
    assert isinstance(reply, messages.Failed)
    assert reply.kind == kind
    assert sentence in reply.sentence


def test_an_identity_file_that_is_not_there_gets_a_sentence(service, replies):
    request = messages.CreateCharacter(serial=30, character="None", identity_file="nowhere.npz", resolution_mm=7.0)
    [reply] = ask(service, replies, request)
    assert (reply.kind, "There is no identity" in reply.sentence) == ("identity", True)
