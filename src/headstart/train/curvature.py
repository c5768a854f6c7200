"""Approximate inverse Hessians of the logistic objective: what L-BFGS starts each step from.

The Hessian block of output k is ``C · sum_i c_ik x_i x_iᵀ + I`` with curvature ``c_ik`` (for a
softmax ``p (1 - p)``). Weak regularisation lets a few uncertain rows carry it all, each class its
own: there its diagonal says little, and the whole block saves 20 to 50 times the iterations.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import Tensor

_BLOCK_ELEMENTS = 100_000_000  # all inverse blocks together: 400 MB in float32
_CANDIDATE_ELEMENTS = 1 << 25  # curvatures looked at to choose rows: 128 MB in float32
_FEWEST_ITERATIONS = 4
_SLOWER = 0.5  # an iteration's thin products and exponentials run slower than square products
_BLOCK_ROWS, _FEWEST_BLOCK_ROWS, _MOST_BLOCK_ROWS = 40_000, 512, 8_192


class InverseHessian(Protocol):
    """Turns a gradient (K, R + 1) into a step of about the right length and direction."""

    def __call__(self, gradient: Tensor) -> Tensor:
        """Return the approximate inverse Hessian times ``gradient``."""
        ...


class DiagonalInverse:
    """The inverse of the Hessian's diagonal (K, R + 1)."""

    def __init__(self, diagonal: Tensor) -> None:
        floor = diagonal.mean(0, keepdim=True) * 1e-3 + 1e-12  # a class that is already certain
        self.diagonal = torch.maximum(diagonal, floor)

    def __call__(self, gradient: Tensor) -> Tensor:
        """Return ``gradient`` over the diagonal."""
        return gradient / self.diagonal


class BlockInverse:
    """The inverse of each output's own block, (K, R + 1, R + 1); coupling is left out."""

    def __init__(self, inverses: Tensor) -> None:
        self.inverses = inverses

    def __call__(self, gradient: Tensor) -> Tensor:
        """Return each output's inverse block times its row of ``gradient``."""
        return torch.bmm(self.inverses, gradient.unsqueeze(2)).squeeze(2)


def blocks_fit(outputs: int, width: int) -> bool:
    """Return whether blocks for so many outputs and columns are small enough to hold."""
    return outputs * (width + 1) ** 2 <= _BLOCK_ELEMENTS


def candidate_step(rows: int, outputs: int) -> int:
    """Return s such that the curvatures of every s-th row are small enough to hold."""
    return max(1, -(-rows * outputs // _CANDIDATE_ELEMENTS))


def iterations_worth(rows: int, width: int, outputs: int) -> int:
    """Return how many iterations, of 4 rows x width x outputs operations, the blocks cost."""
    block = 2 * _block_rows(rows, outputs) * width**2 + 2 * width**3
    return max(_FEWEST_ITERATIONS, round(_SLOWER * block / max(1, 4 * rows * width)))


def _block_rows(rows: int, outputs: int) -> int:
    """Return from how many rows each output's block is built."""
    return min(rows, max(_FEWEST_BLOCK_ROWS, min(_MOST_BLOCK_ROWS, _BLOCK_ROWS // max(1, outputs))))


def block_inverse(rows: Tensor, curvature: Tensor, strength: float) -> BlockInverse:
    """Build the blocks from the rows with the largest curvature for each output.

    Args:
        rows: (M, R) features.
        curvature: (M, K) of the loss in each logit, scaled so that its sum is that of all rows.
        strength: C.
    """
    count, width = rows.shape
    outputs = curvature.shape[1]
    most = _block_rows(count, outputs)
    inverses = rows.new_empty(outputs, width + 1, width + 1)
    with _one_thread():
        for output in range(outputs):
            bend, picked = curvature[:, output].topk(most)
            share = float(bend.sum() / curvature[:, output].sum().clamp(min=1e-30))
            x = torch.cat([rows[picked], rows.new_ones(most, 1)], dim=1)  # (most, R + 1)
            block = (x * (bend * (strength / max(share, 1e-3))).unsqueeze(1)).T @ x
            block[:-1, :-1].diagonal().add_(1.0)
            block[-1, -1] += 1e-5 * float(block[-1, -1]) + 1e-9  # the bias is not regularised
            inverses[output] = _inverse(block)
    return BlockInverse(inverses)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run the block on one thread.

    The products of one class are small: on a machine with other work, waiting for a second thread
    at each of thousands of them has cost ten times what it can save.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _inverse(block: Tensor) -> Tensor:
    """Invert a positive definite block; where rounding spoils that, its diagonal."""
    factor, failed = torch.linalg.cholesky_ex(block)
    if int(failed):
        return torch.diag(1 / block.diagonal())
    return torch.cholesky_inverse(factor)
