"""Training of force fields that are networks: steps of Adam, stopped on a validation fold.

The loss is that of the closed forms, ``w D w - 2 w o dx / dt``, over batches of steps. For each held-out fold one
network is trained on all folds but that one and the next, which says when to stop and how far to shrink; the field of
all rows is the mean of these networks.
"""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.cross_fitting import SHRINKAGES
from secondlaw.trajectories.currents.fields import Field
from secondlaw.trajectories.currents.fitting import FieldFit
from secondlaw.trajectories.currents.moments import diffusion_of, spread_of
from secondlaw.trajectories.currents.network import Layers, Network, NetworkField, inputs_of
from secondlaw.trajectories.currents.stencils import Stencil
from secondlaw.trajectories.currents.steps import Steps
from secondlaw.trajectories.reading.installed import required

__all__ = ["fit_networks"]

Floats = NDArray[np.float64]
Tensor = Any  # torch's; torch is imported where networks are trained

_STEPS_BETWEEN = 25  # between two looks at the validation fold
_DECAY = 0.98  # of the running mean of weights that is judged and kept: single steps of Adam are noisy


def fit_networks(
    steps: Steps, network: Network, stencil: Stencil, *, in_time: bool, state_noise: bool, rng: np.random.Generator
) -> FieldFit:
    """Cross-fit networks.

    Raises
    ------
    InvalidInput
        If torch is not installed or the device does not exist.
    """
    torch = required("torch", "a network of currents", remedy="run pip install 'secondlaw[torch]', or take a basis")
    try:
        torch.zeros(1, device=network.device)
    except (RuntimeError, AssertionError) as error:
        raise InvalidInput(f"torch cannot use the device {network.device!r}: take 'cpu'") from error
    folds = len(steps.layout.folds) - 1
    seeds = rng.integers(2**62, size=folds)
    fields: list[Field] = []
    shrinkage, claimed = [], []
    for k in range(folds):
        training = _Training(torch, steps, network, stencil, (k, (k + 1) % folds), in_time, state_noise)
        member, factor, value = training.run(int(seeds[k]))
        fields.append(NetworkField(steps.coordinates, (member,), in_time))
        shrinkage.append(factor)
        claimed.append(value)
    members = tuple(member for one in fields for member in one.members)  # type: ignore[attr-defined]
    parameters = sum(weight.size + offset.size for weight, offset in members[0][0])
    whole = NetworkField(steps.coordinates, members, in_time)
    return FieldFit(tuple(fields), whole, tuple(shrinkage), float(np.mean(claimed)), parameters, None)


