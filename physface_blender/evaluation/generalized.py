"""``build.py evaluate generalized``: tables 2, 3 and 5 and figure 12 of the generalized model's paper on our captures."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..anatomy.array_store import read_arrays, write_arrays
from ..anatomy.mesh import Mesh
from ..backend.assets import FaceAssets
from ..backend.settings import default_cache_directory
from ..benchmark.machine import describe_machine, today
from ..fitting.face_model import FaceModel
from ..fitting.face_points import FacePoints
from ..fitting.parameters import FaceParameters
from ..networks.generalized import GeneralizedNetwork, load_generalized
from ..training.expressions import ExpressionSampler
from ..training.generalized.configuration import ABLATION_CONFIGURATIONS, ABLATIONS
from ..training.generalized.run import RESOLUTION_MM, run_ablations
from .capture_fit import CaptureFit
from .captured_faces import SEQUENCES, CapturedFaces, CapturedFrame
from .generalized_page import write_page
from .linear_model import LinearModel
from .network_constraints import NetworkConstraints
from .simulated_faces import SimulatedFaces, Simulation
from .skin_errors import SkinErrors, mean_figures, shares_below

RESOLUTIONS_MM = (4.5, 2.0, 6.8, 3.0)
"""In this order, so that what the product uses is measured first."""
FINEST_MM = 1.3
CONTACT_MM = 4.5
PARTING_MM = RESOLUTION_MM
"""Of the material space from which parting and attachment points are taken: the one that the network is trained in. In a
coarser one the parting of the same skin differs a little, and what that costs is not the network's error."""
ABLATED_IDENTITIES = 10
CURVE_LIMITS_MM = np.linspace(0.0, 3.0, 121)
CONSTRAINTS = (
    "jaw_rigidity_mm", "skull_fixation_mm", "bone_fidelity_mm", "jaw_angle_error_deg", "jaw_translation_error_mm"
)  # fmt: skip

Tell = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class NetworkResult:
    """A network on one test set, without simulation.

    Attributes:
        frames: the set.
        parameters: fitted ones, or the true ones.
        errors: of the network's skin, frame by frame.
        constraints: means of ``CONSTRAINTS``, and the worst angle.
        penetration_pairs: over all identities of the set, at rest.
    """

    frames: list[CapturedFrame]
    parameters: list[FaceParameters]
    errors: list[SkinErrors]
    constraints: dict[str, float]
    penetration_pairs: int


@dataclass
class Evaluation:
    """Evaluates networks on the test sets.

    Args:
        assets: template and shipped model.
        faces: the captures.
        sets: test sets by name; ``static`` is fitted.
    """

    assets: FaceAssets
    faces: CapturedFaces
    sets: dict[str, list[CapturedFrame]]
    tell: Callable[[str], None]
    curves: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Prepare what all networks are measured with."""
        template = self.assets.template
        self.skin = template.meshes["skin"]
        self.space = self.assets.space(PARTING_MM, default_cache_directory())
        model = FaceModel.at(self.assets.model.network, self.skin.vertices, self.space.skin_parting)
        self.face = FacePoints.of(template, model).face

    def errors(self, skin: np.ndarray, frame: CapturedFrame) -> SkinErrors:
        """Errors of a posed skin (V, 3)."""
        return SkinErrors.of(self.faces.correspondence, Mesh(skin, self.skin.faces), self.face, frame.face)

    def network(self, network: GeneralizedNetwork, name: str, chosen: Sequence[int] | None = None) -> NetworkResult:
        """Measure a network on chosen frames of a set; on all of them without a choice."""
        frames = self.sets[name] if chosen is None else [self.sets[name][index] for index in chosen]
        fit = CaptureFit(network, self.faces)
        constraints = NetworkConstraints(network, self.assets.template, self.space.space, self.faces)
        model = FaceModel.at(network, self.skin.vertices, self.space.skin_parting)
        parameters, errors, measured = [], [], []
        pairs: dict[bytes, int] = {}
        for number, frame in enumerate(frames):
            self.tell(f"{name}, network: frame {number + 1} of {len(frames)}")
            found = fit.fit(frame) if name == "static" else FaceParameters(frame.identity, frame.expression)
            parameters.append(found)
            errors.append(self.errors(model.performed(found.identity, found.expression), frame))
            measured.append(constraints.measure(found, frame))
            key = found.identity.tobytes()
            if key not in pairs:
                pairs[key] = constraints.penetration_pairs(found.identity)
        means = {key: round(float(np.mean([row[key] for row in measured])), 4) for key in CONSTRAINTS}
        means["jaw_angle_error_worst_deg"] = round(max(row["jaw_angle_error_deg"] for row in measured), 4)
        return NetworkResult(frames, parameters, errors, means, sum(pairs.values()))

    def simulated(
        self, simulator: SimulatedFaces, result: NetworkResult, simulation: Simulation, name: str
    ) -> dict[str, Any]:
        """Figures of the frames of a result, simulated, beside the network's on the same frames."""
        skins, unconverged = simulator.skins(result.parameters, simulation, name)
        errors = [self.errors(skin, frame) for skin, frame in zip(skins, result.frames, strict=True)]
        label = f"{simulation.resolution_mm:.1f}" + (" with contact" if simulation.contact else "")
        self.curves[f"{name} {label}"] = shares_below(errors, CURVE_LIMITS_MM)
        network = mean_figures(result.errors)
        own = mean_figures(errors)
        return {
            **own,
            "frames": len(errors),
            "not_converged": unconverged,
            "network_v2v_mm": network["v2v_mm"],
            "above_network_percent": round(100.0 * (own["v2v_mm"] / network["v2v_mm"] - 1.0), 2),
        }


