"""Faces found in scans and fitted to them: pose, unit, holes, insides out, bodies, and what is none.

The scans are of the model itself (synthetic), so that the truth is known; training/fit_evaluation.py tries captures.
"""

import numpy as np
import pytest
from scipy.spatial import ConvexHull, cKDTree
from scipy.spatial.transform import Rotation

from physface_blender.anatomy.mesh import Mesh
from physface_blender.backend.assets import FaceAssets
from physface_blender.backend.character import Character
from physface_blender.backend.errors import IdentityError
from physface_blender.backend.fitted_character import usable_identity
from physface_blender.backend.identity import Identity
from physface_blender.backend.identity_file import load_identity, save_identity
from physface_blender.fitting.errors import FittingCancelled, NoFaceError
from physface_blender.fitting.registration import register, unit_of
from physface_blender.fitting.residual_warp import ResidualWarp
from physface_blender.fitting.scan import Scan
from physface_blender.fitting.scan_to_face import WORST_SCORE_MM, ScanFitter
from physface_blender.fitting.similarity import apply, scale_of
from physface_blender.performance.arkit import expression

INCH_MM = 25.4


@pytest.fixture(scope="module")
def assets():
    return FaceAssets.load()


@pytest.fixture(scope="module")
def fitter(assets):
    return ScanFitter(assets.template, assets.model, assets.space(6.0).skin_parting)


@pytest.fixture(scope="module")
def truth(fitter):
    """A head (V, 3) in mm with a smile, and a bump on the cheek that the model does not know."""
    identity = np.random.default_rng(11).standard_normal(100)
    weights = expression(mouthSmileLeft=0.6, mouthSmileRight=0.6, jawOpen=0.15)
    skin = fitter.model.performed(identity, weights)
    cheek = fitter.template.meshes["skin"].vertices
    distance = np.linalg.norm(cheek - cheek[fitter.template.landmarks68[2]] - [15.0, 0.0, 20.0], axis=1)
    return skin + 2.0 * np.exp(-((distance / 12.0) ** 2))[:, None] * fitter.normals(skin)


def _scan(fitter, vertices: np.ndarray, *, every: int = 1) -> Scan:
    """The outer skin as triangles, its vertices shuffled, without a piece of the cheek."""
    triangles = fitter.template.meshes["skin"].triangles
    outer = fitter.points.outer & (vertices[:, 1] > -130.0)
    hole = np.linalg.norm(vertices - vertices[fitter.template.landmarks68[14]], axis=1) < 8.0
    triangles = triangles[(outer & ~hole)[triangles].all(axis=1)][::every]
    order = np.random.default_rng(0).permutation(len(vertices))
    place = np.argsort(order)
    return Scan.checked(vertices[order], place[triangles])


def _pose(unit_mm: float, seed: int) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3] = Rotation.random(random_state=seed).as_matrix() / unit_mm
    pose[:3, 3] = np.random.default_rng(seed).normal(size=3) * 300.0 / unit_mm
    return pose


@pytest.fixture(scope="module")
def fitted(fitter, truth):
    return fitter.fit(_scan(fitter, truth).moved(_pose(INCH_MM, 4)))


@pytest.mark.slow
def test_a_head_in_inches_with_an_expression_is_fitted(fitter, truth, fitted):
    assert fitted.unit == "inch"
    frame = fitted.to_model @ _pose(INCH_MM, 4)
    assert abs(scale_of(frame) - 1.0) < 1e-5  # single precision in the file
    seen = fitted.distances[fitter.points.face]
    # The bump is 2 mm high and no person of the model has it; lips and lids are left to the model.
    assert np.nanmean(seen) < 0.25
    assert np.nanmean(fitted.distances) < np.nanmean(fitter.compared(fitted.scan, fitted.skin_of_model))
    assert 0.25 < fitted.parameters.expression @ expression(mouthSmileLeft=0.5, mouthSmileRight=0.5) < 0.9
    assert np.abs(fitted.parameters.identity).max() <= 3.5


