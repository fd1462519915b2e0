"""The training objective of the generalized model: draws points, evaluates the losses of one step."""

import torch

from ...networks.generalized import (
    COORDINATE_SCALE_MM,
    DISPLACEMENT_SCALE_MM,
    PARTING_SCALE,
    GeneralizedNetwork,
)
from ..captures import CaptureSynthesizer
from .configuration import Configuration
from .losses import elastic_loss, position_loss, rigid_loss, soft_loss
from .material_samples import MaterialPoints, MaterialSamples

MANDIBLE_PARTING = -1.0
"""Points of the mandible itself (not embedded in tissue) count as material of the lower side."""


class Objective:
    """Everything a step needs but the network and the optimizer.

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
        return torch.randint(start, stop, (count,), generator=generator)

    def skin_vertices(self, generator: torch.Generator) -> torch.Tensor:
        """Draw the skin vertices of a step (P,): frontal face, lips and lids once more, the rest of the skin."""
        configuration = self.configuration
        on_slit = configuration.face_points // 2
        return torch.cat(
            [
                self._vertices(generator, "face", configuration.face_points - on_slit),
                self.slit[torch.randint(len(self.slit), (on_slit,), generator=generator)],
                self._vertices(generator, "skin", configuration.other_points),
            ]
        )

    def losses(
        self,
        network: GeneralizedNetwork,
        identities: torch.Tensor,
        expressions: torch.Tensor,
        generator: torch.Generator,
    ) -> dict[str, torch.Tensor]:
        """Weighted losses of one step by name, for identities (B, 100) and expressions (B, 52)."""
        weights = self.configuration.weights
        identity_code = network.identity_encoder(identities)
        expression_code = network.encode_expression(expressions)
        losses = self._rest_losses(network, identities, identity_code, generator)
        # The code of an identity is learned from its shape alone. To N_e it is noise at first, and what N_e would
        # teach the encoder is to be silent: measured, the code's size fell from 0.85 to 0.02 in 400 steps.
        losses |= self._expression_losses(
            network, identities, expressions, identity_code.detach(), expression_code, generator
        )
        codes = identity_code.square().sum(-1).mean() + expression_code.square().sum(-1).mean()
        losses["latent"] = weights.latent * codes
        bounds = network.identity_encoder.lipschitz_product() + network.expression_encoder.lipschitz_product()
        losses["lipschitz"] = weights.lipschitz * bounds
        return losses

    def _rest_losses(
        self,
        network: GeneralizedNetwork,
        identities: torch.Tensor,
        identity_code: torch.Tensor,
        generator: torch.Generator,
    ) -> dict[str, torch.Tensor]:
        weights, count = self.configuration.weights, self.configuration.rest_points
        parts = ("face", "face", "skin", "gums", "upper_teeth", "lower_teeth", "eye_left", "eye_right")
        shown = torch.cat([self._vertices(generator, part, count // (1 if part == "face" else 3)) for part in parts])
        hidden = torch.cat([self._vertices(generator, part, count) for part in ("skull", "mandible")])
        vertices = torch.cat([shown, hidden])
        batch = len(identities)
        canonical = self.captures.mean[vertices].expand(batch, -1, -1)
        predicted = network.rest(canonical, identity_code)
        target = self.captures.neutral(identities, vertices)
        material, _ = self.samples.tissue(generator, count)
        gradients = rest_gradients(network, material.points.expand(batch, -1, -1), identity_code)
        return {
            "identity": weights.identity * position_loss(predicted[:, : len(shown)], target[:, : len(shown)]),
            "bone": weights.bone * position_loss(predicted[:, len(shown) :], target[:, len(shown) :]),
            "elastic": weights.elastic * elastic_loss(gradients),
        }

    def _expression_losses(
        self,
        network: GeneralizedNetwork,
        identities: torch.Tensor,
        expressions: torch.Tensor,
        identity_code: torch.Tensor,
        expression_code: torch.Tensor,
        generator: torch.Generator,
    ) -> dict[str, torch.Tensor]:
        weights, configuration, batch = self.configuration.weights, self.configuration, len(identities)
        vertices = self.skin_vertices(generator)
        mandible_vertices = self._vertices(generator, "mandible", configuration.bone_points)
        skull = _draw(self.samples.skull, configuration.bone_points, generator)
        mandible = _draw(self.samples.mandible, configuration.bone_points, generator)
        points = torch.cat(
            [self.captures.mean[vertices], self.captures.mean[mandible_vertices], skull.points, mandible.points]
        )
        parting = torch.cat(
            [
                self.skin_parting[vertices],
                torch.full((len(mandible_vertices),), MANDIBLE_PARTING, device=points.device),
                skull.parting,
                mandible.parting,
            ]
        )
        predicted = network.displacement(
            points.expand(batch, -1, -1), parting.expand(batch, -1), identity_code, expression_code
        )
        skin, jaw_bone, fixed, attached = predicted.split(
            [len(vertices), len(mandible_vertices), len(skull.points), len(mandible.points)], dim=1
        )
        with torch.no_grad():
            moved = self.captures.performed(identities, expressions, vertices)
            skin_target = moved - self.captures.neutral(identities, vertices)
            jaw = self.captures.jaw(identities, expressions)
            rest_jaw = self.captures.neutral(identities, mandible_vertices)
            rest_attached = network.rest(mandible.points.expand(batch, -1, -1), identity_code)
        material, parting_gradient = self.samples.tissue(generator, configuration.tissue_points)
        gradients = deformation_gradients(network, material, parting_gradient, identity_code, expression_code)
        return {
            "skin": weights.skin * position_loss(skin, skin_target),
            "rigid": weights.rigid
            * (rigid_loss(jaw_bone + rest_jaw, rest_jaw) + rigid_loss(attached + rest_attached, rest_attached)),
            "fix": weights.fix * position_loss(fixed, torch.zeros_like(fixed)),
            "jaw": weights.jaw
            * (
                position_loss(jaw_bone, _rigid_displacement(jaw, rest_jaw))
                + position_loss(attached, _rigid_displacement(jaw, rest_attached))
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
        inverse = torch.linalg.inv(rest_gradients(network, points, identity_code))
    return torch.eye(3, device=points.device) + DISPLACEMENT_SCALE_MM * derivative.permute(1, 2, 3, 0) @ inverse


def _draw(material: MaterialPoints, count: int, generator: torch.Generator) -> MaterialPoints:
    index = torch.randint(len(material.points), (count,), generator=generator)
    return MaterialPoints(material.points[index], material.parting[index])


def _rigid_displacement(matrices: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    return torch.einsum("bij,bpj->bpi", matrices[:, :3, :3], points) + matrices[:, None, :3, 3] - points