def evaluate_generalized(words: Sequence[str], tell: Tell) -> int:
    """Parse the command line, evaluate, and write page, figures and curves; returns 0, or 2 without the source data.

    Args:
        words: of the command line.
        tell: told the share done and what is being done.
    """
    parser = argparse.ArgumentParser(prog="build.py evaluate generalized", description=__doc__.split(": ", 1)[1])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the source data")
    parser.add_argument("--identities", type=int, default=28, metavar="N", help="of the 28 unseen ones, fitted")
    parser.add_argument("--simulated", type=int, default=8, metavar="N", help="identities of each set")
    parser.add_argument("--frames", type=int, default=4, metavar="N", help="of each of the five sequences")
    parser.add_argument("--finest", type=int, default=2, metavar="N", help="frames a set at 1.3 mm, 0 for none")
    parser.add_argument("--ablations", type=Path, default=Path("build/training/ablations"), help="their trainings")
    parser.add_argument("--without-ablations", action="store_true", help="leave them as they were measured before")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--out", type=Path, default=Path("docs/evaluation"), metavar="DIR", help="folder of the page")
    parser.add_argument("--kept", type=Path, default=Path("build/evaluation/generalized"), help="folder of skins")
    options = parser.parse_args(words)
    if not (options.data / "ict_facekit").is_dir():
        tell(0.0, f"There is no ict_facekit folder in {options.data}; name the source data with --data.")
        return 2
    torch.set_num_threads(options.threads)
    started = time.process_time()
    tell(0.0, "Preparing the captures")
    assets = FaceAssets.load(thread_count=options.threads)
    space = assets.space(PARTING_MM, default_cache_directory()).space
    faces = CapturedFaces.load(options.data, assets.template, space)
    sets = {
        "static": faces.static(options.data, options.identities),
        "dynamic": faces.dynamic(options.data, options.frames),
    }
    evaluation = Evaluation(assets, faces, sets, lambda text: tell(0.05, text))
    options.kept.mkdir(parents=True, exist_ok=True)
    report = _measured_already(options.out / "generalized.json", assets.model_hash, sets)
    if report is None:
        results = {name: evaluation.network(assets.model.network, name) for name in sets}
        report = _network_report(evaluation, results)
        report["linear_model"] = _linear_model(evaluation, options.data)
    else:
        evaluation.curves.update(read_arrays(options.kept / "curves.npz") or {})
        evaluation.curves.pop("limits_mm", None)
    facts = {
        "command": " ".join(["python3 build.py evaluate generalized", *words]),
        "date": today(),
        "machine": describe_machine(),
        "model_hash": assets.model_hash,
        "parting_mm": PARTING_MM,
    }

    def write() -> None:
        report.update(facts, cpu_minutes=round((time.process_time() - started) / 60.0, 1))
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "generalized.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        write_page(options.out / "generalized.md", report)
        write_arrays(options.kept / "curves.npz", {"limits_mm": CURVE_LIMITS_MM, **evaluation.curves})

    write()
    simulator = SimulatedFaces(assets, options.kept, default_cache_directory(), options.threads, evaluation.tell)
    network = assets.model.network
    people = {
        "static": _spread(options.identities, options.simulated),
        "dynamic": _spread(SEQUENCES, options.simulated),
    }
    chosen = {
        "static": people["static"],
        "dynamic": [options.frames * person + frame for person in people["dynamic"] for frame in range(options.frames)],
    }
    simulated = {name: evaluation.network(network, name, chosen[name]) for name in sets}
    plans = [(Simulation(resolution), simulated) for resolution in RESOLUTIONS_MM]
    plans.append((Simulation(CONTACT_MM, contact=True), simulated))
    if options.finest:
        few = {name: evaluation.network(network, name, chosen[name][: options.finest]) for name in sets}
        plans.append((Simulation(FINEST_MM), few))
    for simulation, results in plans:
        for name, result in results.items():
            row = evaluation.simulated(simulator, result, simulation, name)
            kind = "simulated_with_contact" if simulation.contact else "simulated"
            report[name].setdefault(kind, {})[f"{simulation.resolution_mm:.1f}"] = row
            write()
    if not options.without_ablations:
        report["ablations"] = _ablations(evaluation, options.data, options.ablations, tell)
        budget = ABLATION_CONFIGURATIONS["cpu"]
        report["ablation_budget"] = {
            "steps": budget.iterations, "batch": budget.batch, "rate": budget.learning_rate,
            "identities": min(ABLATED_IDENTITIES, options.identities),
        }  # fmt: skip
        write()
    return 0