class _Training:
    """One network, its training rows and its validation rows."""

    def __init__(
        self, torch: Tensor,
        steps: Steps, network: Network, stencil: Stencil, left_out: tuple[int, int], in_time: bool,
        state_noise: bool,
    ) -> None:  # fmt: skip
        self.torch, self.steps, self.network, self.stencil = torch, steps, network, stencil
        self.in_time, self.state_noise = in_time, state_noise
        fold = steps.fold_of_block()
        kept = ~np.isin(fold, left_out)
        self.diffusion = diffusion_of(spread_of(steps, stencil)[kept], float(steps.rows[1].counts[kept].sum()))
        self.turn = np.linalg.inv(np.linalg.cholesky(self.diffusion)).T
        self.train = {lag: self._rows(lag, kept) for lag in stencil.lags}
        self.check = {lag: self._rows(lag, fold == left_out[1]) for lag in stencil.lags}

    def run(self, seed: int) -> tuple[tuple[Layers, Floats], float, float]:
        """Train; return the network (shrunk), the factor, and the objective on the training rows."""
        torch, network = self.torch, self.network
        source = torch.Generator().manual_seed(seed)
        drawn = np.random.default_rng(seed)
        parameters = self._start(source)
        mean = [one.detach().clone() for one in parameters]
        adam = torch.optim.Adam(parameters, lr=network.learning_rate)
        slower = torch.optim.lr_scheduler.CosineAnnealingLR(adam, network.steps)
        best, best_score, since = [one.clone() for one in mean], 0.0, 0
        for step in range(1, network.steps + 1):
            adam.zero_grad()
            self._loss(parameters, drawn).backward()
            adam.step()
            slower.step()
            decay = min(_DECAY, 1.0 - 1.0 / step)
            for one, new in zip(mean, parameters, strict=True):
                one.mul_(decay).add_(new.detach(), alpha=1.0 - decay)
            if step % _STEPS_BETWEEN == 0:
                score = self._gain(mean, self.check)[1]
                since += 1
                if score > best_score:
                    best, best_score, since = [one.clone() for one in mean], score, 0
                elif since >= network.patience:
                    break
        factor = self._gain(best, self.check)[0] if best_score > 0.0 else 0.0
        claimed = self._gain(best, self.train, factor=1.0)[1]
        return (self._layers(best), self.turn * factor), factor, claimed

    def _start(self, source: Tensor) -> list[Tensor]:
        torch, device = self.torch, self.network.device
        size = inputs_of(
            self.steps.coordinates, self.steps.states[:1], self.steps.times[:1], in_time=self.in_time
        ).shape[1]
        sizes = (size, *self.network.hidden, self.steps.dim)
        out = []
        for number, (before, after) in enumerate(itertools.pairwise(sizes)):
            last = number == len(sizes) - 2  # begins at 0: no force, value 0
            weight = torch.randn((before, after), generator=source) * (0.0 if last else (2.0 / before) ** 0.5)
            offset = torch.randn((after,), generator=source) * (0.0 if last else 0.5)
            out += [one.to(device).requires_grad_() for one in (weight, offset)]
        return out

    def _rows(self, lag: int, blocks: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.flatnonzero(blocks[self.steps.rows[lag].block])

    def _force(self, parameters: list[Tensor], z: Floats, times: Floats) -> Tensor:
        """Return the force before it is turned by the inverse root of D, as a tensor."""
        inputs = inputs_of(self.steps.coordinates, z, times, in_time=self.in_time)
        here = self._tensor(inputs)
        for number in range(0, len(parameters), 2):
            here = here @ parameters[number] + parameters[number + 1]
            if number < len(parameters) - 2:
                here = self.torch.nn.functional.silu(here)
        return here

    def _tensor(self, values: Floats) -> Tensor:
        return self.torch.as_tensor(values, dtype=self.torch.float32, device=self.network.device)

    def _parts(self, parameters: list[Tensor], lag: int, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return the means of ``w o dx / dt`` and of the cost over rows of a lag."""
        steps, chosen = self.steps, self.steps.rows[lag]
        start, stop = chosen.start[rows], chosen.stop[rows]
        z0, z1 = steps.states[start], steps.states[stop]
        moved = self._tensor((z1 - z0) @ self.turn)
        times = (steps.times[start] + steps.times[stop]) / 2.0
        flow = (self._force(parameters, (z0 + z1) / 2.0, times) * moved).sum() / (lag * steps.dt * len(rows))
        ends = self._force(
            parameters, np.concatenate([z0, z1]), np.concatenate([steps.times[start], steps.times[stop]])
        )
        if self.state_noise:
            squares = ((ends * self.torch.cat([moved, moved])).sum(dim=1) ** 2).sum() / (2.0 * lag * steps.dt)
        else:
            squares = (ends**2).sum()
        return flow, squares / (2.0 * len(rows))

    def _objective(self, parameters: list[Tensor], rows: dict[int, NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
        flow, cost = 0.0, 0.0
        for lag in self.stencil.lags:
            if not self.state_noise and lag > 1 and lag not in self.stencil.currents:
                continue
            one, other = self._parts(parameters, lag, rows[lag])
            flow = flow + self.stencil.currents.get(lag, 0.0) * one
            if self.state_noise:
                cost = cost + self.stencil.diffusion.get(lag, 0.0) * other
            elif lag == 1:
                cost = cost + other
        return flow, cost

    def _loss(self, parameters: list[Tensor], drawn: np.random.Generator) -> Tensor:
        rows = {lag: all_of[drawn.integers(len(all_of), size=self.network.batch)] for lag, all_of in self.train.items()}
        flow, cost = self._objective(parameters, rows)
        return cost - 2.0 * flow

    def _gain(
        self, parameters: list[Tensor], rows: dict[int, NDArray[np.int64]], factor: float | None = None
    ) -> tuple[float, float]:
        """Return the best factor and the objective there (or at `factor`) over all rows."""
        flow, cost = 0.0, 0.0
        size = 16 * self.network.batch
        total = len(rows[1])
        with self.torch.no_grad():
            for a in range(0, total, size):
                part = {lag: chosen[a : a + size] for lag, chosen in rows.items()}
                if any(not len(chosen) for chosen in part.values()):
                    break
                share = len(part[1]) / total
                one, other = self._objective(parameters, part)
                flow, cost = flow + share * float(one), cost + share * float(other)
        factors = SHRINKAGES if factor is None else np.array([factor])
        values = 2.0 * factors * flow - factors**2 * cost
        best = int(values.argmax())
        return float(factors[best]), float(values[best])

    def _layers(self, parameters: list[Tensor]) -> Layers:
        arrays = [one.detach().cpu().numpy().astype(np.float64) for one in parameters]
        return tuple(zip(arrays[::2], arrays[1::2], strict=True))
