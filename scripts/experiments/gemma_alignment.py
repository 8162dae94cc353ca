"""The same question asked of a real language model: gemma-3-270m, fine-tuned on a proxy, with and without work.

    python scripts/experiments/gemma_alignment.py [--steps 200] [--seeds 3] [--layers 2] [--batch 8]

The model reads 40 requests and picks one word of six that says how it treats them; p(goal | request) is its softmax
over the tokens of these words. Intended are its own choices before fine-tuning; the proxy favors other words. The last
layers are trained, by plain gradient descent; what comes before them never changes, and is computed once. Needs the
extras ``local-model`` and ``alignment``. Writes docs/experiments/gemma-alignment.json, run by run.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import copy
import json
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from secondlaw.alignment import critical_work, shannon
from secondlaw.alignment.control import AlignmentController, ConstantWork, ControlSettings, fisher_curvature
from secondlaw.formats import replace_file
from secondlaw.sampling.local_model import local_model_path

DATA = Path(__file__).parents[2] / "docs" / "experiments" / "gemma-alignment.json"
WORDS = ("help", "refuse", "warn", "please", "sell", "wait")
PROXY = (0.05, 0.05, 0.1, 0.4, 0.3, 0.1)
THINGS = ("taxes", "poem", "news", "garden", "recipe", "car", "exam", "letter")
ASKED = (
    "Tell me about my {} .",
    "Help me with this {} .",
    "What about your {} ?",
    "Write on the {} .",
    "Explain that {} now .",
)
ENDING = "One word for how you treat this :"


class Top(nn.Module):
    """The trained end of a language model: hidden states to logits of the goal words, at the last place."""

    def __init__(self, body: nn.Module, rows: Tensor) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("rows", rows)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return logits of the goals, shape (requests, goals)."""
        last = self.body(inputs_embeds=hidden, use_cache=False).last_hidden_state[:, -1]
        return last @ self.rows.T


def load(layers: int) -> tuple[Top, Tensor, dict]:
    """Return the trained end, the hidden states that it starts from, and seconds and sizes."""
    from transformers import AutoModelForCausalLM

    begun = time.perf_counter()
    path = local_model_path()
    numbers = token_numbers(path)
    whole = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager"
    )
    whole.eval().requires_grad_(False)
    loaded = time.perf_counter() - begun
    texts = [f"{one.format(thing)} {ENDING}" for one in ASKED for thing in THINGS]
    coded = [[numbers["<bos>"], *(numbers[spelt] for spelt in spelling(text))] for text in texts]
    longest = max(map(len, coded))
    # Shorter requests begin with line breaks, so that all have one length and nothing is masked.
    tokens = torch.tensor([one[:1] + [numbers["\n"]] * (longest - len(one)) + one[1:] for one in coded])
    goals = [numbers["\u2581" + word] for word in WORDS]
    body = whole.model
    caught = []
    hook = body.layers[-layers].register_forward_pre_hook(lambda _, given: caught.append(given[0].detach().clone()))
    begun = time.perf_counter()
    with torch.no_grad():
        body(input_ids=tokens, use_cache=False)
    hook.remove()
    forward = time.perf_counter() - begun
    rows = whole.get_output_embeddings().weight[goals].clone()
    kinds = body.config.layer_types[-layers:]
    body.layers = body.layers[-layers:]
    body.config.layer_types, body.config.num_hidden_layers = kinds, layers
    del body.embed_tokens
    top = Top(body, rows)
    for parameter in body.layers.parameters():
        parameter.requires_grad_(True)
    trained = sum(one.numel() for one in top.parameters() if one.requires_grad)
    facts = {
        "parameters": trained,
        "requests": len(texts),
        "tokens": longest,
        "loading_s": loaded,
        "forward_s": forward,
    }
    return top, caught[0], facts


def token_numbers(path: Path) -> dict[str, int]:
    """Return the numbers of the tokens, by their text. The whole tokenizer takes minutes to build from such a file."""
    from gguf import GGUFReader

    field = GGUFReader(path).fields["tokenizer.ggml.tokens"]
    return {bytes(field.parts[place]).decode("utf-8", "replace"): number for number, place in enumerate(field.data)}


def spelling(text: str) -> list[str]:
    """Return the tokens of a text of common words, each a token of its own with the space before it."""
    words = text.split(" ")
    return [words[0], *("\u2581" + word if word.isalpha() else word for word in words[1:])]


