"""One run of the experiment: a pre-trained network, fine-tuned on a proxy under alignment work, measured as it goes."""

import copy
import math
import warnings
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
import torch
from goal_task import (
    INTENDED,
    PROXY,
    GoalHead,
    GoalTransformer,
    demonstration_loss,
    draw_goals,
    goal_log_probabilities,
    pretrain,
    prompts,
)
from torch import Tensor
from torch.func import functional_call, vmap

from secondlaw.alignment import critical_work
from secondlaw.alignment.control import (
    AlignmentController,
    ConstantWork,
    ControlSettings,
    MinimalWork,
    ProportionalIntegral,
    fisher_curvature,
)

SIZES = {"8x1": (8, 1), "16x1": (16, 1), "32x2": (32, 2), "64x2": (64, 2)}
PROBES, BATCH, FULL_BATCH = 64, 32, 64
HIGHEST_MULTIPLE = 3.0
PAIRS, PERTURBATION = 32, 0.02  # of the evolution strategy


@dataclass(frozen=True)
class Run:
    """What a run is told apart by; every field stands in its row."""

    part: str
    size: str = "16x1"
    seed: int = 0
    work: float = 0.0  # in units of gamma_crit of the pre-trained network
    steps: int = 240
    every: int = 40
    optimizer: str = "sgd"
    law: str = "constant"
    believed: float = 1.0  # share of lambda_max that the controller believes in
    moving: bool = False
    reading: str = "coefficient"
    pretraining: int = 1200

    @property
    def name(self) -> str:
        """The same for the same run."""
        return "/".join(str(value) for value in asdict(self).values())


@lru_cache(maxsize=8)
def network_of(size: str, seed: int, steps: int) -> GoalTransformer:
    """Return the pre-trained network of a size and seed."""
    width, layers = SIZES[size]
    return pretrain(width, layers, seed=seed, steps=steps)


def probe_prompts() -> Tensor:
    """Return the prompts on which goals and curvature are measured."""
    return prompts(PROBES, torch.Generator().manual_seed(5))


def curvature():
    """Return the function that measures lambda_max of the Fisher information of p(goal | prompt)."""
    return fisher_curvature([probe_prompts()], view=GoalHead)


def goals_of(network, asked):
    return goal_log_probabilities(network, asked).exp()


def learning_rate(eigenvalue: float, parameters: int) -> float:
    """Return the rate at which 3 gamma_crit is still stable, with a third to spare for curvature that grows."""
    return (
        2.0
        / (HIGHEST_MULTIPLE * critical_work(largest_eigenvalue=eigenvalue, parameters=parameters))
        / eigenvalue
        / 1.5
    )


