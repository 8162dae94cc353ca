"""A network of a few hundred parameters with goals, trained by a plain loop; what tests of control share."""

import torch

from secondlaw.alignment.control import AlignmentController, ConstantWork, ControlSettings, fisher_curvature

INTENDED, PROXY = (0.85, 0.05, 0.05, 0.05), (0.1, 0.5, 0.2, 0.2)
INPUTS = torch.randn(24, 5, generator=torch.Generator().manual_seed(3))


class Chooser(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Sequential(
            torch.nn.Linear(5, 12), torch.nn.Tanh(), torch.nn.Dropout(0.1), torch.nn.Linear(12, 4)
        )

    def forward(self, inputs):
        return self.inner(inputs)


def shares(model):
    return model(INPUTS).softmax(-1)


def aligned(model):
    return -(model(INPUTS).log_softmax(-1) @ torch.tensor(INTENDED)).mean()


class Loop:
    """A training loop on the proxy, with everything that a checkpoint has to keep."""

    def __init__(self, law=None, *, log=None, rate=0.2, seed=0, curvature="fisher", **settings):
        torch.manual_seed(seed)
        self.model = Chooser()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=rate, momentum=0.5)
        self.generator = torch.Generator().manual_seed(11)
        self.control = AlignmentController(
            self.model,
            ConstantWork(1.0) if law is None else law,
            probes=shares,
            alignment_loss=aligned,
            learning_rate=lambda: self.optimizer.param_groups[0]["lr"],
            intended=INTENDED,
            proxy=PROXY,
            curvature=fisher_curvature([INPUTS]) if curvature == "fisher" else curvature,
            settings=ControlSettings(**({"every": 5} | settings)),
            log=log,
        )

    def task(self):
        goals = torch.multinomial(torch.tensor(PROXY), len(INPUTS), replacement=True, generator=self.generator)
        return torch.nn.functional.cross_entropy(self.model(INPUTS), goals)

    def train(self, steps):
        for _ in range(steps):
            loss = self.control.loss(self.task())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return self

    @property
    def entropy(self):
        return self.control.last["mean_entropy"]["value"]

    def parameters(self):
        return torch.cat([weight.detach().flatten() for weight in self.model.parameters()])
