"""What is fitted through contact: the generalized network on one identity, or the style model on one actor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..backend.assets import FaceAssets
from ..backend.rest_shape import make_rest_shape
from ..networks.actuation import ActuationModel
from ..networks.weights import load_weights, read_metadata, read_shape
from ..training.seeds import TRAINED_ACTORS, training_identities
from ..training.style.actors import load_actors
from ..training.style.performer import prepare_performer
from ..training.style.stage_one import VARIANTS
from .actuated_face import ActuatedFace
from .captured_mouth import CapturedMouth, captured_mouth
from .compared_tissue import ComparedTissue
from .contact_fit import TrainableFace
from .performed_mouth import performed_mouth
from .tunable_face import TunableFace

TAKE = "alex_rom_4"
"""A take that the shipped weights were not trained on."""
ROW = "model_cswl"
"""Of table 1: the full model of paper 001."""


@dataclass(frozen=True, eq=False)
class ContactSubject:
    """One network on one face.

    Attributes:
        face: with the weights to begin with.
        capture: what is fitted.
        rate: of Adam. The generalized model, which was trained to its end, is thrown far off by that of the other one.
        page: name of the page and of the picture, without the ending.
        words: what the page calls this: `title`, `capture`, `chosen` (the frames), `weights`, `trained` (what is), `end`.
    """

    face: TrainableFace
    capture: CapturedMouth
    rate: float
    page: str
    words: dict[str, str]


def generalized_subject(
    data: Path, assets: FaceAssets, resolution_mm: float, count: int, cache_directory: Path
) -> ContactSubject:
    """The shipped network on an identity that it was trained on, in frames of a take that it was not trained on.

    Args:
        data: folder of the source data.
        assets: template and model.
        resolution_mm: edge of the cells.
        count: frames.
        cache_directory: where material spaces and repaired rest shapes are kept.
    """
    coefficients = training_identities()[0]
    wanted = _comparable(assets, resolution_mm, cache_directory)
    capture = captured_mouth(data, assets.template, coefficients, TAKE, count, wanted)
    words = {
        "title": "Fitting through contact",
        "capture": "The capture is **synthetic**: the linear shapes of ICT-FaceKit under weights of a "
        f"real take that the shipped weights never saw (`{TAKE}`), on an identity that they did see.",
        "chosen": "the ones that close the lips hardest",
        "weights": "shipped weights",
        "trained": "The network's expression field is",
        "end": "",
    }
    face = TunableFace(assets, coefficients, resolution_mm, capture.vertices, cache_directory)
    return ContactSubject(face, capture, 2e-5, "contact_fitting", words)


def style_subject(
    data: Path, training: Path, assets: FaceAssets, resolution_mm: float, count: int, cache_directory: Path
) -> ContactSubject:
    """Model-CSWL on the first of its actors, in that actor's own style.

    Args:
        data: folder of the source data, of which the actor is made where the training's folder lacks it.
        training: folder of ``build.py train actuation``.
        assets: template and model.
        resolution_mm: edge of the cells.
        count: frames.
        cache_directory: where material spaces and repaired rest shapes are kept.

    Raises:
        WeightsError: the training has left no weights of Model-CSWL.
    """
    file = training / ROW / "actuation.safetensors"
    (width,) = read_shape(file, "first.bias")
    model = ActuationModel(VARIANTS[ROW].settings(TRAINED_ACTORS, width))
    load_weights(model, "actuation", file)
    stage = read_metadata(file)["stage"]
    actor = load_actors(data, training / "actors", 1)[0]
    shared = assets.space(resolution_mm, cache_directory)
    performer = prepare_performer(actor, assets.model, assets.template, shared.space, training)
    capture = performed_mouth(assets.template, actor, count, _comparable(assets, resolution_mm, cache_directory))
    shape = make_rest_shape(assets, shared, assets.model.actor(actor.identity), cache_directory)
    face = ActuatedFace(
        ComparedTissue.of(shared, shape, capture.vertices),
        model,
        model.styles[0],
        performer.cell_coordinates,
        performer.cell_rotations,
        performer.jaw_frame,
    )
    words = {
        "title": "Fitting the style model through contact",
        "capture": "Here it is done with N_A of Model-CSWL, on the first of the six actors that it learns, in that actor's "
        "own style. The actors are **synthetic** (see [the format of an actor's capture](../formats/actor.md)): their "
        "identities and styles are drawn; what they perform comes from real takes.",
        "chosen": f"those in which most do, two thirds of a second or more apart: {count - count // 3} of performances "
        "that the model learns, the others of its held-out ones",
        "weights": f"weights of the {stage} stage",
        "trained": f"The weights are those of the {stage} stage, {width} units a layer. N_A puts out one tensor a cell, at "
        "the cells of the product's simulator through the actor's canonical map, and N_B the jaw. Only N_A is trained, all "
        "of its weights: they are",
        "end": " The trained weights are not kept.",
    }
    return ContactSubject(face, capture, 1e-4, "style_contact_fitting", words)


def _comparable(assets: FaceAssets, resolution_mm: float, cache_directory: Path) -> np.ndarray:
    """Which vertices of the skin (V,) can be compared: carried by tissue, of the face, and not inside the mouth."""
    regions = assets.template.regions
    carried = np.zeros(len(assets.template.meshes["skin"].vertices), dtype=bool)
    carried[assets.space(resolution_mm, cache_directory).inside] = True
    return carried & (regions["face"] > 0.5) & (regions["inner_mouth"] <= 0.5)
