"""Where in a scan the face is, and in what unit: from no knowledge at all to a pose from which a fit converges.

The mean face is tried on the scan at many places: its nose at points all over the surface, looking along the normal
there, in every roll, in every unit that makes sense. The best of these are improved by point-to-plane ICP with a free
scale, the best of those with a face that may change its shape, too; the one that fits best says pose and unit.
Distances are capped, so that hair, holes, neck and shoulders do not matter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from .scan import Scan
from .similarity import apply, scale_of, similarity_rows, small_similarity

UNITS_MM = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "inch": 25.4}
UNIT_TOLERANCE = 1.22
"""A face that is up to so many times larger or smaller than the mean face in a unit is taken to be in that unit."""
PLAUSIBLE_MM = (110.0, 2600.0)
"""Diagonal of what a unit may make of a scan: from half a face to a person."""
GUESSED_DIAGONALS_MM = (260.0, 420.0, 700.0)
"""Of a face, a head and a bust, for scans in no unit."""
ROLLS = 12
CAP_MM = 12.0
"""No point of the face counts as farther away than this."""
SCORE_CAP_MM = 3.0
FACING_MM = 10.0
SHAPE_MM = 0.005
"""What counts in the end beside the distance, capped at less: how far the normals differ (of 1 - cosine), and how
unlikely the face has become (of the square of its standard deviations). Any smooth surface can be approached by a
strange enough face."""
GOOD_MM = 1.2
"""A score with which the search ends."""
SAMPLE_COUNT = 16_000
COARSE_POINTS, FINE_POINTS = 96, 400
APART_DEGREES, APART_MM = 25.0, 25.0
"""Starts nearer to each other than both end at the same place."""
SHAPE_PRIOR = 4.0


@dataclass(frozen=True, eq=False)
class MeanFace:
    """What is looked for: the frontal face of the mean.

    Attributes:
        points: (P, 3) mm, spread evenly, best ones first: any beginning of them is spread evenly too.
        normals: (P, 3).
        modes: (K, P, 3) what a standard deviation of its shape and expression adds to the points, mm.
        nose: (3,) tip of the nose, mm.
    """

    points: np.ndarray
    normals: np.ndarray
    modes: np.ndarray
    nose: np.ndarray


@dataclass(frozen=True, eq=False)
class Registration:
    """A pose of the scan.

    Attributes:
        to_model: (4, 4) similarity that takes the scan to the frame of the model, mm.
        score_mm: how badly the face fits: about 0.5 for a face, 2 and more for what is none.
        unit: of the scan, a key of ``UNITS_MM``; empty where its size fits none.
    """

    to_model: np.ndarray
    score_mm: float
    unit: str


def register(scan: Scan, face: MeanFace, tell: Callable[[float], None]) -> Registration:
    """Find the face in a scan.

    Args:
        scan: outside outside.
        face: the mean face.
        tell: told the share done, 0..1; what it raises ends the search.

    Returns:
        The best pose found, good or not.
    """
    samples = _Samples.of(scan)
    groups = _scales(samples.diagonal)
    attempts = [(search, scale) for search in SEARCHES for group in groups for scale in group]
    best: Registration | None = None
    done = 0
    for search in SEARCHES:
        for group in groups:
            found: list[tuple[float, np.ndarray]] = []
            for scale in group:
                found += _best_starts(samples, face, scale, search)
                done += 1
                tell(done / len(attempts))
            refined = _refined(samples, face, found, search)
            if best is None or refined.score_mm < best.score_mm:
                best = refined
            if best.score_mm < GOOD_MM:
                tell(1.0)
                return best
    tell(1.0)
    return best


@dataclass(frozen=True)
class _Search:
    """How thorough a search is.

    Attributes:
        spacing_mm: distance of the places where the nose is tried.
        most_places: at most so many.
        brief: starts that get a brief ICP.
        thorough: starts that get one with a face that may change.
    """

    spacing_mm: float
    most_places: int
    brief: int
    thorough: int


SEARCHES = (_Search(22.0, 1200, 60, 8), _Search(12.0, 3000, 160, 30))
"""The second one is for what the first does not find."""


def _scales(diagonal: float) -> list[list[float]]:
    """Millimeters per unit of the scan that are worth a try: first those of units, then guesses."""
    low, high = PLAUSIBLE_MM
    units = [mm for mm in UNITS_MM.values() if low <= mm * diagonal <= high]
    guesses = [size / diagonal for size in GUESSED_DIAGONALS_MM]
    guesses = [guess for guess in guesses if all(abs(np.log(guess / unit)) > 0.2 for unit in units)]
    return [group for group in (units, guesses) if group]


@dataclass(frozen=True, eq=False)
class _Samples:
    """Points spread evenly over a scan."""

    points: np.ndarray
    normals: np.ndarray
    tree: cKDTree
    area: float
    diagonal: float

    @classmethod
    def of(cls, scan: Scan) -> _Samples:
        corners = scan.vertices[scan.triangles]
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area = np.linalg.norm(cross, axis=1) / 2.0
        generator = np.random.default_rng(1)
        chosen = generator.choice(len(area), SAMPLE_COUNT, p=area / area.sum())
        weights = generator.dirichlet(np.ones(3), SAMPLE_COUNT)
        points = np.einsum("sc,scx->sx", weights, corners[chosen])
        normals = np.einsum("sc,scx->sx", weights, scan.normals[scan.triangles[chosen]])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        diagonal = float(np.linalg.norm(np.ptp(points, axis=0)))
        return cls(points, normals, cKDTree(points), float(area.sum()), diagonal)

    def distances(
        self, points: np.ndarray, normals: np.ndarray, scale: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Compare points (..., 3) with the samples.

        Args:
            points: in the frame and unit of the scan.
            normals: (..., 3) unit vectors.
            scale: millimeters per unit.

        Returns:
            Capped distances (...) in mm from the plane of the nearest sample (farther aside than the samples lie from
            each other, and from behind, counts in full), the index of that sample, and whether it is near.
        """
        distance, index = self.tree.query(points, distance_upper_bound=CAP_MM / scale)
        near = np.isfinite(distance)
        index = np.where(near, index, 0)
        near &= np.einsum("...x,...x->...", normals, self.normals[index]) > 0.3
        across = np.abs(np.einsum("...x,...x->...", points - self.points[index], self.normals[index]))
        spacing = 1.5 * np.sqrt(self.area / len(self.points))
        aside = np.sqrt(np.maximum(np.where(near, distance, 0.0) ** 2 - across**2, 0.0)) - spacing
        return np.where(near, scale * np.hypot(across, np.maximum(aside, 0.0)), CAP_MM), index, near


