"""A training that is killed and started again ends with the same bits as one that ran through."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_transformers as tiny  # noqa: E402

from secondlaw.behavior.classifiers.transformer import TransformerSettings, train_transformer  # noqa: E402
from secondlaw.behavior.classifiers.transformer.checkpoints import CheckpointStore  # noqa: E402
from secondlaw.errors import InvalidInput, ModelFileError  # noqa: E402

pytestmark = pytest.mark.unit

TRAIN, VALIDATION = tiny.rows(120, seed=1), tiny.rows(60, seed=2)
SETTINGS = TransformerSettings(
    epochs=3, batch_size=8, learning_rate=1e-3, max_tokens=64, checkpoint_steps=5, accumulate=2
)
KILLED_AT = 19  # of 36: in the second epoch, between two checkpoints
KILLED = f"""
import os, signal, sys
import tiny_transformers as tiny
from secondlaw.behavior.classifiers.transformer import TransformerSettings, train_transformer

def kill(done, total):
    if done == {KILLED_AT}:
        os.kill(os.getpid(), signal.SIGKILL)

settings = TransformerSettings(
    epochs=3, batch_size=8, learning_rate=1e-3, max_tokens=64, checkpoint_steps=5, accumulate=2
)
train_transformer(tiny.rows(120, seed=1), tiny.rows(60, seed=2), base=sys.argv[1], out=sys.argv[2], kind=sys.argv[3],
                  settings=settings, device="cpu", progress=kill)
"""


class Interrupted(Exception):  # noqa: N818
    pass


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.save_bert(tmp_path_factory.mktemp("bases") / "bert")


def train(base, out, **changed):
    options = {"settings": SETTINGS, "device": "cpu", **changed}
    return train_transformer(TRAIN, VALIDATION, base=base, out=out, **options)


@pytest.fixture(scope="module")
def unbroken(base, tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken")
    return out, train(base, out)


def same_model(one: Path, other: Path) -> bool:
    def hashes(folder):
        return json.loads((folder / "manifest.json").read_text())["sha256"]

    return hashes(one)["model.safetensors"] == hashes(other)["model.safetensors"] and (
        (one / "manifest.json").read_bytes() == (other / "manifest.json").read_bytes()
    )


@pytest.mark.parametrize(("save", "kind"), [("bert", "sequence"), ("t5", "sequence"), ("t5", "text-to-text")])
def test_a_kill_in_the_middle_changes_no_bit(tmp_path, save, kind):
    base = (tiny.save_bert if save == "bert" else tiny.save_t5)(tmp_path / "base")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    expected = train(base, whole, kind=kind)
    paths = os.pathsep.join([str(Path(tiny.__file__).parent), *sys.path])
    threads = str(torch.get_num_threads())
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": threads}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(base), str(killed), kind], env=environment, capture_output=True, timeout=300
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert not (killed / "manifest.json").exists()
    steps = []
    report = train(base, killed, kind=kind, progress=lambda at, total: steps.append(at))
    assert steps[0] == 16  # after the checkpoint at 15
    assert same_model(killed, whole)
    assert report == expected
    assert not (killed / "training").exists()


def test_two_interruptions_change_no_bit(base, unbroken, tmp_path):
    for at in (7, 30):

        def stop(done, total, at=at):
            if done == at:
                raise Interrupted

        with pytest.raises(Interrupted):
            train(base, tmp_path, progress=stop)
    train(base, tmp_path)
    assert same_model(tmp_path, unbroken[0])


def test_an_interruption_between_best_weights_and_checkpoint_changes_no_bit(base, unbroken, tmp_path, monkeypatch):
    def broken(*_):
        raise Interrupted

    saved = CheckpointStore.save_best
    monkeypatch.setattr(CheckpointStore, "save_best", lambda *a: (saved(*a), broken()))
    with pytest.raises(Interrupted):
        train(base, tmp_path)
    monkeypatch.undo()
    train(base, tmp_path)
    assert same_model(tmp_path, unbroken[0])


def test_the_callers_random_state_is_left_alone(base, tmp_path):
    before = torch.get_rng_state()
    train(base, tmp_path, settings=replace(SETTINGS, epochs=1))
    assert torch.equal(before, torch.get_rng_state())


def test_another_seed_gives_other_weights(base, unbroken, tmp_path):
    train(base, tmp_path, settings=replace(SETTINGS, seed=1))
    assert not same_model(tmp_path, unbroken[0])


def test_the_same_training_again_returns_its_report(base, unbroken):
    out, report = unbroken

    def never(done, total):
        raise AssertionError("trained again")

    assert train(base, out, progress=never) == report


def test_a_finished_model_is_never_replaced(base, unbroken):
    out, _ = unbroken
    for changed in ({"resume": False}, {"settings": replace(SETTINGS, seed=7)}):
        with pytest.raises(InvalidInput, match="none is replaced unasked"):
            train(base, out, **changed)


@pytest.mark.parametrize("dropped", [{"resume": False}, {"replace": True}])
def test_a_checkpoint_of_other_rows_is_refused_and_can_be_dropped(base, tmp_path, dropped):
    def stop(done, total):
        if done == 6:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(base, tmp_path, progress=stop)
    short = replace(SETTINGS, epochs=1)
    with pytest.raises(InvalidInput, match=r"other rows, settings.*--force") as caught:
        train(base, tmp_path, settings=short)
    assert caught.value.exit_code == 2
    (tmp_path / "training" / "notes.txt").write_text("mine")
    assert train(base, tmp_path, settings=short, **dropped).steps == 12
    assert [path.name for path in (tmp_path / "training").iterdir()] == ["notes.txt"]


def test_a_damaged_checkpoint_is_named(base, tmp_path):
    def stop(done, total):
        if done == 6:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(base, tmp_path, progress=stop)
    path = tmp_path / "training" / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ModelFileError, match="start again with --force") as caught:
        train(base, tmp_path)
    assert caught.value.exit_code == 13
