"""``secondlaw fisher``: saved networks, texts of every kind, bad input, JSON by its schema, text, report."""

import random
import re

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'secondlaw[alignment]'")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
from printed_json import printed, refusal  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

pytestmark = pytest.mark.unit

WORDS = ("the", "a", "cat", "dog", "sat", "on", "mat", "ran", "to", "and", "it", "very", "big", "small", "red", "blue")
VOCABULARY = {word: place for place, word in enumerate(["<pad>", "<unk>", "<s>", "</s>", *WORDS])}
WIDTHS = {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2}
QUICK = ("--probes", 6, "--top", 1, "--density-probes", 0, "--folds", 0)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Save a causal language model, a sequence classifier and an encoder without a head, with one tokenizer."""
    words = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", eos_token="</s>")
    torch.manual_seed(0)
    size = len(VOCABULARY)
    llama = transformers.LlamaConfig(vocab_size=size, **WIDTHS, num_key_value_heads=1, bos_token_id=2, eos_token_id=3)
    names = {"label2id": {"good": 0, "bad": 1}, "id2label": {0: "good", 1: "bad"}}
    bert = transformers.BertConfig(vocab_size=size, **WIDTHS, **names)
    made = {
        "causal": transformers.LlamaForCausalLM(llama),
        "classifier": transformers.BertForSequenceClassification(bert),
        "headless": transformers.BertModel(bert),
    }
    out = {}
    for name, model in made.items():
        out[name] = tmp_path_factory.mktemp(name)
        model.save_pretrained(out[name])
        tokenizer.save_pretrained(out[name])
    return out


@pytest.fixture
def texts(tmp_path):
    draw = random.Random(0)
    path = tmp_path / "texts.txt"
    lines = [" ".join(draw.choices(WORDS, k=draw.randint(4, 9))) for _ in range(30)]
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return path


def measured(run, *words):
    return printed(run, "fisher", "fisher", *words)


def refused(run, code, *words):
    return refusal(run, code, "fisher", *words)


def test_a_language_model_on_lines_of_text(run, folders, texts):
    found = measured(run, folders["causal"], texts, "--texts", 16)
    assert (found["task"], found["kind"], found["normalise"]) == ("next token", "exact", "token")
    assert (found["texts"], found["available"], found["samples"]) == (16, 30, 16)
    assert found["batch_rows"] == [4, 4, 4, 4]
    assert 0.0 < found["largest"]["low"] <= found["largest"]["value"] <= found["largest"]["high"]
    assert found["data"]["population"]["low"] < found["data"]["population"]["high"]
    assert found["trace"]["on_data"]["value"] > found["largest"]["value"]
    assert len(found["largest"]["leading"]) == 5
    assert len(found["density"]["nodes"]) == 2
    assert "no threshold follows" in found["critical_work_warning"]


def test_kinds_normalisations_and_parameters(run, folders, texts):
    exact = measured(run, folders["causal"], texts, *QUICK)
    assert measured(run, folders["causal"], texts, *QUICK) == exact
    assert measured(run, folders["causal"], texts, *QUICK, "--seed", 1)["trace"] != exact["trace"]
    drawn = measured(run, folders["causal"], texts, *QUICK, "--kind", "monte-carlo", "--draws", 3)
    empirical = measured(run, folders["causal"], texts, *QUICK, "--kind", "empirical")
    assert drawn["draws"] == 3
    assert "labels drawn from the model" in " ".join(drawn["notes"])
    assert "another matrix than the true Fisher" in " ".join(empirical["notes"])
    assert len({one["largest"]["value"] for one in (exact, drawn, empirical)}) == 3
    sample = measured(run, folders["causal"], texts, *QUICK, "--normalise", "sample")
    assert sample["largest"]["value"] == pytest.approx(
        exact["largest"]["value"] * exact["predictions"] / exact["samples"], rel=1e-3
    )
    head = measured(run, folders["causal"], texts, *QUICK, "--parameters", "lm_head.*")
    both = measured(run, folders["causal"], texts, *QUICK, "--parameters", "lm_head.*", "--parameters", "*.norm.*")
    assert head["parameters"] == 8 * len(VOCABULARY)
    assert both["parameters"] == head["parameters"] + 8
    assert head["largest"]["value"] <= exact["largest"]["value"] * 1.001


def test_a_classifier_and_its_labels(run, folders, write_rows):
    rows = [{"text": f"the {word} sat", "label": ("good", 1)[place % 2]} for place, word in enumerate(WORDS)]
    path = write_rows(rows)
    found = measured(run, folders["classifier"], path, *QUICK)
    assert (found["task"], found["predictions"], found["samples"]) == ("class", 16, 16)
    assert found["trace"]["on_data"]["unit"] == "nats per sample"
    assert measured(run, folders["classifier"], path, *QUICK, "--kind", "empirical")["kind"] == "empirical"
    unlabelled = write_rows([{"text": "the cat"}], name="b.jsonl")
    assert "needs a label for each text" in refused(
        run, 2, folders["classifier"], unlabelled, *QUICK, "--kind", "empirical"
    )
    other = write_rows([{"text": "the cat", "label": "fine"}], name="c.jsonl")
    assert "knows no label 'fine'" in refused(run, 2, folders["classifier"], other, *QUICK, "--kind", "empirical")


def test_fields_of_rows_and_rows_without_text(run, folders, write_rows):
    rows = [{"prompt": "the cat", "response": "sat on the mat"}, {"prompt": "the dog", "response": ""}, {"n": 1}, "{x"]
    found = measured(run, folders["causal"], write_rows(rows), *QUICK)
    assert found["texts"] == 2
    assert found["predictions"] == 5 + 1
    assert "2 of 4 rows" in found["notes"][0]
    named = measured(run, folders["causal"], write_rows(rows), *QUICK, "--field", "response")
    assert named["predictions"] == 3


def test_the_prompts_that_ship(run, folders):
    found = measured(run, folders["causal"], *QUICK, "--max-tokens", 8, "--texts", 6)
    assert found["source"] == "the benign prompts that ship"
    assert "give your own" in found["notes"][0]


def test_text_and_report(run, folders, texts, tmp_path):
    page = tmp_path / "page.html"
    result = run("fisher", folders["causal"], texts, "--texts", 12, "--steps", 8, "--report", page, "--quiet")
    assert result.exit_code == 0, result.output
    said = " ".join(result.stdout.split())
    assert re.search(r"largest eigenvalue [\d.]+ on these texts; [\d.]+ to [\d.]+ for all texts", said)
    for words in ("exact Fisher over", "trace on these texts", "effective rank", "warning: (lambda_max / 2) ln N"):
        assert words in said, words
    html = page.read_text(encoding="utf-8")
    assert html.count("<svg") == 3
    assert "<script" not in html
    assert "no threshold follows" in html


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("nothing/here",), 13, "nothing/here is no folder or .gguf file here, nor in the hub's cache"),
        (("nothing.gguf",), 13, "there is no file nothing.gguf"),
        (("headless",), 2, "is BertModel; the command takes causal language models"),
        (("causal", "--parameters", "layer9.*"), 2, "no parameter has a name like"),
        (("causal", "--tolerance", 0.5), 2, "tolerance is a share"),
        (("causal", "--memory", "nan"), 2, "memory is a number of bytes, 0 or more, got nan"),
        (("causal", "--memory", -1), 2, "memory is a number of bytes, 0 or more"),
        (("causal", "--folds", 1), 2, "folds are at least 2"),
        (("causal", "--device", "nowhere"), 2, "there is no device 'nowhere'"),
        (("causal", "--field", "body"), 12, "holds no text"),
        (("causal", "--report", "no/such/page.html"), 2, "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence(run, folders, write_rows, words, code, message):
    name, *rest = words
    data = write_rows([{"text": "the cat sat on the mat"}] * 3)
    model = folders.get(name, name)
    assert message in refused(run, code, model, data, *rest)


def test_data_without_words(run, folders, tmp_path, write_rows):
    empty = tmp_path / "empty.txt"
    empty.write_text("\n \n", encoding="utf-8")
    assert "give one text a line" in refused(run, 12, folders["causal"], empty)
    assert "there is no file" in refused(run, 2, folders["causal"], tmp_path / "none.txt")
    short = write_rows([{"text": "cat"}, {"text": "dog"}])
    assert "the texts have one token" in refused(run, 12, folders["causal"], short)
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    assert "no UTF-8" in refused(run, 2, folders["causal"], tmp_path / "latin.txt")


def test_a_file_that_is_no_gguf_is_never_opened(run, folders, texts):
    assert "is no folder and no .gguf file" in refused(run, 13, folders["causal"] / "config.json", texts)


def test_lines_that_are_no_json_are_told(run, folders, tmp_path):
    data = tmp_path / "part.jsonl"
    data.write_text('{"text": "the cat sat"}\n{"text":\n', encoding="utf-8")
    notes = measured(run, folders["causal"], data, *QUICK)["notes"]
    assert any("1 of 2 rows" in one and "line 2: the line is no JSON" in one for one in notes)
    data.write_text('{"text":\n', encoding="utf-8")
    assert "line 1: the line is no JSON" in refused(run, 12, folders["causal"], data)


def test_drawn_labels_are_warned_of(run, folders, texts):
    exact = measured(run, folders["causal"], texts, *QUICK)
    drawn = measured(run, folders["causal"], texts, *QUICK, "--kind", "monte-carlo")
    assert drawn["largest"]["value"] > exact["largest"]["high"]
    assert any("measure the exact kind" in one for one in drawn["notes"])
    assert not any("measure the exact kind" in one for one in exact["notes"])


def test_weights_that_are_not_numbers(run, folders, texts, tmp_path):
    model = transformers.AutoModelForCausalLM.from_pretrained(folders["causal"])
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    model.save_pretrained(tmp_path / "broken")
    transformers.AutoTokenizer.from_pretrained(folders["causal"]).save_pretrained(tmp_path / "broken")
    assert "logits that are not finite" in refused(run, 2, tmp_path / "broken", texts, *QUICK)