@pytest.mark.slow
def test_the_finish_stays_within_the_tissue_and_the_bones_follow(fitter, assets, fitted):
    template = fitter.template
    size = np.linalg.norm(fitted.residual, axis=1)
    assert 0.5 < size.max() <= 6.0
    warp = ResidualWarp.of(template, fitted.residual)
    mandible = template.meshes["mandible"].vertices[::50]
    moved = warp.displacement("mandible", mandible)
    assert np.linalg.norm(moved, axis=1).max() < size.max()
    identity, share = usable_identity(Identity(fitted.parameters.identity, fitted.residual), assets, 6.0)
    assert share == 1.0
    np.testing.assert_array_equal(identity.residual, fitted.residual)


@pytest.mark.slow
def test_a_character_of_a_fit_can_be_posed_and_kept(tmp_path, assets, fitted):
    identity = Identity(fitted.parameters.identity, fitted.residual)
    save_identity(tmp_path / "identity.npz", identity)
    again = load_identity(tmp_path / "identity.npz")
    np.testing.assert_array_equal(again.coefficients, identity.coefficients)
    np.testing.assert_allclose(again.residual, identity.residual, atol=1e-6)  # float32
    plain = Character(Identity(fitted.parameters.identity), assets=assets)
    character = Character(again, assets=assets)
    difference = character.rest.vertices["skin"] - plain.rest.vertices["skin"]
    touching = ("contact", "inner_mouth", "upper_lid", "lower_lid", "eye_socket")
    names = [name for name in assets.template.regions if name.startswith(touching)]
    near = np.any([assets.template.regions[name] > 0 for name in names], axis=0)
    skin = assets.template.meshes["skin"].vertices
    outer = cKDTree(skin[near]).query(skin)[0] > 8.0
    assert outer.mean() > 0.4
    # Away from what may touch, which is repaired and fades out, the residual is all that differs.
    np.testing.assert_allclose(difference[outer], identity.residual[outer], atol=1e-3)
    posed = character.pose(expression(jawOpen=0.3), physics=False)
    assert posed.jaw[2, 1] > 0.0 or posed.jaw[1, 2] > 0.0  # the jaw has turned about x


@pytest.mark.parametrize("unit", ["m", "cm", "mm"])
def test_the_face_is_found_in_any_pose_and_unit(unit, fitter, truth):
    unit_mm = {"m": 1000.0, "cm": 10.0, "mm": 1.0}[unit]
    pose = _pose(unit_mm, len(unit))
    found = register(_scan(fitter, truth).moved(pose), fitter.points.mean_face, lambda share: None)
    frame = found.to_model @ pose
    assert found.unit == unit
    assert np.degrees(Rotation.from_matrix(frame[:3, :3] / scale_of(frame)).magnitude()) < 8.0
    # As far as size and shape of the face can be exchanged for each other.
    assert np.linalg.norm(apply(frame, fitter.points.mean_face.nose[None]) - fitter.points.mean_face.nose) < 25.0


def test_a_face_upside_down_is_found(fitter, truth):
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    found = register(_scan(fitter, truth).moved(pose), fitter.points.mean_face, lambda share: None)
    frame = found.to_model @ pose
    assert found.unit == "mm"
    assert np.degrees(Rotation.from_matrix(frame[:3, :3] / scale_of(frame)).magnitude()) < 8.0


def test_a_face_without_head_inside_out_is_found(fitter, truth):
    skin = fitter.template.meshes["skin"]
    triangles = skin.triangles[fitter.points.face[skin.triangles].all(axis=1)]
    mask = Scan.checked(apply(_pose(1.0, 9), truth), triangles[:, ::-1])
    _, found, turned = fitter._found(mask, None, lambda share, text: None)
    assert turned
    assert found.unit == "mm"


def test_a_mirrored_scan_is_found(fitter, truth):
    mirrored = _scan(fitter, truth).mirrored().moved(_pose(1.0, 2))
    assert register(mirrored, fitter.points.mean_face, lambda share: None).score_mm < WORST_SCORE_MM


