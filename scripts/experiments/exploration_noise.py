"""The exploration term: how fast gradient noise alone raises the entropy over goals, beside what is said of it.

From a pre-trained network, on demonstrations of the intended goals (no gaming, no work), many short runs of plain
gradient descent on minibatches are set beside one on the expected loss. Their difference in E[S(p)], by update, is what
noise does. Beside it stand the published term (eta lambda_max / 2) Tr Sigma, the same times eta, as the discretisation
dtheta = -eta (grad L + noise) has it, and the second-order change (eta^2 / 2) Tr(H_S Sigma) with the Hessian of S
itself, all with the measured covariance Sigma of the minibatch gradient. After a few updates, and after many, when the
pull of the loss has answered; then also S(E[p]) over the runs, less E[S(p)].
"""

import copy

import alignment_tables
import numpy as np
import torch
from alignment_runs import curvature, goals_of, learning_rate, network_of, probe_prompts
from goal_task import GOALS, INTENDED, demonstration_loss, draw_goals, prompts
from torch.func import functional_call, grad, vmap

from secondlaw.alignment import critical_work, population_entropy

CASES = [
    (size, batch, faster)
    for size in ("8x1", "16x1", "32x2")
    for batch, faster in ((32, 1.0), (8, 1.0), (32, 4.0), (8, 4.0))
]
REPLICATES, STEPS, EARLY, GRADIENTS, EXPECTED = 256, 40, 5, 200, 256


def exploration(size: str, batch: int, faster: float, *, pretraining: int = 1200, replicates: int = REPLICATES) -> dict:
    """Measure one network, batch size and learning rate."""
    network = network_of(size, 0, pretraining)
    eigenvalue = curvature()(network).value
    parameters = sum(weight.numel() for weight in network.parameters())
    eta = faster * learning_rate(eigenvalue, parameters)
    generator = torch.Generator().manual_seed(31)
    trace, second_order = noise_of(network, batch, generator)
    expected = path_expected(network, eta, generator)
    early, late = paths(network, eta, batch, replicates, generator)
    own = [torch.special.entr(one).sum(-1).mean(-1).double().numpy() for one in (early, late)]
    return {
        "size": size,
        "batch": batch,
        "parameters": parameters,
        "eigenvalue": eigenvalue,
        "critical_work": critical_work(largest_eigenvalue=eigenvalue, parameters=parameters),
        "learning_rate": eta,
        "trace": interval(trace),
        "early": interval((own[0] - expected[0]) / EARLY),
        "growth": interval((own[1] - expected[1]) / STEPS),
        "spread": spread(late),
        "published": interval(eta * eigenvalue / 2.0 * trace),
        "times_eta": interval(eta**2 * eigenvalue / 2.0 * trace),
        "second_order": interval(eta**2 / 2.0 * second_order),
        "drift": float(f"{(expected[1] - float(entropy(network).detach())) / STEPS:.4g}"),
    }


def interval(values: np.ndarray) -> list[float]:
    """Return mean and ends of a 95 % interval by Student's t over replicates."""
    return [float(f"{end:.4g}") for end in alignment_tables.interval(values)]


def spread(shares) -> list[float]:
    """Return S(E[p]) - E[S(p)] of the runs, mean over probes, with its interval: the bootstrap over runs."""
    rng = np.random.default_rng(0)
    p = shares.double().numpy()  # (run, probe, goal)
    gaps = [population_entropy(p[:, probe], rng=rng).gap for probe in range(0, p.shape[1], 8)]
    return [float(f"{np.mean([getattr(gap, end) for gap in gaps]):.4g}") for end in ("value", "low", "high")]


def entropy(network):
    return torch.special.entr(goals_of(network, probe_prompts())).sum(-1).mean()


def minibatch_gradient(network, batch, generator):
    asked = prompts(batch, generator)
    loss = demonstration_loss(network, asked, draw_goals(torch.tensor(INTENDED), batch, generator))
    return torch.autograd.grad(loss, list(network.parameters()))


def noise_of(network, batch, generator) -> tuple[np.ndarray, np.ndarray]:
    """Return |g|^2 and g' H_S g of deviations g of minibatch gradients from their mean; means are the two traces."""
    gradients = [minibatch_gradient(network, batch, generator) for _ in range(GRADIENTS)]
    means = [sum(parts) / GRADIENTS for parts in zip(*gradients, strict=True)]
    weights = list(network.parameters())
    first = torch.autograd.grad(entropy(network), weights, create_graph=True, allow_unused=True)
    kept = [(place, one) for place, one in enumerate(first) if one is not None and one.requires_grad]
    squares, curved = [], []
    for gradient in gradients:
        away = [one - mean for one, mean in zip(gradient, means, strict=True)]
        squares.append(sum(float((one.double() ** 2).sum()) for one in away))
        slope = sum((one * away[place]).sum() for place, one in kept)
        product = torch.autograd.grad(slope, weights, retain_graph=True, allow_unused=True)
        curved.append(
            sum(float((p.double() * a.double()).sum()) for p, a in zip(product, away, strict=True) if p is not None)
        )
    unbiased = GRADIENTS / (GRADIENTS - 1)
    return np.array(squares) * unbiased, np.array(curved) * unbiased


def paths(network, eta, batch, replicates, generator) -> list[torch.Tensor]:
    """Return p after the early and after the last update of many runs on minibatches, all at once.

    Each of shape (runs, probes, goals).
    """

    def of(weights):
        return lambda tokens: functional_call(network, weights, (tokens,))

    slope = vmap(grad(lambda weights, asked, goals: demonstration_loss(of(weights), asked, goals)))
    moved = {name: one.detach().expand(replicates, *one.shape).clone() for name, one in network.named_parameters()}
    probes, seen = probe_prompts(), []
    for step in range(1, STEPS + 1):
        asked = prompts(replicates * batch, generator).view(replicates, batch, -1)
        goals = draw_goals(torch.tensor(INTENDED), replicates * batch, generator).view(replicates, batch)
        gradient = slope(moved, asked, goals)
        moved = {name: one - eta * gradient[name] for name, one in moved.items()}
        if step in (EARLY, STEPS):
            with torch.no_grad():
                seen.append(vmap(lambda weights: goals_of(of(weights), probes))(moved))
    return seen


def path_expected(network, eta, generator) -> list[float]:
    """Return E[S(p)] after as many updates on the expected loss: over goals exactly, over prompts of a large sample."""
    moved, seen = copy.deepcopy(network), []
    asked = prompts(EXPECTED, generator)
    for place in range(1, STEPS + 1):
        loss = sum(
            share * demonstration_loss(moved, asked, torch.full((EXPECTED,), goal))
            for goal, share in zip(range(GOALS), INTENDED, strict=True)
        )
        update(moved, torch.autograd.grad(loss, list(moved.parameters())), eta)
        if place in (EARLY, STEPS):
            seen.append(float(entropy(moved).detach()))
    return seen


@torch.no_grad()
def update(network, gradient, eta):
    for weight, one in zip(network.parameters(), gradient, strict=True):
        weight -= eta * one