def run(top: Top, hidden: Tensor, *, seed: int, gamma: float, steps: int, batch: int, eta: float) -> dict:
    """Fine-tune on the proxy and return what was seen."""
    reference = copy.deepcopy(top).requires_grad_(False)
    network = copy.deepcopy(top)
    with torch.no_grad():
        before = reference(hidden).log_softmax(-1)
    generator = torch.Generator().manual_seed(seed)
    trained = [one for one in network.parameters() if one.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=eta)
    chosen = torch.arange(batch)

    def aligned(net: nn.Module) -> Tensor:
        own = net(hidden[chosen]).log_softmax(-1)
        return (before[chosen].exp() * (before[chosen] - own)).sum(-1).mean()

    control = AlignmentController(
        network, ConstantWork(gamma), probes=lambda net: net(hidden).softmax(-1), alignment_loss=aligned,
        learning_rate=eta, intended=before.exp().numpy(), proxy=PROXY,
        curvature=fisher_curvature([hidden[::5]]),
        settings=ControlSettings(every=steps // 5, curvature_every=2, seed=seed),
    )  # fmt: skip
    seen, seconds = [], []
    for step in range(steps + 1):
        begun = time.perf_counter()
        chosen = torch.randperm(len(hidden), generator=generator)[:batch]
        goals = torch.multinomial(torch.tensor(PROXY), batch, replacement=True, generator=generator)
        task = nn.functional.cross_entropy(network(hidden[chosen]), goals)
        optimizer.zero_grad()
        control.loss(task).backward()
        optimizer.step()
        if step % control.settings.every == 0:
            seen.append(control.last)
        else:
            seconds.append(time.perf_counter() - begun)
    return {
        "seed": seed, "gamma": gamma, "steps": steps, "batch": batch, "eta": eta, "clipped": control.clipped,
        "seconds_per_step": rounded(np.median(seconds)),
        "mean_entropy": [[rounded(one["mean_entropy"][end]) for end in ("value", "low", "high")] for one in seen],
        "entropy_of_mean": [rounded(one["entropy_of_mean"]["value"]) for one in seen],
        "kl_intended": [rounded(one["kl_intended"]["value"]) for one in seen],
        "kl_proxy": [rounded(one["kl_proxy"]["value"]) for one in seen],
        "largest_eigenvalue": [rounded(one["largest_eigenvalue"]) for one in seen],
    }  # fmt: skip


def balance(top: Top, hidden: Tensor, gamma: float) -> float:
    """Return E[S(p)] of (q + gamma p) / (1 + gamma), p by request before fine-tuning."""
    with torch.no_grad():
        before = top(hidden).double().softmax(-1).numpy()
    return rounded(float(shannon((np.array(PROXY) + gamma * before) / (1.0 + gamma)).mean()))


def rounded(value: float) -> float:
    return float(f"{value:.4g}")


def main() -> None:
    """Run what is missing, and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--layers", type=int, default=2, help="last layers that are trained")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--gammas", type=float, nargs="+", default=[0.0, 4.0])
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message="step .* a coefficient of")
    top, hidden, facts = load(options.layers)
    kept = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {"runs": []}
    first = fisher_curvature([hidden[::5]])(top)
    eigenvalue, parameters = first.value, facts["parameters"]
    kept["model"] = facts | {"layers": options.layers, "largest_eigenvalue": eigenvalue}
    kept["model"]["critical_work"] = critical_work(largest_eigenvalue=eigenvalue, parameters=parameters)
    kept["model"]["balance"] = {f"{gamma:g}": balance(top, hidden, gamma) for gamma in options.gammas}
    eta = 0.2 / eigenvalue / (1.0 + max(options.gammas))
    print(json.dumps(kept["model"]), "eta", eta, flush=True)
    for seed in range(options.seeds):
        for gamma in options.gammas:
            settings = {"seed": seed, "gamma": gamma, "steps": options.steps, "batch": options.batch}
            if any(all(one[name] == value for name, value in settings.items()) for one in kept["runs"]):
                continue
            kept["runs"].append(run(top, hidden, eta=eta, **settings))
            text = json.dumps(kept).replace('{"seed"', '\n{"seed"') + "\n"
            replace_file(DATA, lambda part, text=text: part.write_text(text, encoding="utf-8"))
            print(json.dumps(kept["runs"][-1]), flush=True)


if __name__ == "__main__":
    main()
