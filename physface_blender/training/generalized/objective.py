"""The training objective of the generalized model: what one step is shown, and its losses."""

from dataclasses import dataclass, fields

import torch

from ...networks.generalized import (
    COORDINATE_SCALE_MM,
    DISPLACEMENT_SCALE_MM,
    LEARNED_SIZE,
    PARTING_SCALE,
    GeneralizedNetwork,
)
from ..captures import CaptureSynthesizer
from .configuration import Configuration
from .losses import elastic_loss, inverse, position_loss, rigid_loss, soft_loss
from .material_samples import MaterialPoints, MaterialSamples

MANDIBLE_PARTING = -1.0
"""Points of the mandible itself (not embedded in tissue) count as material of the lower side."""


@dataclass(frozen=True)
class Lesson:
    """What one step is shown: B pairs of an identity and an expression, at points that all pairs share. Lengths in mm.

    Attributes:
        identities: (B, 100) coefficients.
        expressions: (B, 52) ARKit weights.
        rest_points: (P, 3) canonical, on all parts of the face.
        rest_target: (B, P, 3) where they are at rest.
        rest_tissue: (T, 3) canonical, inside the tissue.
        skin_points: (S, 3) canonical.
        skin_parting: (S,).
        skin_target: (B, S, 3) displacement from rest.
        jaw: (B, 4, 4) motion of the mandible.
        mandible_points: (J, 3) canonical, on the mandible itself.
        mandible_rest: (B, J, 3) where they are at rest.
        skull_attachment: (K, 3) canonical, where tissue is tied to the skull.
        skull_parting: (K,).
        mandible_attachment: (K, 3), and to the mandible.
        mandible_parting: (K,).
        tissue_points: (T, 3) canonical, inside the tissue.
        tissue_parting: (T,).
        tissue_parting_gradient: (T, 3) 1/mm.
    """

    identities: torch.Tensor
    expressions: torch.Tensor
    rest_points: torch.Tensor
    rest_target: torch.Tensor
    rest_tissue: torch.Tensor
    skin_points: torch.Tensor
    skin_parting: torch.Tensor
    skin_target: torch.Tensor
    jaw: torch.Tensor
    mandible_points: torch.Tensor
    mandible_rest: torch.Tensor
    skull_attachment: torch.Tensor
    skull_parting: torch.Tensor
    mandible_attachment: torch.Tensor
    mandible_parting: torch.Tensor
    tissue_points: torch.Tensor
    tissue_parting: torch.Tensor
    tissue_parting_gradient: torch.Tensor

    def copy(self) -> "Lesson":
        """The same values in tensors of their own."""
        return Lesson(*(getattr(self, each.name).clone() for each in fields(self)))

    def copy_from(self, other: "Lesson") -> None:
        """Take another lesson's values of the same shapes into these tensors."""
        for each in fields(self):
            getattr(self, each.name).copy_(getattr(other, each.name))


