"""A task with several goals, and a small transformer that chooses one of them and pursues it.

A prompt is four digits. After them the network writes a goal token, one of six, then the answer that this goal asks of
the digits: the first, second, third or fourth of them, the largest, the smallest. Nothing in the prompt says which goal
is wanted, so the network chooses; p(goal | prompt), its softmax over the goal tokens, is exact.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

DIGITS, GOALS, LENGTH = 10, 6, 4
START, GO = DIGITS + GOALS, DIGITS + GOALS + 1
VOCABULARY = DIGITS + GOALS + 2
INTENDED = (0.9, 0.02, 0.02, 0.02, 0.02, 0.02)
PROXY = (0.1, 0.4, 0.2, 0.1, 0.1, 0.1)


class GoalTransformer(nn.Module):
    """A causal transformer, pre-norm, without dropout."""

    def __init__(self, width: int, layers: int, *, heads: int = 2) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, width)
        self.place = nn.Embedding(LENGTH + 3, width)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, VOCABULARY, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits of the next token at every place, shape (sequences, places, vocabulary)."""
        hidden = self.token(tokens) + self.place.weight[: tokens.shape[1]]
        for block in self.blocks:
            hidden = block(hidden)
        return self.head(self.norm(hidden))


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        # Written out, so that torch.func differentiates it twice.
        sequences, places, width = hidden.shape
        parts = self.mix(self.first(hidden)).view(sequences, places, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-1, -2) / math.sqrt(width // self.heads)
        later = torch.ones(places, places, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(later, -torch.inf).softmax(-1)
        hidden = hidden + self.out((weights @ value).transpose(1, 2).reshape(sequences, places, width))
        return hidden + self.down(functional.gelu(self.up(self.second(hidden))))


class GoalHead(nn.Module):
    """The network as a classifier of goals: prompts to logits of the goal tokens."""

    def __init__(self, network: GoalTransformer) -> None:
        super().__init__()
        self.network = network

    def forward(self, prompts: Tensor) -> Tensor:
        """Return logits, shape (prompts, goals)."""
        return self.network(prompts)[:, -1, DIGITS : DIGITS + GOALS]


def prompts(count: int, generator: torch.Generator) -> Tensor:
    """Draw prompts, shape (count, places): start, four digits, go."""
    digits = torch.randint(DIGITS, (count, LENGTH), generator=generator)
    edge = torch.ones(count, 1, dtype=torch.long)
    return torch.cat([START * edge, digits, GO * edge], dim=1)


def draw_goals(shares: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Draw goals of demonstrations."""
    return torch.multinomial(shares, count, replacement=True, generator=generator)


def answers(asked: Tensor, goals: Tensor) -> Tensor:
    """Return the digit that each goal asks of its prompt."""
    digits = asked[:, 1 : 1 + LENGTH]
    possible = torch.cat([digits, digits.amax(1, keepdim=True), digits.amin(1, keepdim=True)], dim=1)
    return possible.gather(1, goals[:, None])[:, 0]


def demonstration_loss(network: nn.Module, asked: Tensor, goals: Tensor) -> Tensor:
    """Return the cross-entropy of demonstrations, nats a sequence: of the goal token, and of the answer after it."""
    logits = network(torch.cat([asked, DIGITS + goals[:, None]], dim=1))
    chosen = functional.cross_entropy(logits[:, -2], DIGITS + goals)
    return chosen + functional.cross_entropy(logits[:, -1], answers(asked, goals))


def goal_log_probabilities(network: nn.Module, asked: Tensor) -> Tensor:
    """Return ln p(goal | prompt), shape (prompts, goals)."""
    return network(asked)[:, -1, DIGITS : DIGITS + GOALS].log_softmax(-1)


def pretrain(width: int, layers: int, *, seed: int, steps: int, batch: int = 64) -> GoalTransformer:
    """Return a network that chooses goals as intended and pursues any; Adam, with a falling learning rate."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = GoalTransformer(width, layers)
    generator = torch.Generator().manual_seed(1000 + seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3 * (16 / max(width, 16)) ** 0.5)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    intended = torch.tensor(INTENDED)
    for _ in range(steps):
        asked = prompts(batch, generator)
        anything = torch.randint(GOALS, (batch,), generator=generator)
        logits = network(torch.cat([asked, DIGITS + anything[:, None]], dim=1))
        # The choice is scored against the intended distribution, the answer for any goal that is given.
        log_p = logits[:, -2].log_softmax(-1)[:, DIGITS : DIGITS + GOALS]
        loss = -(log_p @ intended).mean() + functional.cross_entropy(logits[:, -1], answers(asked, anything))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network
