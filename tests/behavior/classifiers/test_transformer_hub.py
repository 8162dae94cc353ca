"""Bases and trained classifiers of a hub: the command line and the hub's own client, against a hub on loopback."""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_transformers as tiny
from loopback_hub import COMMIT, files_of, open_hub

from secondlaw import installed
from secondlaw.errors import ModelFileError
from secondlaw.pipeline.engines import open_engine
from secondlaw.pipeline.settings import load_settings

pytestmark = pytest.mark.unit

COMMANDS = """
import contextlib, json, os, sys, warnings
from typer.testing import CliRunner
from secondlaw.cli.main import app

warnings.simplefilter("ignore")  # those of the libraries; the tests of the package make errors of its own
answers = sys.stdout
for line in sys.stdin:
    words, changed = json.loads(line)
    before = dict(os.environ)
    os.environ.update(changed)
    done = CliRunner().invoke(app, words)
    os.environ.clear()
    os.environ.update(before)
    failed = None if done.exception is None or isinstance(done.exception, SystemExit) else repr(done.exception)
    print(json.dumps([done.exit_code, done.stdout, done.stderr, failed]), file=answers, flush=True)
"""
"""The command line, command after command in one process: the hub's client reads the hub's address when imported."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def open_one():
    with open_hub() as hub:
        yield hub


@pytest.fixture(scope="module")
def process(open_one, place):
    given = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "SECONDLAW_OFF"))}
    changed = {"HF_ENDPOINT": open_one.url, "HF_HOME": str(place / "home"), "COLUMNS": "200"}
    with subprocess.Popen(
        [sys.executable, "-c", COMMANDS], env={**given, **changed}, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, cwd=place,
    ) as opened:  # fmt: skip
        yield opened
        opened.stdin.close()


@pytest.fixture
def hub(open_one):
    open_one.asked.clear()
    open_one.private.clear()
    open_one.gated.clear()
    open_one.break_after = None
    return open_one


@pytest.fixture
def secondlaw(process):
    def run(*words, **changed):
        process.stdin.write(json.dumps([[str(word) for word in words], changed]) + "\n")
        process.stdin.flush()
        code, out, err, failed = json.loads(process.stdout.readline())
        assert failed is None, f"{failed}\n{err}"
        return code, out, err

    return run


@pytest.fixture(scope="module")
def base(place):
    made = files_of(tiny.save_bert(place / "bert"))
    return made | {
        "pytorch_model.bin": b"pickle", "modeling.py": b"1/0", "onnx/model.safetensors": b"x" * 99,
    }  # fmt: skip


@pytest.fixture(scope="module")
def rows(place):
    path = place / "rows.jsonl"
    made = [
        {"prompt": row.prompt, "response": row.response, "intent": row.intent, "human_label": row.category}
        for row in tiny.rows(120, seed=1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    return path


@pytest.fixture
def train(secondlaw, rows, tmp_path):
    def run(name, *more, out="mine", **changed):
        return secondlaw(
            "classifier", "train", rows, "--engine", "transformer", "--base", f"org/{name}@{COMMIT}", "--out",
            tmp_path / out, "--set", "epochs=1", "--set", "max_tokens=48", "--resamples", 100, "--quiet", *more,
            **changed,
        )  # fmt: skip

    return run


def refused(done, code, *words):
    found, _, err = done
    assert found == code, err
    for word in words:
        assert word in err
    assert "Traceback" not in err


def test_a_base_is_fetched_where_that_is_asked_for_and_then_in_the_cache(train, hub, base, tmp_path):
    hub.repositories["org/tiny"] = base
    refused(train("tiny"), 13, "in the hub's cache on this machine; allow the download (--download)")
    refused(train("tiny", "--download", SECONDLAW_OFFLINE="1"), 2, "the setting offline (SECONDLAW_OFFLINE) forbids it")
    assert not hub.asked
    code, _, err = train("tiny", "--download")
    assert code == 0, err
    assert err == ""  # quiet: no bars of the hub's client either
    made = json.loads((tmp_path / "mine" / "manifest.json").read_text())["base"]
    assert (made["name"], made["revision"]) == ("org/tiny", COMMIT)
    assert any(path.startswith("/store/") for path in hub.paths())  # the redirect of a large file was followed
    assert not [path for path in hub.paths() if path.endswith((".bin", ".py")) or "onnx" in path]
    assert any("hf_hub/" in agent for _, agent in hub.asked)  # the real client
    hub.asked.clear()
    code, _, err = train("tiny", out="again", SECONDLAW_OFFLINE="1")
    assert code == 0, err
    assert not hub.asked


def test_a_download_that_breaks_off_is_finished(train, hub, base):
    hub.repositories["org/broken"] = base
    hub.break_after = 5000
    code, _, err = train("broken", "--download")
    assert code == 0, err
    assert hub.break_after is None


@pytest.mark.parametrize("name", ["gated", "private"])
def test_a_repository_that_needs_a_token_says_so(train, hub, base, name):
    hub.repositories[f"org/{name}"] = base
    getattr(hub, name).add(f"org/{name}")
    refused(train(name, "--download"), 13, name, "HF_TOKEN")
    refused(train(name, "--download", HF_TOKEN="hf_wrong"), 13, name, "HF_TOKEN")
    code, _, err = train(name, "--download", HF_TOKEN="hf_right")
    assert code == 0, err


def test_a_repository_or_a_commit_that_is_none_is_told(train, hub, base):
    refused(train("nothing", "--download"), 13, "the hub knows no repository org/nothing (status 404)")
    hub.repositories["org/moved"] = base
    refused(train("moved", "--download", "--base", f"org/moved@{'f' * 40}"), 13, "not this commit (status 404)")


@pytest.fixture(scope="module")
def trained(place, rows):
    """Train an embedded classifier and a transformer; return their folders."""
    from typer.testing import CliRunner

    from secondlaw.cli.main import app

    tiny.save_bert(place / "local")
    for kind, more in (
        ("embedded", ()),
        ("transformer", ("--base", place / "local", "--set", "epochs=1", "--set", "max_tokens=48")),
    ):
        words = ("classifier", "train", rows, "--engine", kind, "--out", place / kind, "--quiet", "--resamples", 100)
        with tiny.quiet():
            done = CliRunner().invoke(app, [str(word) for word in (*words, "--hold-out", "prompt", *more)])
        assert done.exit_code == 0, done.output
    return place


EVIL = {"evil.bin": b"pickle", "modeling.py": b"1/0", "onnx/model.safetensors": b"x", "README.md": b"# mine"}


@pytest.mark.parametrize("kind", ["embedded", "transformer"])
def test_a_trained_classifier_on_a_hub_is_an_engine(secondlaw, hub, trained, rows, tmp_path, kind):
    hub.repositories[f"me/{kind}"] = files_of(trained / kind) | EVIL
    engine = f"me/{kind}@{COMMIT}"
    words = ("classifier", "evaluate", rows, "--resamples", 100, "--workers", 1, "--json", "--engine")
    refused(secondlaw(*words, engine, SECONDLAW_OFFLINE="1"), 13, "the setting offline (SECONDLAW_OFFLINE) forbids")
    assert not hub.asked
    code, out, err = secondlaw(*words, engine)
    assert code == 0, err
    local = secondlaw(*words, trained / kind)[1]
    assert json.loads(out) == json.loads(local)
    assert any("rows are of prompts that" in text for text in json.loads(out)["warnings"])  # as in the folder
    assert not [path for path in hub.paths() if path.endswith((".bin", ".py")) or "onnx" in path]
    hub.asked.clear()
    card = secondlaw("classifier", "card", "--engine", engine, SECONDLAW_OFFLINE="1")
    assert card == secondlaw("classifier", "card", "--engine", trained / kind)
    code, _, err = secondlaw("classify", rows, "--out", tmp_path / "o.jsonl", "--engine", engine, "--workers", 1)
    assert code == 0, err
    assert not hub.asked


def test_a_classifier_that_is_not_whole_or_was_changed_is_refused(secondlaw, hub, trained):
    card = ("classifier", "card", "--engine")
    files = files_of(trained / "transformer")
    hub.repositories["me/half"] = {name: one for name, one in files.items() if name != "model.safetensors"}
    refused(secondlaw(*card, f"me/half@{COMMIT}"), 13, "its model.safetensors is not on the hub")
    raw = bytearray(files["model.safetensors"])
    raw[-1] ^= 1
    hub.repositories["me/changed"] = {**files, "model.safetensors": bytes(raw)}
    refused(secondlaw(*card, f"me/changed@{COMMIT}"), 13, "the file is damaged or was changed")
    hub.repositories["me/broken"] = {**files, "model.safetensors": files["model.safetensors"] + b" "}
    hub.break_after = 5000
    refused(secondlaw(*card, f"me/broken@{COMMIT}"), 13, "the file is damaged or was changed")  # fetched to its end
    hub.repositories["me/later"] = files
    hub.gated.add("me/later")
    refused(secondlaw(*card, f"me/later@{COMMIT}"), 13, "gated", "HF_TOKEN")
    code, _, err = secondlaw(*card, f"me/later@{COMMIT}", HF_TOKEN="hf_right")
    assert code == 0, err


def test_what_is_no_classifier_on_a_hub_is_told(secondlaw, hub, base, trained, rows):
    card = ("classifier", "card", "--engine")
    hub.repositories["me/base"] = base
    refused(secondlaw(*card, f"me/base@{COMMIT}"), 13, "holds no manifest.json")
    manifest = json.loads((trained / "transformer" / "manifest.json").read_text())
    for number, name in enumerate(("evil.bin", "../config.json", "*.json")):
        content = {**manifest, "sha256": {name: "0" * 64}}
        hub.repositories[f"me/evil{number}"] = {"manifest.json": json.dumps(content).encode(), "evil.bin": b"pickle"}
        refused(secondlaw(*card, f"me/evil{number}@{COMMIT}"), 13, f"names {name!r}, which no classifier needs")
    assert not any(path.endswith(".bin") for path in hub.paths())
    for engine in ("me/mine@main", f"me/mine@{COMMIT[:12]}"):
        refused(secondlaw("classifier", "evaluate", rows, "--engine", engine), 2, "full commit hash")
    refused(secondlaw(*card, f"me/nothing@{COMMIT}"), 13, "the hub knows no repository me/nothing")


def test_without_the_client_of_the_hub_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    with pytest.raises(ModelFileError, match=r"huggingface_hub, not installed here.*secondlaw\[transformer\]"):
        open_engine(f"me/mine@{COMMIT}", load_settings())