class Objective:
    """Draws lessons and says how well a network knows them.

    Args:
        captures: synthetic captures.
        samples: points of the canonical material.
        skin_parting: (S,) parting of the captures' skin vertices.
        slit: (L,) skin vertices on lips and lids, drawn more often.
        configuration: sizes and weights.
    """

    def __init__(
        self,
        captures: CaptureSynthesizer,
        samples: MaterialSamples,
        skin_parting: torch.Tensor,
        slit: torch.Tensor,
        configuration: Configuration,
    ) -> None:
        """Keep the parts and the vertex ranges they are drawn from."""
        self.captures, self.samples, self.configuration = captures, samples, configuration
        self.skin_parting, self.slit = skin_parting, slit

    def _vertices(self, generator: torch.Generator, part: str, count: int) -> torch.Tensor:
        start, stop = self.captures.parts[part]
        return torch.randint(start, stop, (count,), generator=generator, device=generator.device)

    def skin_vertices(self, generator: torch.Generator) -> torch.Tensor:
        """Draw the skin vertices of a step (P,): frontal face, lips and lids once more, the rest of the skin."""
        configuration = self.configuration
        on_slit = configuration.face_points // 2
        return torch.cat(
            [
                self._vertices(generator, "face", configuration.face_points - on_slit),
                self.slit[_indices(len(self.slit), on_slit, generator)],
                self._vertices(generator, "skin", configuration.other_points),
            ]
        )

    @torch.no_grad()
    def draw(self, identities: torch.Tensor, expressions: torch.Tensor, generator: torch.Generator) -> Lesson:
        """Draw points, and what the captures show of them, for identities (B, 100) and expressions (B, 52)."""
        configuration, captures = self.configuration, self.captures
        count = configuration.rest_points
        parts = ("face", "face", "skin", "gums", "upper_teeth", "lower_teeth", "eye_left", "eye_right")
        shown = [self._vertices(generator, part, count // (1 if part == "face" else 3)) for part in parts]
        hidden = [self._vertices(generator, part, count) for part in ("skull", "mandible")]
        everywhere = torch.cat(shown + hidden)
        rest_tissue, _ = self.samples.tissue(generator, count)
        vertices = self.skin_vertices(generator)
        moved = captures.performed(identities, expressions, vertices)
        mandible = self._vertices(generator, "mandible", configuration.bone_points)
        skull_attachment = _draw(self.samples.skull, configuration.bone_points, generator)
        mandible_attachment = _draw(self.samples.mandible, configuration.bone_points, generator)
        tissue, parting_gradient = self.samples.tissue(generator, configuration.tissue_points)
        return Lesson(
            identities=identities,
            expressions=expressions,
            rest_points=captures.mean[everywhere],
            rest_target=captures.neutral(identities, everywhere),
            rest_tissue=rest_tissue.points,
            skin_points=captures.mean[vertices],
            skin_parting=self.skin_parting[vertices],
            skin_target=moved - captures.neutral(identities, vertices),
            jaw=captures.jaw(identities, expressions),
            mandible_points=captures.mean[mandible],
            mandible_rest=captures.neutral(identities, mandible),
            skull_attachment=skull_attachment.points,
            skull_parting=skull_attachment.parting,
            mandible_attachment=mandible_attachment.points,
            mandible_parting=mandible_attachment.parting,
            tissue_points=tissue.points,
            tissue_parting=tissue.parting,
            tissue_parting_gradient=parting_gradient,
        )

    def losses(self, network: GeneralizedNetwork, lesson: Lesson) -> dict[str, torch.Tensor]:
        """Weighted losses of one step by name."""
        weights = self.configuration.weights
        identity_code = network.identity_encoder(lesson.identities)
        expression_code = network.encode_expression(lesson.expressions)
        losses = self._rest_losses(network, lesson, identity_code)
        # The code of an identity is learned from its shape alone. To N_e it is noise at first, and what N_e would
        # teach the encoder is to be silent: measured, the code's size fell from 0.85 to 0.02 in 400 steps.
        losses |= self._expression_losses(network, lesson, identity_code.detach(), expression_code)
        learned = [code[:, :LEARNED_SIZE] for code in (identity_code, expression_code)]
        codes = sum(code.square().sum(-1).mean() for code in learned)
        losses["latent"] = weights.latent * codes
        bounds = network.identity_encoder.lipschitz_product() + network.expression_encoder.lipschitz_product()
        losses["lipschitz"] = weights.lipschitz * bounds
        return losses

    def _rest_losses(
        self, network: GeneralizedNetwork, lesson: Lesson, identity_code: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        weights, batch = self.configuration.weights, len(identity_code)
        predicted = network.rest(lesson.rest_points.expand(batch, -1, -1), identity_code)
        shown = len(lesson.rest_points) - 2 * self.configuration.rest_points
        gradients = rest_gradients(network, lesson.rest_tissue.expand(batch, -1, -1), identity_code)
        return {
            "identity": weights.identity * position_loss(predicted[:, :shown], lesson.rest_target[:, :shown]),
            "bone": weights.bone * position_loss(predicted[:, shown:], lesson.rest_target[:, shown:]),
            "elastic": weights.elastic * elastic_loss(gradients),
        }

    def _expression_losses(
        self,
        network: GeneralizedNetwork,
        lesson: Lesson,
        identity_code: torch.Tensor,
        expression_code: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        weights, batch = self.configuration.weights, len(identity_code)
        parts = (
            (lesson.skin_points, lesson.skin_parting),
            (lesson.mandible_points, torch.full_like(lesson.mandible_points[:, 0], MANDIBLE_PARTING)),
            (lesson.skull_attachment, lesson.skull_parting),
            (lesson.mandible_attachment, lesson.mandible_parting),
        )
        points, parting = (torch.cat(values) for values in zip(*parts, strict=True))
        predicted = network.displacement(
            points.expand(batch, -1, -1), parting.expand(batch, -1), identity_code, expression_code
        )
        skin, jaw_bone, fixed, attached = predicted.split([len(points) for points, _ in parts], dim=1)
        rest_jaw = lesson.mandible_rest
        with torch.no_grad():
            rest_attached = network.rest(lesson.mandible_attachment.expand(batch, -1, -1), identity_code)
        gradients = deformation_gradients(
            network,
            MaterialPoints(lesson.tissue_points, lesson.tissue_parting),
            lesson.tissue_parting_gradient,
            identity_code,
            expression_code,
        )
        return {
            "skin": weights.skin * position_loss(skin, lesson.skin_target),
            "rigid": weights.rigid
            * (rigid_loss(jaw_bone + rest_jaw, rest_jaw) + rigid_loss(attached + rest_attached, rest_attached)),
            "fix": weights.fix * position_loss(fixed, torch.zeros_like(fixed)),
            "jaw": weights.jaw
            * (
                position_loss(jaw_bone, _rigid_displacement(lesson.jaw, rest_jaw))
                + position_loss(attached, _rigid_displacement(lesson.jaw, rest_attached))
            ),
            "soft": weights.soft * soft_loss(gradients),
        }


def rest_gradients(network: GeneralizedNetwork, points: torch.Tensor, identity_code: torch.Tensor) -> torch.Tensor:
    """Gradient (B, P, 3, 3) of N_c with respect to the canonical points (B, P, 3) in mm."""
    axes = torch.eye(3, device=points.device) / COORDINATE_SCALE_MM
    tangents = axes[:, None, None, :].expand(3, *points.shape)
    _, derivative = network.identity_field.forward_with_tangents(network.normalize(points), tangents, identity_code)
    return torch.eye(3, device=points.device) + DISPLACEMENT_SCALE_MM * derivative.permute(1, 2, 3, 0)


def deformation_gradients(
    network: GeneralizedNetwork,
    material: MaterialPoints,
    parting_gradient: torch.Tensor,
    identity_code: torch.Tensor,
    expression_code: torch.Tensor,
) -> torch.Tensor:
    """Gradient F (B, P, 3, 3) of the deformation with respect to the rest space.

    F = I + (d displacement / d canonical) (d rest / d canonical)^-1; the gradient of N_c is held constant here.
    """
    batch = len(identity_code)
    points = material.points.expand(batch, -1, -1)
    coordinates = network.material_coordinates(points, material.parting.expand(batch, -1))
    axes = torch.eye(3, device=points.device) / COORDINATE_SCALE_MM
    spatial = axes[:, None, :].expand(3, len(material.points), 3)
    tangents = torch.cat([spatial, PARTING_SCALE * parting_gradient.T.unsqueeze(-1)], dim=-1)
    tangents = tangents[:, None].expand(3, batch, -1, -1)
    code = network.expression_condition(identity_code, expression_code)
    _, derivative = network.expression_field.forward_with_tangents(coordinates, tangents, code)
    with torch.no_grad():
        to_canonical = inverse(rest_gradients(network, points, identity_code))
    return torch.eye(3, device=points.device) + DISPLACEMENT_SCALE_MM * derivative.permute(1, 2, 3, 0) @ to_canonical


def _draw(material: MaterialPoints, count: int, generator: torch.Generator) -> MaterialPoints:
    index = _indices(len(material.points), count, generator)
    return MaterialPoints(material.points[index], material.parting[index])


def _rigid_displacement(matrices: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    return torch.einsum("bij,bpj->bpi", matrices[:, :3, :3], points) + matrices[:, None, :3, 3] - points


def _indices(stop: int, count: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(stop, (count,), generator=generator, device=generator.device)