def _spread(count: int, wanted: int) -> list[int]:
    """At most as many numbers below the count as are wanted, evenly spread."""
    return np.linspace(0, count - 1, min(wanted, count)).astype(int).tolist()


def _measured_already(path: Path, model_hash: str, sets: dict[str, list[CapturedFrame]]) -> dict[str, Any] | None:
    """The report of an earlier run of the same model on the same sets, if there is one."""
    if not path.is_file():
        return None
    report = json.loads(path.read_text(encoding="utf-8"))
    same = (report.get("model_hash"), report.get("parting_mm")) == (model_hash, PARTING_MM) and all(
        report[name]["network"]["frames"] == len(frames) for name, frames in sets.items()
    )
    return report if same else None


def _network_report(evaluation: Evaluation, results: dict[str, NetworkResult]) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for name, result in results.items():
        evaluation.curves[f"{name} network"] = shares_below(result.errors, CURVE_LIMITS_MM)
        report[name] = {
            "network": {**mean_figures(result.errors), "frames": len(result.frames)},
            "simulated": {},
            **result.constraints,
            "penetration_pairs": result.penetration_pairs,
        }
    for name in ("jaw_rigidity_mm", "skull_fixation_mm", "jaw_angle_error_deg", "jaw_translation_error_mm"):
        report[name] = max(report[each][name] for each in results)
    report["penetration_pairs"] = sum(result.penetration_pairs for result in results.values())
    report["bone_fidelity_mm"] = report["static"]["bone_fidelity_mm"]
    return report


def _linear_model(evaluation: Evaluation, data: Path) -> dict[str, float]:
    """V2V of a linear model of 152 parameters in mm."""
    model = LinearModel.learn(evaluation.faces, ExpressionSampler(data))

    def mean(faces: list[np.ndarray], frames: list[CapturedFrame]) -> float:
        distances = [
            np.linalg.norm(found - frame.face, axis=1).mean() for found, frame in zip(faces, frames, strict=True)
        ]
        return round(float(np.mean(distances)), 4)

    static, dynamic = evaluation.sets["static"], evaluation.sets["dynamic"]
    return {
        "static_v2v_mm": mean([model.fitted(frame.face) for frame in static], static),
        "dynamic_v2v_mm": mean([model.performed(frame.identity, frame.expression) for frame in dynamic], dynamic),
    }


def _ablations(evaluation: Evaluation, data: Path, folder: Path, tell: Tell) -> dict[str, Any]:
    """The shipped weights and every row of the ablations on both sets, network alone; missing trainings are made first."""
    run_ablations("cpu", data, folder, tell)
    networks = {row: load_generalized(folder / row / "generalized.safetensors").network for row in ABLATIONS}
    rows: dict[str, Any] = {}
    for row, network in {"shipped": evaluation.assets.model.network, **networks}.items():
        rows[row] = {}
        for name, frames in evaluation.sets.items():
            few = range(min(ABLATED_IDENTITIES, len(frames))) if name == "static" else None
            result = evaluation.network(network, name, few)
            rows[row][name] = {
                **mean_figures(result.errors),
                **result.constraints,
                "penetration_pairs": result.penetration_pairs,
            }
    return rows
