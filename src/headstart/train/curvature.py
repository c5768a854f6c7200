"""Approximate inverse Hessians of the logistic objective: what L-BFGS starts each step from.

The Hessian block of output k is ``C · sum_i c_ik x_i x_iᵀ + I`` with curvature ``c_ik`` (for a
softmax ``p (1 - p)``). On principal axes its diagonal says nearly all of it while regularisation
is strong; weak regularisation lets a few uncertain rows carry it, each class its own. So a block
is taken as a diagonal plus the rows with the largest curvature, and inverted by the identity of
Woodbury: a thousandth of the price of a dense block.
"""

from __future__ import annotations

import torch
from torch import Tensor

_CANDIDATE_ELEMENTS = 1 << 25  # curvatures looked at to choose rows: 128 MB in float32
_ROWS, _FEWEST_ROWS, _MOST_ROWS = 10_000, 16, 512  # rows of all blocks; of one block
_ELEMENTS = 1 << 26  # of these rows together: 256 MB in float32
_CHUNK_ROWS = 16_384
_RIDGE = 1e-5  # of a column's curvature; keeps float32 products far from cancelling
_BIAS_RIDGE = 1e-3  # the bias has no penalty of its own


class InverseHessian:
    """The inverse of each output's own block; what couples the outputs is left out.

    A block is ``D + UᵀU``: ``U`` (M, R + 1) holds the rows with the largest curvature, ``D`` is
    the penalty and the diagonal of the others.

    Args:
        rows: (N, R) features, centred and uncorrelated.
        curvature: (N, K) of the loss in each logit.
        strength: C.
    """

    def __init__(self, rows: Tensor, curvature: Tensor, strength: float) -> None:
        width, outputs = rows.shape[1], curvature.shape[1]
        share = min(_MOST_ROWS, max(_FEWEST_ROWS, _ROWS // max(1, outputs)))
        most = max(1, min(len(rows), share, _ELEMENTS // max(1, outputs * (width + 1))))
        columns = curvature.T.contiguous() * strength  # (K, N)
        bends, picked = columns.topk(most, dim=1, sorted=False)  # (K, M)
        columns.scatter_(1, picked, 0.0)
        diagonal = _diagonal(rows, columns)  # (K, R + 1)
        root = bends.sqrt().unsqueeze(2)
        factors = torch.cat([rows[picked] * root, root], dim=2)  # (K, M, R + 1)
        carried = factors.square().sum(1)
        diagonal += _RIDGE * carried
        diagonal[:, :-1] += 1.0
        diagonal[:, -1] += _BIAS_RIDGE * carried[:, -1] + 1e-9
        floor = (diagonal + carried).mean(0, keepdim=True) * 1e-3  # a class already certain
        self.scale = torch.maximum(diagonal, floor - carried).rsqrt()
        factors.mul_(self.scale.unsqueeze(1))
        self.factors = factors if 2 * most <= width else None
        self.inside = _inverses(factors if self.factors is not None else factors.mT)

    def __call__(self, gradient: Tensor) -> Tensor:
        """Return the approximate inverse Hessian times ``gradient`` (G, K, R + 1), for G fits."""
        scaled = (gradient * self.scale).transpose(0, 1)  # (K, G, R + 1)
        if self.factors is None:
            step = torch.bmm(scaled, self.inside)
        else:  # Woodbury: the inverse of I + UᵀU is I - Uᵀ (I + UUᵀ)⁻¹ U
            carried = torch.bmm(torch.bmm(scaled, self.factors.mT), self.inside)
            step = scaled - torch.bmm(carried, self.factors)
        return step.transpose(0, 1) * self.scale


def _inverses(factors: Tensor) -> Tensor:
    """Return (K, M, M) inverses of ``I + FFᵀ`` for (K, M, R) factors F.

    Where rounding spoils one, it is the inverse of its diagonal.
    """
    blocks = torch.bmm(factors, factors.mT)
    blocks.diagonal(dim1=1, dim2=2).add_(1.0)
    triangles, failed = torch.linalg.cholesky_ex(blocks)
    spoilt = failed != 0
    if spoilt.any():
        rough = torch.diag_embed(blocks[spoilt].diagonal(dim1=1, dim2=2).sqrt())
        triangles[spoilt] = rough
    return torch.cholesky_inverse(triangles)


def candidate_step(rows: int, outputs: int) -> int:
    """Return s such that the curvatures of every s-th row are small enough to hold."""
    return max(1, -(-rows * outputs // _CANDIDATE_ELEMENTS))


def _diagonal(rows: Tensor, columns: Tensor) -> Tensor:
    """Return (K, R + 1) sums of squared features (and of 1) weighted by ``columns`` (K, N)."""
    total = rows.new_zeros(len(columns), rows.shape[1] + 1)
    for begin in range(0, len(rows), _CHUNK_ROWS):
        part = slice(begin, begin + _CHUNK_ROWS)
        total[:, :-1].addmm_(columns[:, part], rows[part].square())
    total[:, -1] = columns.sum(1)
    return total
