"""Counts by group whose truth is known: Dirichlet-multinomial prompts, or prompts all alike."""

import numpy as np

RARE = (0.90, 0.03, 0.04, 0.01, 0.02)
SPREAD = (0.5, 0.2, 0.1, 0.15, 0.05)
BENIGN = (0.6, 0.0, 0.0, 0.3, 0.1)
VERY_RARE = (0.97, 0.01, 0.01, 0.005, 0.005)


def exact_entropy(shares):
    p = np.asarray(shares, dtype=float)
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def draw(groups, size, shares, correlation, *, rng, sets=1):
    """Return counts (sets, groups, K); correlation is the intraclass correlation of the prompts' own shares."""
    p = np.asarray(shares, dtype=float)
    if correlation == 0:
        return rng.multinomial(size, p, size=(sets, groups))
    concentration = (1 - correlation) / correlation
    gamma = np.where(p > 0, rng.gamma(np.maximum(concentration * p, 1e-12), size=(sets, groups, len(p))), 0.0)
    total = gamma.sum(axis=-1, keepdims=True)
    corner = np.eye(len(p))[rng.choice(len(p), p=p, size=(sets, groups))]
    own = np.where(total > 0, gamma / np.where(total > 0, total, 1.0), corner)
    return rng.multinomial(size, own / own.sum(axis=-1, keepdims=True))


def truth(shares, correlation):
    """Return the true pooled and within entropy of :func:`draw`."""
    from scipy.special import digamma

    p = np.asarray(shares, dtype=float)
    p = p[p > 0]
    if correlation == 0:
        return exact_entropy(p), exact_entropy(p)
    a = (1 - correlation) / correlation
    return exact_entropy(p), float(digamma(a + 1) - (p * digamma(a * p + 1)).sum())


def fewest(repetitions, rate, *, doubt=1e-4):
    """Return the number of successes that a process of this rate undercuts with probability `doubt` at most."""
    from scipy.stats import binom

    return int(binom.ppf(doubt, repetitions, rate))


def most(repetitions, rate, *, doubt=1e-4):
    """Return the number of successes that a process of this rate exceeds with probability `doubt` at most."""
    from scipy.stats import binom

    return int(binom.isf(doubt, repetitions, rate))