def test_landmarks_place_a_face_without_a_search(fitter, truth):
    pose = _pose(10.0, 6)
    scan = _scan(fitter, truth).moved(pose)
    landmarks = apply(pose, truth[fitter.template.landmarks68])
    landmarks[:17] = np.nan
    _, found, turned = fitter._found(scan, landmarks, lambda share, text: None)
    assert not turned
    assert found.unit == "cm"
    with pytest.raises(NoFaceError, match="at least 6"):
        fitter.fit(scan, landmarks=np.full((68, 3), np.nan))


@pytest.mark.slow
def test_the_head_of_a_body_is_found(fitter, truth):
    head = _scan(fitter, truth)
    points = np.random.default_rng(3).normal(size=(4000, 3))
    points = points / np.linalg.norm(points, axis=1, keepdims=True) * [240.0, 750.0, 150.0] + [0.0, -900.0, 0.0]
    hull = ConvexHull(points)
    triangles = hull.simplices.copy()
    corners = points[triangles]
    inward = np.einsum(
        "tx,tx->t", np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), hull.equations[:, :3]
    )
    triangles[inward < 0] = triangles[inward < 0][:, ::-1]
    body = Scan.checked(
        np.concatenate([head.vertices, points]), np.concatenate([head.triangles, triangles + len(head.vertices)])
    )
    pose = _pose(1000.0, 5)
    _, found, _ = fitter._found(body.moved(pose), None, lambda share, text: None)
    frame = found.to_model @ pose
    assert found.unit == "m"
    assert np.degrees(Rotation.from_matrix(frame[:3, :3] / scale_of(frame)).magnitude()) < 8.0


@pytest.mark.slow
def test_a_cube_is_no_face(fitter):
    line = np.linspace(-1.0, 1.0, 12)
    u, v = (side.ravel() for side in np.meshgrid(line, line, indexing="ij"))
    index = np.arange(144).reshape(12, 12)
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1).reshape(-1, 4)
    sides, triangles = [], []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            side = np.zeros((144, 3))
            side[:, axis], side[:, (axis + 1) % 3], side[:, (axis + 2) % 3] = sign, u, v
            corners = quads if sign > 0 else quads[:, ::-1]
            triangles.append(np.concatenate([corners[:, :3], corners[:, [0, 2, 3]]]) + 144 * len(sides))
            sides.append(100.0 * side)
    with pytest.raises(NoFaceError, match="No face was found"):
        fitter.fit(Scan.checked(np.concatenate(sides), np.concatenate(triangles)))


def test_a_fit_is_cancelled_at_once(fitter, truth):
    asked = []

    def stop(share: float, text: str) -> bool:
        asked.append(share)
        return False

    with pytest.raises(FittingCancelled):
        fitter.fit(_scan(fitter, truth), stop)
    assert len(asked) == 1


@pytest.mark.parametrize(("scale", "unit"), [(1000.0, "m"), (11.0, "cm"), (0.9, "mm"), (24.0, "inch"), (100.0, "")])
def test_units_from_sizes(scale, unit):
    assert unit_of(scale) == unit


def test_residuals_that_cannot_be_are_refused(assets, tmp_path):
    count = len(assets.template.meshes["skin"].vertices)
    with pytest.raises(IdentityError, match="more than 8 mm"):
        Identity(np.zeros(100), np.full((count, 3), 9.0))
    with pytest.raises(IdentityError, match="three numbers"):
        Identity(np.zeros(100), np.zeros(count))
    with pytest.raises(IdentityError, match="skin vertices"):
        Character(Identity(np.zeros(100), np.zeros((10, 3))), assets=assets)
    with pytest.raises(IdentityError, match="There is no identity"):
        load_identity(tmp_path / "none.npz")


def test_turns_of_a_mesh_are_rotations(fitter):
    from physface_blender.fitting.residual import skin_turns

    skin = fitter.template.meshes["skin"]
    turn = Rotation.from_rotvec([0.3, -0.2, 0.5]).as_matrix()
    turns = skin_turns(Mesh(skin.vertices, skin.faces), skin.vertices, skin.vertices @ turn.T)
    np.testing.assert_allclose(turns, np.broadcast_to(turn.T, turns.shape), atol=1e-9)
