"""The row that a sampling run stores for one response."""

from datetime import datetime
from typing import Any

from secondlaw.sampling.replies import Reply
from secondlaw.sampling.run import Chain, SamplingRun

__all__ = ["response_row"]


def response_row(
    run: SamplingRun,
    chain: Chain,
    step: int,
    reply: Reply,
    *,
    choice: int,
    asked: str,
    seed: int | None,
    sampled_at: datetime,
) -> dict[str, Any]:
    """Return one response as a row of docs/row-format.md, with what it takes to ask for it again.

    Parameters
    ----------
    run : SamplingRun
    chain : Chain
        Whose question was answered.
    step : int
    reply : Reply
    choice : int
        Which of the reply's answers.
    asked : str
        The last thing the model was asked.
    seed : int or None
        The seed of the request, which all its answers share.
    sampled_at : datetime

    Returns
    -------
    dict
        Usage that covers one answer is in ``prompt_tokens`` and ``completion_tokens``; where the request gave several,
        ``request_prompt_tokens`` and ``request_completion_tokens`` cover all ``choices``.
    """
    prompt, sample = chain.prompt, chain.samples[choice]
    row: dict[str, Any] = {
        "id": run.row_id(chain.arm, prompt, step, sample),
        "stream": run.name,
        "model": chain.arm.name,
        "step": step,
        "prompt_id": prompt.prompt_id,
        "prompt": asked,
        "response": reply.texts[choice],
        "intent": prompt.intent,
        "sample": sample,
        "sampled_at": sampled_at.isoformat(timespec="seconds"),
        "finish_reason": reply.finish_reasons[choice],
    }
    if len(reply.texts) == 1:
        row |= {"prompt_tokens": reply.prompt_tokens, "completion_tokens": reply.completion_tokens}
    else:
        row |= {
            "choice": choice,
            "choices": len(reply.texts),
            "request_prompt_tokens": reply.prompt_tokens,
            "request_completion_tokens": reply.completion_tokens,
        }
    if run.scenario.sequential:
        row["conversation"] = run.row_id(chain.arm, prompt, 0, sample)
    known = {
        "prompt_set": prompt.prompt_set,
        "topic": prompt.topic,
        "served_model": reply.served_model,
        "seed": seed,
    }
    return row | {name: value for name, value in known.items() if value not in (None, "")}
