"""``secondlaw classifier train --engine transformer``: really trained, on a tiny model of random weights."""

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the extra transformer")
pytest.importorskip("transformers", reason="needs the extra transformer")

import tiny_transformers as tiny

from secondlaw.alignment.fisher import SpectrumOptions
from secondlaw.behavior.classifiers.evaluation import EvaluationOptions
from secondlaw.behavior.taxonomy import FIVE
from secondlaw.errors import InvalidInput, ModelFileError
from secondlaw.pipeline.engines import open_engine
from secondlaw.pipeline.evaluating import seen_in_training
from secondlaw.pipeline.network_spectrum import measure_network
from secondlaw.pipeline.network_texts import shipped_texts
from secondlaw.pipeline.settings import load_settings
from secondlaw.pipeline.training import TrainRequest, read_trained, train_engine

pytestmark = pytest.mark.unit


@pytest.fixture
def rows():
    made = tiny.rows(80, seed=3)
    return [replace(row, strength="human", model="ab"[i % 2]) for i, row in enumerate(made)]


def test_it_trains_reports_and_serves_as_engine(tmp_path, rows):
    base = str(tiny.save_bert(tmp_path / "base"))
    request = TrainRequest(
        tmp_path / "mine", "transformer", base=base, settings={"epochs": 1, "max_tokens": 48},
        splits=("prompt", "model"), evaluation=EvaluationOptions(resamples=100),
    )  # fmt: skip
    with tiny.quiet():
        found = train_engine(rows, FIVE, request, load_settings())
    assert set(found.reports) == {"unseen prompt", "unseen model"}
    assert found.reports["unseen model"]["slices"][0]["n"] == 80
    held = found.reports["unseen prompt"]["slices"][0]["n"]
    assert found.data["rows"] == 80 - held  # what the classifier in the folder learned from
    assert not list(tmp_path.glob("mine.without*"))
    with tiny.quiet():
        engine = open_engine(str(tmp_path / "mine"), load_settings())
    assert engine.identity == found.identity
    judged = engine.judge([rows[0].prompt], [rows[0].response], ["unknown"])
    assert judged.act.sum() == pytest.approx(1.0)
    assert seen_in_training(rows, str(tmp_path / "mine")).sum() == 80 - held
    before = (tmp_path / "mine" / "evaluations.json").read_bytes()
    with tiny.quiet():
        assert train_engine(rows, FIVE, request, load_settings()).identity == found.identity
    assert (tmp_path / "mine" / "evaluations.json").read_bytes() == before
    assert json.loads(before)["splits"] == ["prompt", "model"]
    prompts = tmp_path / "mine" / "prompts.u64"
    prompts.write_bytes(bytes(len(kept := prompts.read_bytes())))
    with pytest.raises(ModelFileError, match="which prompts were seen is not known"):
        seen_in_training(rows, str(tmp_path / "mine"))
    prompts.write_bytes(kept)
    weights = tmp_path / "mine" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelFileError, match="damaged or was changed"):
        read_trained(tmp_path / "mine")


def test_where_prompts_are_not_held_out_all_rows_train(tmp_path, rows):
    request = TrainRequest(
        tmp_path / "mine", "transformer", base=str(tiny.save_bert(tmp_path / "base")),
        settings={"epochs": 1, "max_tokens": 48}, splits=("model",), evaluation=EvaluationOptions(resamples=100),
    )  # fmt: skip
    with tiny.quiet():
        found = train_engine(rows, FIVE, request, load_settings())
    assert list(found.reports) == ["unseen model"]
    assert found.data["rows"] == 80
    assert seen_in_training(rows, str(tmp_path / "mine")).all()


class Killed(Exception):  # noqa: N818
    pass


def stop(part):
    def told(done, total):
        if done == 2:
            raise Killed

    return told


@pytest.fixture
def request_for(tmp_path):
    return TrainRequest(
        tmp_path / "mine", "transformer", base=str(tiny.save_bert(tmp_path / "base")),
        settings={"epochs": 1, "max_tokens": 48, "checkpoint_steps": 1}, splits=("prompt", "model"),
        evaluation=EvaluationOptions(resamples=100),
    )  # fmt: skip


