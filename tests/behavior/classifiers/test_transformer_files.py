"""What a trained transformer and its base are on disk or on a hub, and what is refused."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_transformers as tiny

from secondlaw.behavior.classifiers.labelled import LabelledRow
from secondlaw.behavior.classifiers.transformer import (
    TransformerSettings,
    find_base,
    load_transformer,
    split_by_prompt,
    train_transformer,
)
from secondlaw.behavior.classifiers.transformer import requirements as requirements_module
from secondlaw.behavior.classifiers.transformer.examples import examples_of
from secondlaw.behavior.classifiers.transformer.leftovers import drop_classifier
from secondlaw.behavior.classifiers.transformer.manifest import write_manifest
from secondlaw.errors import InvalidInput, ModelFileError
from secondlaw.formats import sha256_of

pytestmark = pytest.mark.unit

TRAIN, VALIDATION = tiny.rows(40, seed=1), tiny.rows(40, seed=2)
SETTINGS = TransformerSettings(name="mine", epochs=1, max_tokens=48)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.save_bert(tmp_path_factory.mktemp("bases") / "tiny-bert")


@pytest.fixture(scope="module")
def finished(base, tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "model"
    train_transformer(TRAIN, VALIDATION, base=base, out=out, settings=SETTINGS, device="cpu")
    return out


@pytest.fixture
def copy(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text())


def change(folder, **values):
    (folder / "manifest.json").write_text(json.dumps({**manifest_of(folder), **values}))


def test_the_manifest_says_what_it_is_and_where_it_comes_from(finished, base):
    manifest = manifest_of(finished)
    assert (manifest["kind"], manifest["name"], manifest["network"]) == ("transformer", "mine", "sequence")
    assert manifest["labels"] == {"act": ["comply", "refuse", "off-topic"], "intent": ["benign", "harmful"]}
    assert manifest["base"]["name"] == "tiny-bert"
    assert manifest["base"]["revision"] is None
    assert set(manifest["base"]["sha256"]) == {"model.safetensors"}
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(manifest["sha256"])
    assert manifest["settings"]["seed"] == 0
    assert set(manifest["libraries"]) >= {"torch", "transformers"}
    assert set(manifest["calibration"]["act"]) >= {"temperature", "prior"}
    assert str(base.parent) not in (finished / "manifest.json").read_text()  # no path of this machine


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "known.npz"])
def test_a_changed_file_is_refused(copy, name):
    raw = bytearray((copy / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (copy / name).write_bytes(raw)
    with pytest.raises(ModelFileError, match=manifest_of(copy)["sha256"][name]) as caught:
        load_transformer(copy)
    assert caught.value.exit_code == 13


def test_a_missing_file_is_named(copy):
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ModelFileError, match=r"lacks tokenizer\.json"):
        load_transformer(copy)


def test_an_unfinished_or_foreign_folder_is_refused(copy, tmp_path):
    with pytest.raises(ModelFileError, match="no finished classifier"):
        load_transformer(tmp_path / "nothing")
    change(copy, kind="embedded")
    with pytest.raises(ModelFileError, match="is of engine 'embedded'"):
        load_transformer(copy)


def test_another_label_map_is_refused(copy):
    change(copy, labels={"act": ["refuse", "comply", "off-topic"], "intent": ["benign", "harmful"]})
    with pytest.raises(ModelFileError, match="label map"):
        load_transformer(copy)


@pytest.mark.parametrize("key", ["calibration", "name", "settings", "sha256"])
def test_an_edited_manifest_is_refused(copy, key):
    """The version is the hash of the content: labels of edited calibrations must not pass for the same."""
    old = manifest_of(copy)[key]
    change(copy, **{key: "other" if isinstance(old, str) else {**old, "more": 1}})
    with pytest.raises(ModelFileError, match="was changed"):
        load_transformer(copy)


def test_a_name_that_leaves_the_folder_is_refused(copy, tmp_path):
    """Even in a manifest that is consistent in itself."""
    content = manifest_of(copy)
    (copy / "manifest.json").unlink()
    (copy / "inner").mkdir()
    (copy / "inner" / "file").write_text("x")
    kept = {
        key: value for key, value in content.items() if key not in ("kind", "format", "labels", "sha256", "version")
    }
    write_manifest(copy, kept, files=["model.safetensors", "inner/file"])
    with pytest.raises(ModelFileError, match="lacks inner/file"):
        load_transformer(copy)


def test_a_device_that_is_not_there_is_refused(finished):
    with pytest.raises(InvalidInput, match="'abacus' cannot be used here"):
        load_transformer(finished, device="abacus")


def test_missing_libraries_are_named_with_the_remedy(finished, monkeypatch):
    monkeypatch.setattr(requirements_module, "NEEDED", ("torch", "no_such_library"))
    with pytest.raises(ModelFileError, match=r"no_such_library.*secondlaw\[transformer\]"):
        load_transformer(finished)


@pytest.mark.parametrize(
    "name", ["org/model", "org/model@main", "org/model@v1.0", f"org/model@{COMMIT[:12]}", "nowhere"]
)
def test_a_base_is_a_folder_or_a_commit_never_a_branch(name):
    with pytest.raises(InvalidInput, match="40 hexadecimal digits") as caught:
        find_base(name)
    assert caught.value.exit_code == 2


def test_a_base_without_safetensors_is_refused(base, tmp_path):
    folder = Path(shutil.copytree(base, tmp_path / "pickled"))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelFileError, match="pickled"):
        find_base(folder)
    (folder / "config.json").unlink()
    with pytest.raises(ModelFileError, match=r"config\.json"):
        find_base(folder)


def test_a_base_of_another_shape_is_refused(base, tmp_path):
    folder = Path(shutil.copytree(base, tmp_path / "misshapen"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}))
    with pytest.raises(ModelFileError, match="lack or misshape"):
        train_transformer(TRAIN, VALIDATION, base=folder, out=tmp_path / "out", settings=SETTINGS, device="cpu")
    with pytest.raises(ModelFileError, match="no text-to-text model"):
        train_transformer(TRAIN, VALIDATION, base=base, out=tmp_path / "out", kind="text-to-text", settings=SETTINGS)


def test_a_hub_is_not_asked_unless_allowed(tmp_path, nobody):
    with pytest.raises(ModelFileError, match="allow the download") as caught:
        find_base(f"org/tiny@{COMMIT}", cache=tmp_path, endpoint=nobody)
    assert caught.value.exit_code == 13


def refused(train, validation, match, base, tmp_path, **changed):
    with pytest.raises(InvalidInput, match=match) as caught:
        train_transformer(train, validation, base=base, out=tmp_path / "out", settings=SETTINGS, **changed)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_rows_that_cannot_train_are_refused(base, tmp_path):
    first = TRAIN[0]
    one_act = [replace(row, act="comply", category="g1" if row.intent == "benign" else "g2") for row in TRAIN]
    harmful = [row for row in TRAIN if row.intent == "harmful"]
    for train, match in (
        ([], "no training rows"),
        ([replace(first, category="g9"), *TRAIN], r"training row 1 has category 'g9'"),
        ([*TRAIN, replace(first, act="help")], "training row 41 has act 'help'"),
        ([replace(first, intent="evil"), *TRAIN], "intent 'evil'"),
        ([replace(first, category="g1" if first.category != "g1" else "g2"), *TRAIN], "correct one of the three"),
        (one_act, r"every training row is of one act \(comply\)"),
        (harmful, r"every training row is of one intent \(harmful\)"),
        ([row for row in TRAIN if row.act != "off-topic"], "no training row is off-topic"),
    ):
        refused(train, VALIDATION, match, base, tmp_path)


def test_conflicting_labels_are_refused(base, tmp_path):
    row = LabelledRow("how do i bake bread", "sure here is how", "benign", "comply", "g1", "new")
    refuse, harmful = replace(row, act="refuse", category="g4"), replace(row, intent="harmful", category="g2")
    refused([*TRAIN, row, refuse], VALIDATION, "label one response g1 and g4", base, tmp_path)
    refused([*TRAIN, row, harmful], VALIDATION, "label one response g1 and g2", base, tmp_path)


def test_a_request_that_people_call_both_benign_and_harmful_teaches_both(base, tmp_path):
    row = LabelledRow("how do i bake bread", "sure here is how", "benign", "comply", "g1", "new")
    other = LabelledRow("how do i bake bread", "i must decline", "harmful", "refuse", "g3", "new")
    asked = [example for example in examples_of([row, other, row]) if example.task == "intent"]
    assert [(example.prompt, example.label) for example in asked] == [(row.prompt, 0), (row.prompt, 1)]
    report = train_transformer([*TRAIN, row, other], [*VALIDATION], base=base, out=tmp_path / "out", settings=SETTINGS)
    assert "1 training requests are called benign by some rows and harmful by others: it learned both" in report.notes


def test_a_prompt_on_both_sides_is_refused(base, tmp_path):
    same_text = replace(TRAIN[0], prompt=f" {TRAIN[0].prompt.upper()} ", prompt_id="another id")
    same_id = replace(VALIDATION[0], prompt_id=TRAIN[0].prompt_id)
    refused(TRAIN, [*VALIDATION, same_text], "measure memory", base, tmp_path)
    refused(TRAIN, [*VALIDATION, same_id], "measure memory", base, tmp_path)
    refused(TRAIN, VALIDATION, "held-out rows measure memory", base, tmp_path, held_out=VALIDATION[:4])


def test_an_empty_validation_or_one_without_intents_is_refused(base, tmp_path):
    refused(TRAIN, [], "no validation rows", base, tmp_path)
    unstated = [replace(row, intent="unknown") for row in VALIDATION]
    refused(TRAIN, unstated, "no validation row states its intent", base, tmp_path)


def test_settings_out_of_range_are_refused(base, tmp_path):
    for changed, match in (
        ({"epochs": 0}, "epochs is at least 1"),
        ({"learning_rate": 0.0}, "learning_rate is above 0"),
        ({"class_weights": {"g1": 2.0}}, "classes are comply"),
        ({"class_weights": "heavy"}, "balanced, none or a mapping"),
        ({"name": "a/b"}, "no slash"),
        ({"stop_on": "accuracy"}, "loss or kappa"),
        ({"epochs": 2.5}, r"epochs is a whole number, got 2\.5"),
        ({"epochs": math.nan}, "epochs is a whole number, got nan"),
        ({"epochs": True}, "epochs is a whole number, got True"),
        ({"patience": "none"}, "patience is a whole number, got 'none'"),
        ({"learning_rate": "abc"}, "learning_rate is a number, got 'abc'"),
        ({"learning_rate": math.nan}, "learning_rate is a number, got nan"),
        ({"clip": math.inf}, "clip is a number, got inf"),
        ({"dropout": None}, "dropout is a number, got None"),
        ({"class_weights": 1}, "balanced, none or a mapping, got 1"),
        ({"class_weights": {"refuse": "heavy"}}, "gives 'refuse' 'heavy'"),
        ({"class_weights": {"refuse": True}}, "gives 'refuse' True"),
        ({"name": 5}, "got 5"),
    ):
        with pytest.raises(InvalidInput, match=match):
            replace(SETTINGS, **changed)
    long = replace(SETTINGS, max_tokens=512)
    with pytest.raises(InvalidInput, match="128 positions"):
        train_transformer(TRAIN, VALIDATION, base=base, out=tmp_path / "out", settings=long, device="cpu")
    with pytest.raises(InvalidInput, match="kind is one of"):
        train_transformer(TRAIN, VALIDATION, base=base, out=tmp_path / "out", kind="poem")


def test_a_training_never_writes_over_files_of_something_else(base, finished, tmp_path):
    mine = Path(shutil.copytree(base, tmp_path / "mine"))
    before = {path.name: path.read_bytes() for path in mine.iterdir()}
    page = tmp_path / "page"
    page.mkdir()
    (page / "manifest.json").write_text('{"name": "of a web page"}')
    for replaced in (False, True):
        for found, out, match in (
            (mine, mine, "is the base itself"),
            (base, mine, r"holds config\.json, which is of no classifier"),
            (base, page, r"holds manifest\.json, which is of no classifier"),
            (finished, finished, "is the base itself"),
            (base, mine / "config.json", "is a file"),
        ):
            with pytest.raises(InvalidInput, match=match):
                train_transformer(TRAIN, VALIDATION, base=found, out=out, settings=SETTINGS, replace=replaced)
    assert {path.name: path.read_bytes() for path in mine.iterdir()} == before


def test_a_finished_classifier_is_replaced_where_that_is_asked_for_and_other_files_stay(copy, base):
    (copy / "notes.txt").write_text("mine")
    (copy / "evaluations.json").write_text("{}")
    other, old = replace(SETTINGS, seed=1), manifest_of(copy)["version"]
    with pytest.raises(InvalidInput, match="--force"):
        train_transformer(TRAIN, VALIDATION, base=base, out=copy, settings=other, device="cpu")
    with pytest.raises(InvalidInput, match="128 positions"):
        train_transformer(TRAIN, VALIDATION, base=base, out=copy, settings=replace(other, max_tokens=512), replace=True)
    assert load_transformer(copy).version == old  # what cannot train costs nothing
    train_transformer(TRAIN, VALIDATION, base=base, out=copy, settings=other, device="cpu", replace=True)
    assert load_transformer(copy).version == manifest_of(copy)["version"] != old
    assert (copy / "notes.txt").read_text() == "mine"
    assert not (copy / "evaluations.json").exists()  # it was of the other


def test_the_same_tied_network_is_the_same_file_and_loads_as_it_was(tmp_path):
    """T5 has one tensor under four names."""
    import torch

    from secondlaw.behavior.classifiers.transformer.classifier import _fill
    from secondlaw.behavior.classifiers.transformer.encoding import TextEncoder
    from secondlaw.behavior.classifiers.transformer.finishing import _save_network
    from secondlaw.behavior.classifiers.transformer.networks import build_network, load_tokenizer
    from secondlaw.behavior.classifiers.transformer.scoring import log_scores

    base = tiny.save_t5(tmp_path / "base")
    tokenizer = load_tokenizer(base)
    for kind in ("text-to-text", "sequence"):
        encoder = TextEncoder(tokenizer, kind=kind, max_tokens=48)
        network = build_network(base, kind=kind, encoder=encoder, dropout=0.0, pretrained=True).eval()
        hashes = set()
        for number in range(8):
            out = tmp_path / f"{kind}{number}"
            out.mkdir()
            with tiny.quiet():
                _save_network(network, tokenizer, out)
            hashes.add(sha256_of(out / "model.safetensors"))
        assert len(hashes) == 1
        again = build_network(out, kind=kind, encoder=encoder, dropout=0.0, pretrained=False).eval()
        _fill(again, out)
        encoded = encoder.encode("act", ["how do i bake bread"], ["sure here is how"])
        cpu = torch.device("cpu")
        first, second = (
            log_scores(one, encoder, "act", encoded, device=cpu, batch_tokens=99) for one in (network, again)
        )
        assert (first == second).all()


def test_a_split_keeps_prompts_together():
    import numpy as np

    twice = [*TRAIN, *(replace(row, prompt_id=f"again {i}") for i, row in enumerate(TRAIN))]  # other ids, same texts
    train, validation = split_by_prompt(twice, share=0.3, rng=np.random.default_rng(0))
    assert len(train) + len(validation) == 80
    assert not {row.prompt for row in train} & {row.prompt for row in validation}
    assert 20 <= len(validation) <= 28
    with pytest.raises(InvalidInput, match="two prompts or more"):
        split_by_prompt(TRAIN[:1], rng=np.random.default_rng(0))


def test_a_t5_with_nothing_but_a_sentencepiece_file_loads(tmp_path):
    """As some published T5 checkpoints come: no tokenizer.json."""
    sentencepiece = pytest.importorskip("sentencepiece")
    import io

    from transformers import T5Config, T5ForConditionalGeneration

    model = io.BytesIO()
    text = [f"{row.prompt} {row.response} {tiny.LABEL_WORDS} off-topic" for row in TRAIN]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_writer=model, vocab_size=100, hard_vocab_limit=False, pad_id=0, eos_id=1,
        unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "spiece.model").write_bytes(model.getvalue())
    config = T5Config(vocab_size=300, d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, decoder_start_token_id=0)
    with tiny.quiet():
        T5ForConditionalGeneration(config).save_pretrained(tmp_path / "base")
    out = tmp_path / "out"
    settings = replace(SETTINGS, max_tokens=96)
    report = train_transformer(TRAIN, VALIDATION, base=tmp_path / "base", out=out, kind="text-to-text",
                               settings=settings, device="cpu")  # fmt: skip
    assert len(report.epochs) == 1
    assert len(load_transformer(out, device="cpu").judge(["how"], ["sure"], ["unknown"])) == 1
    drop_classifier(out)
    assert not list(out.iterdir())  # whatever the tokenizer is, no other file is written
