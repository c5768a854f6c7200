"""Features on their principal axes: one decomposition for all strengths and folds of a head."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHUNK_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class Axes:
    """Features on their principal axes: ``rows = (features - mean) / scale @ axes``.

    ``rows`` are (N, R), R at most min(N, D): columns that carry nothing are gone.
    """

    rows: Tensor
    axes: Tensor
    mean: Tensor
    scale: float

    def take(self, order: NDArray[np.int64]) -> Axes:
        """Return the same axes with the rows in another order."""
        return replace(self, rows=self.rows[torch.from_numpy(order)])

    def head(self, parameters: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return weight (K, D) and bias (K,) on raw features for (K, R + 1) parameters."""
        weight = parameters[:, :-1].double() @ self.axes.T / self.scale
        bias = parameters[:, -1].double() - weight @ self.mean
        return weight.float().numpy(), bias.float().numpy()

    def parameters(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> Tensor:
        """Return (K, R + 1) parameters of a head on raw features: what :meth:`head` undoes."""
        raw = torch.from_numpy(weight).double()
        offset = torch.from_numpy(bias).double() + raw @ self.mean
        return torch.cat([raw @ self.axes * self.scale, offset.unsqueeze(1)], dim=1).float()


def principal_axes(features: NDArray[np.float32], weights: NDArray[np.float64]) -> Axes:
    """Centre, scale and rotate (N, D) features, rows weighted by (N,): one (min(N, D))³ step."""
    scale = float(np.sqrt(mean_square(features))) or 1.0
    x = torch.from_numpy(np.array(features, dtype=np.float32))  # a copy: the original stays
    s = torch.from_numpy(weights)
    mean = _weighted_sum(x, s) / s.sum()
    x.sub_(mean.float()).div_(scale)
    if len(x) <= x.shape[1]:
        doubled = x.double()
        values, left = torch.linalg.eigh(doubled @ doubled.T)  # (N,), (N, N)
        kept = _kept(values)
        axes = doubled.T @ left[:, kept] / values[kept].sqrt()
    else:
        values, axes = torch.linalg.eigh(_gram(x))
        axes = axes[:, _kept(values)]
    # float32 centring leaves a rest of the mean; what it shifts is in the bias, exactly
    return Axes(x @ axes.float(), axes, mean.float().double(), scale)


def mean_square(features: NDArray[np.float32]) -> float:
    """Return the mean over rows of the squared norm."""
    total = 0.0
    for begin in range(0, len(features), CHUNK_ROWS):
        total += float(np.square(features[begin : begin + CHUNK_ROWS], dtype=np.float64).sum())
    return total / len(features)


def _weighted_sum(x: Tensor, s: Tensor) -> Tensor:
    total = torch.zeros(x.shape[1], dtype=torch.float64)
    for part, weight in zip(torch.split(x, CHUNK_ROWS), torch.split(s, CHUNK_ROWS), strict=True):
        total += weight @ part.double()
    return total


def _gram(x: Tensor) -> Tensor:
    """Return (D, D) ``x.T @ x`` in float64, with no float64 copy of all rows."""
    total = torch.zeros(x.shape[1], x.shape[1], dtype=torch.float64)
    for part in torch.split(x, CHUNK_ROWS):
        doubled = part.double()
        total.addmm_(doubled.T, doubled)
    return total


def _kept(values: Tensor) -> Tensor:
    """Return which eigenvalues are more than rounding (a constant column's is not)."""
    floor = 1e-12 * float(values.max().clamp(min=0)) + 1e-30
    return values > floor
