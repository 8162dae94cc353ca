"""Train the low-rank change of all-mpnet-base-v2 with which the optional engine `embedded-large` reads prompts.

Nine of its twelve layers are read, the upper three of them change; what comes out of the lower six is computed once.
The head starts from a logistic regression on the unchanged vectors, so that the adapter only has to bend what is known.
Needs torch and transformers (extra [transformer]) and a folder with the published all-mpnet-base-v2.
"""

from pathlib import Path

import numpy as np
import torch
from low_rank import SCALE, changes_of, epoch_batches, let_learn, warmed_up
from sklearn.linear_model import LogisticRegression
from torch import nn
from transformers import AutoModel, AutoTokenizer

from secondlaw.language.adapter import Adapter

FIRST, LAYERS, RANK, TOKENS = 6, 9, 8, 64
"""First layer that changes; layers that are read; rank of a change; tokens of a prompt in training."""
LEARNING_RATE, HEAD_RATE, EPOCHS, BATCH, DROPOUT, SMOOTHING, DECAY, C = 1e-3, 3e-4, 3, 32, 0.1, 0.05, 0.01, 0.003
HIDDEN = 768
PLACES = ("attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o", "intermediate.dense",
          "output.dense")  # fmt: skip


def fingerprint() -> str:
    """Return what tells settings apart."""
    settings = [FIRST, LAYERS, RANK, SCALE, TOKENS, LEARNING_RATE, HEAD_RATE, EPOCHS, BATCH, DROPOUT, SMOOTHING, DECAY]
    return " ".join(map(str, [*settings, C, "mpnet"]))


class LargeReader:
    """mpnet with its lower layers frozen and remembered, on disk between runs."""

    def __init__(self, folder: Path, states: Path) -> None:
        self.folder, self.file = folder, states
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.states: dict[str, torch.Tensor] = torch.load(states) if states.exists() else {}

    def lower(self, texts: list[str]) -> list[torch.Tensor]:
        """Return what layer FIRST receives for each text, shape (tokens, 768)."""
        new = sorted({text for text in texts if text not in self.states}, key=len)
        if new:
            frozen = AutoModel.from_pretrained(self.folder, add_pooling_layer=False).eval()
            frozen.encoder.layer = frozen.encoder.layer[:FIRST]
        for start in range(0, len(new), 32):
            part = new[start : start + 32]
            batch = self.tokenizer(part, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
            with torch.no_grad():
                hidden = frozen(**batch).last_hidden_state
            for text, of_text, mask in zip(part, hidden, batch.attention_mask, strict=True):
                self.states[text] = of_text[: int(mask.sum())].half().clone()
        if new:
            torch.save(self.states, self.file)
        return [self.states[text] for text in texts]

    def changed(self) -> nn.Module:
        """Return a model whose upper layers learn."""
        model = AutoModel.from_pretrained(self.folder, add_pooling_layer=False).eval()
        return let_learn(model, model.encoder.layer[FIRST:LAYERS], PLACES, RANK)


def upper(model: nn.Module, states: list[torch.Tensor]) -> torch.Tensor:
    """Return mean vectors of the texts whose lower states these are; products in bfloat16."""
    longest = max(map(len, states))
    x, mask = torch.zeros(len(states), longest, HIDDEN), torch.zeros(len(states), longest)
    for row, of_text in enumerate(states):
        x[row, : len(of_text)], mask[row, : len(of_text)] = of_text.float(), 1.0
    bias = model.encoder.compute_position_bias(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for layer in model.encoder.layer[FIRST:LAYERS]:
            x = layer(x, (1 - mask)[:, None, None, :] * -1e4, bias)[0]
    return (x.float() * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def train_adapter(
    reader: LargeReader, prompts: list[str], harmful: np.ndarray, *, seed: int = 0
) -> tuple[Adapter, dict[str, np.ndarray]]:
    """Train on prompts with a stated intent; return the adapter and the head: mean, scale, weights (768,) and bias."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    states, model = reader.lower(prompts), reader.changed()
    with torch.no_grad():
        plain = np.concatenate([upper(model, states[i : i + BATCH]).numpy() for i in range(0, len(states), BATCH)])
    mean, scale = plain.mean(0), plain.std(0) + 1e-6
    start = LogisticRegression(C=C, max_iter=300, tol=1e-3).fit((plain - mean) / scale, harmful)
    weights = nn.Parameter(torch.tensor(start.coef_[0], dtype=torch.float32))
    bias = nn.Parameter(torch.tensor(start.intercept_[0], dtype=torch.float32))
    learned = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": learned, "lr": LEARNING_RATE}, {"params": [weights, bias], "lr": HEAD_RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=DECAY)
    schedule = warmed_up(optimiser, EPOCHS * (len(prompts) // BATCH + 1))
    target = torch.tensor(harmful, dtype=torch.float32) * (1 - SMOOTHING) + SMOOTHING / 2
    lengths, centre, spread = np.array([len(s) for s in states]), torch.tensor(mean), torch.tensor(scale)
    for _ in range(EPOCHS):
        for batch in epoch_batches(lengths, BATCH, rng):
            z = (upper(model, [states[i] for i in batch]) - centre) / spread
            logits = nn.functional.dropout(z, DROPOUT) @ weights + bias
            loss = nn.functional.binary_cross_entropy_with_logits(logits, target[batch])
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learned, 1.0)
            optimiser.step()
            schedule.step()
    changes = changes_of(model.encoder.layer[FIRST:LAYERS], PLACES, first=FIRST)
    head = {"mean": mean, "scale": scale, "weights": weights.detach().numpy(), "bias": bias.detach().numpy()}
    return Adapter(changes), head