def trained(rows, request, **changed):
    with tiny.quiet():
        return train_engine(rows, FIVE, replace(request, **changed), load_settings())


def test_torn_reports_are_measured_again_by_the_same_command(rows, request_for):
    found = trained(rows, request_for, splits=("prompt",))
    path = request_for.out / "evaluations.json"
    whole = path.read_bytes()
    other = json.dumps({**json.loads(whole), "classifier": "mine/of another training"}).encode()
    for damaged in (whole[:500], b"", b"[]", b'{"splits": ["prompt"]}', other):
        path.write_bytes(damaged)
        if damaged != other:
            with contextlib.suppress(ModelFileError):  # a card of nothing is no harm, one of a torn file is refused
                read_trained(request_for.out)
        assert trained(rows, request_for, splits=("prompt",)) == found
        assert path.read_bytes() == whole
    path.write_bytes(whole[:500])
    with pytest.raises(ModelFileError, match="give the command that trained the classifier again"):
        read_trained(request_for.out)


def test_force_starts_again_after_a_kill_and_replaces_what_is_finished(rows, request_for):
    with tiny.quiet(), pytest.raises(Killed):
        train_engine(rows, FIVE, request_for, load_settings(), progress=stop)
    other = {**request_for.settings, "learning_rate": 1e-3}
    with pytest.raises(InvalidInput, match="start again with --force"):
        trained(rows, request_for, settings=other)
    (request_for.out / "notes.txt").write_text("mine")
    first = trained(rows, request_for, settings=other, force=True)
    with pytest.raises(InvalidInput, match=r"give another folder, or --force"):
        trained(rows, request_for)
    second = trained(rows, request_for, force=True)
    assert second.identity != first.identity
    assert read_trained(request_for.out) == second
    assert (request_for.out / "notes.txt").read_text() == "mine"


def test_classes_are_weighted_by_name(rows, request_for):
    settings = {**request_for.settings, "class_weights.off-topic": 2, "class_weights.refuse": 1.5}
    found = trained(rows, request_for, settings=settings, splits=("prompt",))
    assert found.manifest["settings"]["class_weights"] == {"off-topic": 2, "refuse": 1.5}
    for wrong, match in (
        ({"class_weights.offtopic": 2}, "gives 'offtopic' 2"),
        ({"class_weights.refuse": 2, "class_weights": "none"}, "gives class_weights twice"),
        ({"class_weights": 1}, "balanced, none or a mapping, got 1"),
        ({"epochs": 2.5}, "whole number, got 2.5"),
        ({"learning_rate": "abc"}, "a number, got 'abc'"),
    ):
        with pytest.raises(InvalidInput, match=match):
            trained(rows, request_for, out=request_for.out.with_name("none"), settings=wrong)
    assert not request_for.out.with_name("none").exists()


def test_offline_forbids_a_download_and_nothing_else(rows, request_for):
    offline, repository = load_settings(offline=True), f"org/model@{'0' * 40}"
    with pytest.raises(InvalidInput, match=r"the setting offline \(SECONDLAW_OFFLINE\) forbids it"):
        train_engine(rows, FIVE, replace(request_for, base=repository, allow_download=True), offline)
    with pytest.raises(InvalidInput, match=r"the setting offline \(SECONDLAW_OFFLINE\) forbids it"):
        measure_network(repository, shipped_texts(), SpectrumOptions(), allow_download=True, offline=True)
    with tiny.quiet():
        assert train_engine(rows, FIVE, replace(request_for, allow_download=True, splits=("prompt",)), offline)


def test_wrong_requests(tmp_path, rows):
    request = TrainRequest(Path(tmp_path / "mine"), "transformer")
    with pytest.raises(InvalidInput, match="needs --base"):
        train_engine(rows, FIVE, request, load_settings())
    with pytest.raises(InvalidInput, match="--set names 'epoch'"):
        train_engine(rows, FIVE, replace(request, base="x", settings={"epoch": 1}), load_settings())
    with pytest.raises(InvalidInput, match="belong to --engine transformer"):
        train_engine(rows, FIVE, replace(request, engine="embedded", base="x"), load_settings())
    assert not (tmp_path / "mine").exists()
