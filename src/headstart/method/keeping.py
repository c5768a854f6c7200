"""What a method with steps does to keep its base: levers in the loss, weights on the way back."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from headstart.base.skeleton import Skeleton
from headstart.method.job import Job
from headstart.method.model import Setting
from headstart.retention.lever import Ground, levered
from headstart.train.groups import Group
from headstart.train.lesson import Lesson
from headstart.train.network import Network

LEVERS = "levers"  # hyperparameter: strengths by lever


def kept_lesson(
    setting: Setting, job: Job, network: Network, groups: Sequence[Group], lesson: Lesson
) -> Lesson:
    """Return the lesson with the levers that the hyperparameters name; itself if none."""
    strengths = setting.hyperparameters.get(LEVERS)
    if not strengths:
        return lesson
    pristine = job.pristine(network).eval().requires_grad_(False)
    kept = None if setting.retained is None else setting.retained.recall(pristine)
    return levered(lesson, strengths, Ground(network, groups, pristine, kept, setting.seed))


@torch.no_grad()
def take_back(body: Skeleton, base: Skeleton, share: float) -> None:
    """Bring adapted weights back to so much of their way from the base's (WiSE-FT).

    Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903. Of merged
    low-rank updates this is their scale: ``W + share · s B A``.

    Args:
        body: Changed in place.
        base: Of the same architecture, with the base's weights.
        share: 1 leaves the adapted weights, 0 gives the base's.
    """
    start = base.body.state_dict()
    for name, tensor in body.body.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(start[name].to(tensor), 1.0 - share)