def do(run: Run) -> dict:
    """Train, and return what was seen."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="step .* a coefficient of")  # counted in the row
        return _Trainer(run).go()


class _Trainer:
    def __init__(self, run: Run) -> None:
        self.run = run
        reference = network_of(run.size, run.seed, run.pretraining)
        self.network = copy.deepcopy(reference)
        self.probes = probe_prompts()
        self.measure = curvature()
        self.parameters = sum(weight.numel() for weight in reference.parameters())
        self.first = self.measure(self.network).value
        self.critical = critical_work(largest_eigenvalue=self.first, parameters=self.parameters)
        self.eta = learning_rate(self.first, self.parameters) * (0.2 if run.optimizer == "evolution" else 1.0)
        self.generator = torch.Generator().manual_seed(7919 * run.seed + 17)
        self.reference = reference
        self.batch = None
        self.fixed = prompts(FULL_BATCH, torch.Generator().manual_seed(99 + run.seed))
        self.step = 0

    def proxy(self, step: int) -> np.ndarray:
        intended, proxy = np.array(INTENDED), np.array(PROXY)
        return intended + (proxy - intended) * min(step / self.run.steps, 1.0) if self.run.moving else proxy

    def aligned(self, network) -> Tensor:
        """Return D(reference || network) at the choice of the goal, on the prompts of the batch."""
        with torch.no_grad():
            wanted = goal_log_probabilities(self.reference, self.batch)
        return (wanted.exp() * (wanted - goal_log_probabilities(network, self.batch))).sum(-1).mean()

    def task(self, network) -> Tensor:
        """Return the loss on demonstrations of the proxy; its expectation over goals for the full batch."""
        shares = torch.tensor(self.proxy(self.step), dtype=torch.float32)
        if self.run.optimizer == "full batch":
            return sum(
                share * demonstration_loss(network, self.batch, torch.full((FULL_BATCH,), goal))
                for goal, share in enumerate(shares)
            )
        return demonstration_loss(network, self.batch, self.goals)

    def draw(self) -> None:
        if self.run.optimizer == "full batch":
            self.batch = self.fixed
            return
        self.batch = prompts(BATCH, self.generator)
        self.goals = draw_goals(torch.tensor(self.proxy(self.step), dtype=torch.float32), BATCH, self.generator)

    def law(self):
        gamma = self.run.work * self.critical
        if self.run.law == "constant":
            # Where gamma is meant in units of gamma_crit, an underestimated lambda_max lowers it, too.
            return ConstantWork(gamma * (self.run.believed if self.run.part == "underestimated" else 1.0))
        if self.run.law == "proportional-integral":
            return ProportionalIntegral(target=0.8, proportional=2.0, integral=0.1, highest=3 * self.critical)
        return MinimalWork(tolerance=0.8, start=0.5, highest=3 * self.critical, settle=3, patience=3, recheck=20)

    def go(self) -> dict:
        run = self.run
        control = AlignmentController(
            self.network,
            self.law(),
            probes=lambda network: goals_of(network, self.probes),
            alignment_loss=self.aligned,
            learning_rate=self.eta,
            intended=INTENDED,
            proxy=self.proxy,
            curvature=lambda network: run.believed * self.measure(network).value,
            settings=ControlSettings(every=run.every, reading=run.reading, seed=run.seed),
        )
        seen = []
        optimizer = self.optimizer()
        diverged = None
        for step in range(run.steps + 1):
            self.step = step
            self.draw()
            try:
                if run.optimizer == "evolution":
                    self.evolve(control)
                else:
                    optimizer.zero_grad()
                    control.loss(self.task(self.network)).backward()
                    optimizer.step()
            except ValueError as error:  # not finite
                diverged = f"step {step}: {error}"
                break
            if step % run.every == 0:
                seen.append(control.last)
        return self.row(control, seen, diverged)

    def optimizer(self):
        if self.run.optimizer == "adam":
            return torch.optim.Adam(self.network.parameters(), lr=1e-3)
        return torch.optim.SGD(self.network.parameters(), lr=self.eta)

    @torch.no_grad()
    def evolve(self, control: AlignmentController) -> None:
        """Make one step of an evolution strategy: antithetic Gaussian perturbations, the loss at each, no gradient."""
        with torch.enable_grad():
            control.term()  # measures; its gradient is not used
        coefficient = control.last["coefficient"]
        weights = dict(self.network.named_parameters())
        noise = {name: torch.randn(PAIRS, *w.shape, generator=self.generator) for name, w in weights.items()}
        reference = goal_log_probabilities(self.reference, self.batch)

        def loss(shift):
            moved = {name: weights[name] + PERTURBATION * shift[name] for name in weights}

            def network(tokens):
                return functional_call(self.network, moved, (tokens,))

            aligned = (reference.exp() * (reference - goal_log_probabilities(network, self.batch))).sum(-1).mean()
            return demonstration_loss(network, self.batch, self.goals) + coefficient * aligned

        up = vmap(loss)(noise)
        down = vmap(loss)({name: -one for name, one in noise.items()})
        slope = (up - down) / (2.0 * PERTURBATION * PAIRS)
        if not bool(slope.isfinite().all()):
            raise ValueError("the losses of the evolution strategy are not finite")
        for name, weight in weights.items():
            weight -= self.eta * torch.tensordot(slope, noise[name], dims=1)

    def row(self, control, seen, diverged) -> dict:
        def series(pick):
            return [float(f"{pick(one):.4g}") for one in seen]

        fine = all(math.isfinite(float(weight.detach().sum())) for weight in self.network.parameters())
        return {
            "run": asdict(self.run),
            "parameters": self.parameters,
            "first_eigenvalue": self.first,
            "critical_work": self.critical,
            "learning_rate": self.eta,
            "diverged": diverged if diverged or fine else "parameters are not finite",
            "clipped": control.clipped,
            "work": control.work,
            "entropy_work": control.entropy_work,
            "mean_entropy": series(lambda one: one["mean_entropy"]["value"]),
            "low": series(lambda one: one["mean_entropy"]["low"]),
            "high": series(lambda one: one["mean_entropy"]["high"]),
            "entropy_of_mean": series(lambda one: one["entropy_of_mean"]["value"]),
            "kl_proxy": series(lambda one: one["kl_proxy"].get("value", -1.0)),
            "kl_intended": series(lambda one: one["kl_intended"].get("value", -1.0)),
            "gamma": series(lambda one: one["gamma"]),
            "coefficient": series(lambda one: one["coefficient"]),
            "eigenvalue": series(lambda one: one["largest_eigenvalue"]),
            "entropy_rate": series(lambda one: one["entropy_rate"]),
            "shares": [float(f"{share:.4g}") for share in seen[-1]["shares"]] if seen else [],
        }
