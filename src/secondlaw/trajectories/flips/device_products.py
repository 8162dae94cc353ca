"""The two products in torch, on the CPU or a CUDA device; rows go to the device in large batches."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secondlaw.errors import InvalidInput
from secondlaw.trajectories.flips.products import Judged, Moments, Ranges
from secondlaw.trajectories.flips.rows import Flips
from secondlaw.trajectories.reading.installed import required

__all__ = ["TorchProducts"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]

BATCH_BYTES = 1 << 28  # of one float32 array of a batch on a device; some six of them live at a time
BATCH_ON_CPU = 1024
METRIC_SHARE = 4
HEADROOM = 40.0
RESIDENT = 8 << 30  # bytes of rows that stay on the device; more are sent at each pass


class TorchProducts:
    """The products of :class:`~secondlaw.trajectories.flips.products.NumpyProducts` on a device of torch.

    Parameters
    ----------
    data : Flips
    device : str
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``.

    Raises
    ------
    InvalidInput
        If torch is not installed, or has no such device.
    """

    def __init__(self, data: Flips, device: str) -> None:
        torch = self._torch = required("torch", "device=", remedy="pip install 'secondlaw[torch]', or leave device out")
        try:
            self._device = torch.device(device)
            torch.zeros(1, device=self._device)
        except (RuntimeError, AssertionError) as error:
            raise InvalidInput(f"torch cannot use the device {device!r}: {str(error).splitlines()[0]}") from error
        count, size = data.spins.shape
        on_cpu = self._device.type == "cpu"
        self._batch = BATCH_ON_CPU if on_cpu else max(1024, BATCH_BYTES // (4 * size))
        self._spins, self._flipped = torch.from_numpy(data.spins), torch.from_numpy(data.flipped)
        if not on_cpu and 2 * count * size <= RESIDENT:
            self._spins, self._flipped = self._spins.to(self._device), self._flipped.to(self._device)

    def moments(self, ranges: Ranges) -> Moments:
        """Return the moments of rows."""
        torch, n = self._torch, self._spins.shape[1]
        mean, correlations = (torch.zeros((n, n), device=self._device) for _ in range(2))
        flips, used = torch.zeros(n, dtype=torch.int64, device=self._device), 0
        for k, (spins, flipped) in enumerate(self._batches(ranges)):
            flips += flipped.sum(dim=0)
            mean += (spins * flipped).T @ spins
            if k % METRIC_SHARE == 0:
                correlations += spins.T @ spins
                used += len(spins)
        mean *= (-2.0 / flips.clamp(min=1))[:, None]
        mean.fill_diagonal_(0.0)
        return Moments(self._back(flips), self._back(mean), self._back(correlations / used), used)

    def tilted(self, theta: Singles, chosen: Integers, ranges: Ranges) -> tuple[Floats, Singles]:
        """Return ``ln sum exp(-theta g)`` and the tilted means of ``s_i s_j``."""
        torch = self._torch
        twice, columns = 2.0 * self._there(theta).T, self._there(chosen)
        total = torch.zeros(len(chosen), dtype=torch.float64, device=self._device)
        top = torch.full((len(chosen),), -torch.inf, device=self._device)
        sums = torch.zeros(theta.shape, device=self._device)
        for spins, flipped in self._batches(ranges):
            own = spins[:, columns]
            work = ((spins @ twice) * own).masked_fill_(~flipped[:, columns], -torch.inf)
            peak = work.amax(dim=0)
            new = torch.where((peak > top + HEADROOM) | ~top.isfinite(), peak, top)
            shrink = torch.where(top.isfinite(), torch.exp(top - new), 0.0)
            top = new
            work = work.sub_(torch.where(top.isfinite(), top, 0.0)).exp_()
            total = total * shrink + work.sum(dim=0, dtype=torch.float64)
            sums = sums * shrink[:, None] + (work * own).T @ spins
        log_sum = torch.where(top.isfinite(), top, 0.0) + total.clamp(min=1e-300).log()
        return self._back(log_sum), self._back(sums / total.clamp(min=1e-30)[:, None].float())

    def judged(self, theta: Singles, log_norm: Floats, chosen: Integers, edges: Integers) -> Judged:
        """Return sums over the flips between `edges`, for each chosen spin."""
        torch = self._torch
        twice, columns, shift = -2.0 * self._there(theta).T, self._there(chosen), self._there(log_norm).float()
        out = torch.zeros((4, len(edges) - 1, len(chosen)), dtype=torch.float64, device=self._device)
        for block in range(len(edges) - 1):
            for spins, flipped in self._batches([(int(edges[block]), int(edges[block + 1]))]):
                moved = flipped[:, columns]
                work = (spins @ twice) * spins[:, columns] * moved
                weights = torch.exp(-work - shift) * moved
                for place, found in enumerate((moved, work, weights, weights**2)):
                    out[place, block] += found.sum(dim=0, dtype=torch.float64)
        flips, works, weights, squares = self._back(out)
        return Judged(flips, works, weights, squares, log_norm)

    def turn(self, vectors: Singles, matrix: Singles) -> Singles:
        """Return ``vectors @ matrix``."""
        found: Singles = self._back(self._there(vectors) @ self._there(matrix))
        return found

    def _batches(self, ranges: Ranges) -> Iterator[tuple[Any, Any]]:
        for start, stop in ranges:
            for a in range(start, stop, self._batch):
                rows = slice(a, min(stop, a + self._batch))
                yield self._spins[rows].to(self._device).float(), self._flipped[rows].to(self._device)

    def _there(self, array: NDArray[Any]) -> Any:  # noqa: ANN401 - a torch tensor
        return self._torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

    def _back(self, tensor: Any) -> NDArray[Any]:  # noqa: ANN401 - a torch tensor
        found: NDArray[Any] = tensor.cpu().numpy()
        return found
