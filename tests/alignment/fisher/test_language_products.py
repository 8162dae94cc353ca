"""Fisher products of transformers: the next token counts, padding and masked labels do not, tied weights count once."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'secondlaw[alignment]'")
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
from torch.func import functional_call  # noqa: E402

from secondlaw.alignment.fisher import FisherProducts, largest_eigenvalue  # noqa: E402

pytestmark = pytest.mark.unit

WORDS = 13
SMALL = {"vocab_size": WORDS, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
WIDTHS = {"hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2}


def llama():
    config = transformers.LlamaConfig(**SMALL, **WIDTHS, num_key_value_heads=1)
    return transformers.LlamaForCausalLM(config)


def gemma():
    config = transformers.Gemma3TextConfig(**SMALL, **WIDTHS, num_key_value_heads=1, head_dim=2)
    return transformers.Gemma3ForCausalLM(config)


def gpt2():
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**SMALL, n_embd=4, n_layer=1, n_head=2, n_positions=8))


def texts():
    """Three texts of six tokens, one padded right and one left."""
    ids = torch.randint(3, WORDS, (3, 6), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 4:] = 0
    mask[2, :2] = 0
    return ids, mask


def built(make):
    torch.manual_seed(0)
    return make().double()


@pytest.mark.parametrize("make", [llama, gemma, gpt2])
def test_a_causal_language_model_agrees_with_its_dense_matrix(make, dense):
    model, (ids, mask) = built(make).eval(), texts()
    counted = torch.zeros_like(mask, dtype=torch.bool)
    counted[:, :-1] = (mask[:, 1:] * mask[:, :-1]).bool()

    def call(net, values):
        given = {"input_ids": ids, "attention_mask": mask, "use_cache": False}
        return functional_call(net, values, (), given).logits

    matrix = dense(model, call, counted)[0]
    model.train()
    halves = [{"input_ids": ids[part], "attention_mask": mask[part]} for part in (slice(0, 2), slice(2, 3))]
    products = FisherProducts(model, halves)
    assert model.training
    assert (products.predictions, products.samples) == (11, 3)
    block = torch.randn(products.size, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    # Llama and Gemma normalise in single precision whatever their weights are.
    torch.testing.assert_close(products.matmat(block), matrix @ block, rtol=1e-5, atol=1e-5 * float(matrix.abs().max()))
    found, top = largest_eigenvalue(products, tolerance=1e-5), float(torch.linalg.eigvalsh(matrix)[-1])
    assert found.value == pytest.approx(top, rel=1e-5)


def test_padding_and_masked_labels_count_nothing():
    model, (ids, mask) = built(gpt2), texts()
    products = FisherProducts(model, [{"input_ids": ids, "attention_mask": mask}])
    vector = torch.randn(products.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = products.matvec(vector)
    garbage = torch.where(mask.bool(), ids, torch.full_like(ids, 7))
    other = FisherProducts(model, [{"input_ids": garbage, "attention_mask": mask}])
    torch.testing.assert_close(other.matvec(vector), expected, rtol=1e-12, atol=1e-14)
    labels = torch.where(mask.bool(), ids, torch.full_like(ids, -100))
    labelled = FisherProducts(model, [{"input_ids": ids, "attention_mask": mask, "labels": labels}])
    torch.testing.assert_close(labelled.matvec(vector), expected, rtol=1e-12, atol=1e-14)
    labels[0] = -100
    fewer = FisherProducts(model, [{"input_ids": ids, "attention_mask": mask, "labels": labels}])
    assert (fewer.predictions, fewer.samples) == (6, 2)
    alone = FisherProducts(model, [{"input_ids": ids[1:], "attention_mask": mask[1:]}])
    torch.testing.assert_close(fewer.matvec(vector), alone.matvec(vector), rtol=1e-10, atol=1e-12)


def test_per_token_and_per_sample_differ_by_tokens_a_sample():
    model, (ids, mask) = built(gpt2), texts()
    batch = [{"input_ids": ids, "attention_mask": mask}]
    token, sample = FisherProducts(model, batch), FisherProducts(model, batch, normalise="sample")
    vector = torch.ones(token.size)
    torch.testing.assert_close(sample.matvec(vector), token.matvec(vector) * 11 / 3)
    assert sample.quotients(vector)[1].tolist() == [1.0, 1.0, 1.0]
    assert token.quotients(vector)[1].tolist() == [5.0, 3.0, 3.0]


def test_tied_embeddings_count_once():
    model, (ids, mask) = built(gpt2), texts()
    products = FisherProducts(model, [{"input_ids": ids, "attention_mask": mask}])
    assert "lm_head.weight" not in products.names
    assert products.size == sum(one.numel() for one in model.parameters())
    part = FisherProducts(model, [{"input_ids": ids, "attention_mask": mask}], parameters="lm_head.weight")
    assert part.names == ("transformer.wte.weight",)


def test_the_empirical_matrix_of_a_language_model_takes_the_next_token(dense):
    model, (ids, _) = built(gpt2).eval(), texts()
    counted = torch.ones_like(ids, dtype=torch.bool)
    counted[:, -1] = False

    def call(net, values):
        return functional_call(net, values, (), {"input_ids": ids, "use_cache": False}).logits

    _, p, jacobian = dense(model, call, counted)
    scores = torch.einsum("nc,nci->ni", p - torch.nn.functional.one_hot(ids[:, 1:].reshape(-1), WORDS), jacobian)
    products = FisherProducts(model, [{"input_ids": ids}], kind="empirical")
    vector = torch.randn(products.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(products.matvec(vector), scores.T @ (scores @ vector) / 15, rtol=1e-9, atol=1e-12)


def test_a_sequence_classifier_and_an_encoder_with_a_decoder():
    ids, mask = texts()
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=WORDS, **WIDTHS, num_labels=3)
    classifier = transformers.BertForSequenceClassification(config)
    products = FisherProducts(
        classifier, [{"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([0, 1, 2])}]
    )
    assert (products.predictions, products.samples) == (3, 3)
    assert largest_eigenvalue(products).converged
    config = transformers.T5Config(
        vocab_size=WORDS, d_model=4, d_kv=2, d_ff=6, num_layers=1, num_heads=2, decoder_start_token_id=0, pad_token_id=0
    )
    writer = transformers.T5ForConditionalGeneration(config)
    labels = ids.clone()
    labels[0, 2:] = -100
    products = FisherProducts(writer, [{"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}])
    assert products.predictions == 14
    assert largest_eigenvalue(products).value > 0.0
