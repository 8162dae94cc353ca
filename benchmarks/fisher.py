"""Fisher products, largest eigenvalue and trace beside curvlinops, in one run.

    OMP_NUM_THREADS=1 python benchmarks/fisher.py [--repeats 5] [--probes 30]

For a multilayer perceptron on 256 pictures and a small causal language model on 8 x 32 tokens, in single precision:

1. one product of the exact Fisher matrix with a vector (setup apart, shown beside), and with 16 vectors at once;
2. the largest eigenvalue: our Lanczos to a residual of 1e-3, setup included; SciPy's eigsh (tol=1e-3, its 20 vectors)
   on curvlinops' operator, as its documentation does;
3. the trace by Hutch++ with as many probes: standard errors stand beside, for the probes are not the same.

CPU seconds of this process, the least of the repeats; agreement stands beside times; nothing is asserted.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from curvlinops import GGNLinearOperator, hutchpp_trace
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from secondlaw.alignment.fisher import FisherProducts, fisher_trace, largest_eigenvalue


def least(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        times.append(time.process_time() - start)
    return result, min(times)


class Logits(nn.Module):
    """A causal language model as curvlinops wants it: predictions as rows."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, batch):
        return self.model(**batch, use_cache=False).logits[:, :-1].flatten(0, 1)


def perceptron():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.Tanh(), nn.Linear(128, 10))
    data = torch.randn(256, 784), torch.randint(10, (256,))
    peer = GGNLinearOperator(model, nn.CrossEntropyLoss(), list(model.parameters()), [data], check_deterministic=False)
    return model, [data], peer


def language_model():
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=500, hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2,
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    ids = torch.randint(500, (8, 32))
    wrapped, batch = Logits(model), {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    peer = GGNLinearOperator(
        wrapped, nn.CrossEntropyLoss(), list(wrapped.parameters()), [(batch, ids[:, 1:].flatten())],
        check_deterministic=False, batch_size_fn=lambda one: one["input_ids"][:, 1:].numel(),
    )  # fmt: skip
    return model, [batch], peer


def eigsh_value(peer):
    size = peer.shape[0]

    def product(vector):
        return (peer @ torch.as_tensor(vector.ravel(), dtype=torch.float32)).numpy()

    operator = LinearOperator((size, size), matvec=product, dtype=np.float32)
    start = np.random.default_rng(0).standard_normal(size).astype(np.float32)
    return float(eigsh(operator, k=1, which="LA", tol=1e-3, v0=start, return_eigenvectors=False)[0])


def compare(name, make, repeats, probes):
    model, batches, peer = make()
    products, setup = least(lambda: FisherProducts(model, batches), repeats)
    print(f"\n{name}: {products.size:,} parameters, {products.predictions} predictions")
    vector, block = torch.randn(products.size), torch.randn(products.size, 16)

    def row(what, ours, theirs, agreement):
        print(f"  {what:28} ours {ours:8.4f} s   curvlinops {theirs:8.4f} s   ratio {theirs / ours:5.1f}   {agreement}")

    mine, a = least(lambda: products.matvec(vector), repeats)
    yours, b = least(lambda: peer @ vector, repeats)
    off = float(torch.linalg.vector_norm(mine - yours) / torch.linalg.vector_norm(yours))
    row("a product", a, b, f"differ by {off:.0e}; our setup {setup:.4f} s")
    _, a = least(lambda: products.matmat(block), repeats)
    _, b = least(lambda: peer @ block, repeats)
    row("16 products at once", a, b, "")
    found, a = least(lambda: largest_eigenvalue(FisherProducts(model, batches)), repeats)
    value, b = least(lambda: eigsh_value(peer), min(repeats, 2))
    row("largest eigenvalue", a, b, f"{found.value:.5f} ({found.products} products), {value:.5f}")
    trace, a = least(
        lambda: fisher_trace(FisherProducts(model, batches), rng=np.random.default_rng(0), probes=probes),
        min(repeats, 2),
    )
    theirs = [hutchpp_trace(peer, num_matvecs=probes) for _ in range(3)]
    _, b = least(lambda: hutchpp_trace(peer, num_matvecs=probes), min(repeats, 2))
    mean, spread = np.mean(theirs), np.std(theirs, ddof=1)
    row("trace", a, b, f"{trace.on_data.value:.3f} +- {trace.standard_error:.3f}, {mean:.3f} +- {spread:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--probes", type=int, default=30)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with sdpa_kernel(SDPBackend.MATH):  # curvlinops asks for it
        compare("multilayer perceptron", perceptron, asked.repeats, asked.probes)
        compare("causal language model", language_model, asked.repeats, asked.probes)


if __name__ == "__main__":
    main()
