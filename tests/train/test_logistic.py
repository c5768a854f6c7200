"""The solver below the heads: each fit ends at its own minimum, whoever is solved beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from headstart.train.curvature import InverseHessian
from headstart.train.logistic import LogisticProblem, solve


def problem(rows: int = 300, width: int = 10, classes: int = 3, fits: int = 3) -> LogisticProblem:
    """Noisy classes; fit 0 has all rows, every other one lacks its own fold of them."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(rows, width, dtype=torch.float64, generator=random)
    x -= x.mean(0)
    targets = (x[:, :classes] + torch.randn(rows, classes, generator=random)).argmax(1)
    weights = torch.ones(rows, fits, dtype=torch.float64)
    for fit in range(1, fits):
        weights[fit::fits, fit] = 0.0
    return LogisticProblem(x, targets, weights, None, torch.zeros(fits, classes, dtype=torch.bool))


def nothing(of: LogisticProblem) -> torch.Tensor:
    fits, classes = of.fixed.shape
    return torch.zeros(fits, classes, of.rows.shape[1] + 1, dtype=of.rows.dtype)


def in_order(of: LogisticProblem) -> LogisticProblem:
    """The same rows, those that weigh in the same fits side by side."""
    kinds = (of.weights @ 2.0 ** torch.arange(of.weights.shape[1], dtype=torch.float64)).argsort()
    return replace(of, rows=of.rows[kinds], targets=of.targets[kinds], weights=of.weights[kinds])


def test_rows_in_order_of_their_folds_come_in_runs_and_change_no_minimum():
    of = problem()
    assert len(of.runs()) == 1
    runs = in_order(of).runs()
    assert len(runs) == 3
    assert sorted(len(fits) for _, fits in runs) == [2, 2, 3]
    found = solve(in_order(of), 2.0, nothing(of), tolerance=1e-6)
    expected = solve(of, 2.0, nothing(of), tolerance=1e-6)
    torch.testing.assert_close(found[:, :, :-1], expected[:, :, :-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("strength", [0.01, 0.5, 50.0])
def test_every_fit_ends_where_its_own_gradient_is_small(strength):
    of = problem()
    found = solve(of, strength, nothing(of), tolerance=1e-6)
    for fit, parameters in enumerate(found):
        own = parameters.clone().requires_grad_()
        logits = of.rows @ own[:, :-1].T + own[:, -1]
        losses = torch.nn.functional.cross_entropy(logits, of.targets, reduction="none")
        objective = strength * (losses * of.weights[:, fit]).sum() + own[:, :-1].square().sum() / 2
        (gradient,) = torch.autograd.grad(objective, own)
        assert float(gradient.norm()) <= 1e-6 * float(parameters[:, :-1].norm()) * (1 + 1e-6)


def test_fits_side_by_side_are_the_fits_alone():
    of = problem()
    together = solve(of, 2.0, nothing(of), tolerance=1e-6)
    for fit, found in enumerate(together):
        one = of.some(torch.tensor([fit]))
        alone = solve(one, 2.0, nothing(one), tolerance=1e-6)[0]
        torch.testing.assert_close(found[:, :-1], alone[:, :-1], rtol=1e-4, atol=1e-5)


def test_an_output_that_is_fixed_stays_as_it_starts():
    of = problem()
    of.fixed[1, 2] = True
    start = nothing(of)
    start[1, 2, -1] = -20.0
    found = solve(of, 1.0, start)
    torch.testing.assert_close(found[1, 2], start[1, 2])
    assert found[0, 2].abs().sum() > 0


@pytest.mark.parametrize("width", [4, 300])  # rows carried by a dense block, and by Woodbury's
def test_with_few_rows_the_inverse_is_the_hessians_own(width):
    random = torch.Generator().manual_seed(0)
    x = torch.randn(50, width, dtype=torch.float64, generator=random)
    curvature = torch.rand(50, 2, dtype=torch.float64, generator=random) + 0.1
    wide = torch.cat([x, torch.ones(50, 1, dtype=torch.float64)], dim=1)
    penalty = torch.diag(torch.tensor([1.0] * width + [0.0], dtype=torch.float64))
    hessian = 3.0 * (wide * curvature[:, 1:]).T @ wide + penalty
    gradient = torch.randn(1, 2, width + 1, dtype=torch.float64, generator=random)
    step = InverseHessian(x, curvature, 3.0)(gradient)[0, 1]
    # all but the bias, which has no penalty of its own and gets a little
    torch.testing.assert_close((hessian @ step)[:-1], gradient[0, 1, :-1], rtol=2e-2, atol=2e-2)