def _best_starts(samples: _Samples, face: MeanFace, scale: float, search: _Search) -> list[tuple[float, np.ndarray]]:
    """The best poses at one scale, as (capped distance, similarity from model to scan)."""
    count = int(np.clip(samples.area * scale**2 / search.spacing_mm**2, 80, search.most_places))
    generator = np.random.default_rng(2)
    anchors = samples.points[generator.choice(len(samples.points), count, replace=False)]
    # The nose is narrow: the direction of a face is that of the surface around it.
    around = samples.tree.query_ball_point(anchors, 30.0 / scale)
    forward = np.array([samples.normals[near].mean(axis=0) for near in around])
    forward /= np.maximum(np.linalg.norm(forward, axis=1, keepdims=True), 1e-12)
    helper = np.where(np.abs(forward[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])
    side = np.cross(helper, forward)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12)
    frames = np.stack([side, np.cross(forward, side), forward], axis=2)
    rolls = Rotation.from_euler("z", np.arange(ROLLS) * 360.0 / ROLLS, degrees=True).as_matrix()
    rotations = np.einsum("aij,rjk->arik", frames, rolls).reshape(-1, 3, 3)
    places = np.repeat(anchors, ROLLS, axis=0)
    points, normals = face.points[:COARSE_POINTS] - face.nose, face.normals[:COARSE_POINTS]
    scores = np.empty(len(rotations))
    for some in np.array_split(np.arange(len(rotations)), max(1, len(rotations) // 500)):
        turned = np.einsum("cij,pj->cpi", rotations[some], points) / scale + places[some, None]
        facing = np.einsum("cij,pj->cpi", rotations[some], normals)
        scores[some] = samples.distances(turned, facing, scale)[0].mean(axis=1)
    starts: list[tuple[float, np.ndarray]] = []
    for index in np.argsort(scores)[: 15 * search.brief]:
        start = np.eye(4)
        start[:3, :3] = rotations[index] / scale
        start[:3, 3] = places[index] - start[:3, :3] @ face.nose
        if not any(_is_near(start, other, face.nose) for _, other in starts):
            starts.append((float(scores[index]), start))
        if len(starts) == search.brief:
            break
    return starts


def _is_near(pose: np.ndarray, other: np.ndarray, nose: np.ndarray) -> bool:
    """Whether two similarities from the model put the face at about the same place."""
    scale = scale_of(pose)
    cosine = (np.trace(pose[:3, :3].T @ other[:3, :3]) / (scale * scale_of(other)) - 1.0) / 2.0
    apart = np.linalg.norm(apply(pose, nose[None]) - apply(other, nose[None])) / scale
    return bool(cosine > np.cos(np.radians(APART_DEGREES)) and apart < APART_MM)


def _refined(
    samples: _Samples, face: MeanFace, starts: list[tuple[float, np.ndarray]], search: _Search
) -> Registration:
    """The best of the starts after ICP: many of them briefly, the best with a face that may change its shape."""
    starts = sorted(starts, key=lambda entry: entry[0])[: search.brief]
    brief: list[tuple[float, np.ndarray]] = []
    for found in sorted((_icp(samples, face, pose, 160, 10, 0) for _, pose in starts), key=lambda entry: entry[0]):
        if not any(_is_near(found[1], other, face.nose) for _, other in brief):
            brief.append(found)
    shapes = len(face.modes)
    thorough = [_icp(samples, face, pose, FINE_POINTS, 20, shapes) for _, pose in brief[: search.thorough]]
    score, pose = min(thorough, key=lambda entry: entry[0])
    to_model = np.linalg.inv(pose)
    return Registration(to_model, score, unit_of(scale_of(to_model)))


def unit_of(scale: float) -> str:
    """The unit whose size in mm is near a scale; empty when there is none."""
    name = min(UNITS_MM, key=lambda unit: abs(np.log(scale / UNITS_MM[unit])))
    return name if abs(np.log(scale / UNITS_MM[name])) < np.log(UNIT_TOLERANCE) else ""


def _icp(
    samples: _Samples, face: MeanFace, pose: np.ndarray, count: int, steps: int, shapes: int
) -> tuple[float, np.ndarray]:
    """Point-to-plane ICP of the first points of the face; (score, similarity from the model to the scan).

    Size is free, and so is the shape of the face along its first modes.
    """
    modes, normals = face.modes[:shapes, :count], face.normals[:count]
    shape, first = np.zeros(shapes), scale_of(pose)
    for _ in range(steps):
        points = face.points[:count] + np.einsum("k,kpx->px", shape, modes)
        scale = scale_of(pose)
        rotation = pose[:3, :3] / scale
        placed = apply(pose, points)
        distance, index, near = samples.distances(placed, normals @ rotation.T, 1.0 / scale)
        if near.sum() < 20:
            break
        planes = samples.normals[index[near]]
        center = placed[near].mean(axis=0)
        # In millimeters, so that the priors mean something.
        rows = similarity_rows((placed[near] - center) / scale, planes, np.zeros(3))
        bent = np.einsum("kpx,px->pk", modes[:, near], planes @ rotation)
        rows = np.concatenate([rows, bent], axis=1)
        errors = np.einsum("px,px->p", samples.points[index[near]] - placed[near], planes) / scale
        weights = 1.0 / (1.0 + (distance[near] / 4.0) ** 2) ** 2
        # Sliding over a smooth surface is held back a little; sizes far from the start a little more.
        prior = np.concatenate(
            [weights.sum() * np.array([3.6] * 3 + [1e-3] * 3 + [36.0]), np.full(shapes, SHAPE_PRIOR)]
        )
        wanted = np.concatenate([np.zeros(6), [np.log(first / scale)], -shape])
        system = (rows * weights[:, None]).T @ rows + np.diag(prior)
        step = np.linalg.solve(system, (rows * weights[:, None]).T @ errors + prior * wanted)
        shape = shape + step[7:]
        step[3:6] *= scale
        pose = small_similarity(step[:7], center) @ pose
        if np.abs(step[:3]).max() < 1e-4 and np.abs(step[3:6]).max() < 1e-3 * scale:
            break
    points = face.points[:count] + np.einsum("k,kpx->px", shape, modes)
    scale = scale_of(pose)
    facing = normals @ pose[:3, :3].T / scale
    distance, index, near = samples.distances(apply(pose, points), facing, 1.0 / scale)
    if not near.any():
        return CAP_MM, pose
    turned = 1.0 - np.einsum("px,px->p", facing[near], samples.normals[index[near]])
    score = np.minimum(distance, SCORE_CAP_MM).mean() + FACING_MM * turned.mean() + SHAPE_MM * shape @ shape
    return float(score), pose
