"""Fisher products against the matrix written out: mini-batches, choices of parameters, blocks, state."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'secondlaw[alignment]'")
from torch import nn  # noqa: E402
from torch.func import functional_call  # noqa: E402

from secondlaw.alignment.fisher import FisherProducts, largest_eigenvalue  # noqa: E402

pytestmark = pytest.mark.unit


class Picture(nn.Module):
    """A small convolutional network with normalisation and dropout."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 2), nn.GroupNorm(1, 5),
            nn.GELU(), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3),
        )  # fmt: skip

    def forward(self, x):
        return {"logits": self.body(x)}


class Recurrent(nn.Module):
    """A class at every position, from a recurrent network."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.cell = nn.LSTM(4, 5, batch_first=True)
        self.head = nn.Linear(5, 3)

    def forward(self, ids):
        return self.head(self.cell(self.embed(ids))[0])


class Tied(nn.Module):
    """Input and output share their weights."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(6, 4)
        self.mix = nn.Linear(4, 4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        return self.head(torch.tanh(self.mix(self.embed(ids))))


def test_a_network_of_261_parameters_agrees_with_its_dense_matrix(mlp, samples, dense_classifier, identity):
    model, inputs = mlp(), samples(60)
    assert sum(one.numel() for one in model.parameters()) == 261
    matrix = dense_classifier(model, inputs)
    products = FisherProducts(model, [inputs])
    torch.testing.assert_close(products.matmat(identity(products)), matrix, rtol=0.0, atol=1e-12)
    top = float(torch.linalg.eigvalsh(matrix)[-1])
    found = largest_eigenvalue(products, tolerance=1e-5)
    assert f"{found.value:.6g}" == f"{top:.6g}"
    assert found.low <= top <= found.high


@pytest.mark.parametrize("memory", [4e9, 0.0], ids=["kept", "built anew"])
def test_mini_batches_make_the_matrix_of_one_large_batch(mlp, samples, memory):
    model, inputs = mlp(), samples(30)
    whole = FisherProducts(model, [inputs])
    parts = FisherProducts(model, [inputs[:7], inputs[7:8], inputs[8:]], memory=memory)
    cut = FisherProducts(model, [inputs], most_rows=4, memory=memory)
    vector = samples(1, size=261)[0]
    for other in (parts, cut):
        torch.testing.assert_close(other.matvec(vector), whole.matvec(vector), rtol=1e-12, atol=1e-15)
        assert (other.samples, other.predictions) == (30, 30)
    assert cut.batch_rows == (4,) * 7 + (2,)


def test_a_block_is_its_columns_and_a_quotient_its_product(mlp, samples):
    products = FisherProducts(mlp(), [samples(9), samples(5, seed=2)])
    block = samples(40, size=261).T
    image = products.matmat(block)
    for column in (0, 7, 39):
        torch.testing.assert_close(products.matvec(block[:, column]), image[:, column], rtol=1e-12, atol=1e-15)
    sums, counts = products.quotients(block)
    torch.testing.assert_close(sums.sum(1) / counts.sum(), (block * image).sum(0), rtol=1e-12, atol=1e-15)
    assert sums.shape == (40, 14)
    torch.testing.assert_close(products.quotients(block[:, 3])[0], sums[3])


def test_a_convolutional_network_in_eval_mode_which_is_left_as_it_was(dense, identity):
    torch.manual_seed(0)
    model, inputs = Picture().double(), torch.randn(11, 2, 8, 8, dtype=torch.float64)
    model.body[1].running_var.uniform_(0.5, 2.0)
    model.train()
    model.body[7].eval()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    products = FisherProducts(model, [inputs[:6], inputs[6:]])
    found = products.matmat(identity(products))
    assert model.training
    assert not model.body[7].training
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    assert all(one.grad is None for one in model.parameters())
    model.eval()
    matrix = dense(model, lambda net, values: functional_call(net, values, (inputs,))["logits"])[0]
    torch.testing.assert_close(found, matrix, rtol=0.0, atol=1e-12)


def test_labels_at_every_position_and_those_that_do_not_count(samples, dense, identity):
    torch.manual_seed(1)
    model = Recurrent().double()
    ids = torch.randint(7, (4, 6))
    labels = torch.randint(3, (4, 6))
    labels[0, 3:] = -100
    labels[2] = -100
    products = FisherProducts(model, [(ids, labels)])
    matrix = dense(model, lambda net, values: functional_call(net, values, (ids,)), labels != -100)[0]
    torch.testing.assert_close(products.matmat(identity(products)), matrix, rtol=0.0, atol=1e-12)
    assert (products.predictions, products.samples) == (15, 3)
    sample = FisherProducts(model, [(ids, labels)], normalise="sample")
    vector = samples(1, size=products.size)[0]
    torch.testing.assert_close(sample.matvec(vector), products.matvec(vector) * 15 / 3, rtol=1e-12, atol=1e-15)


def test_tied_weights_count_once_whatever_name_they_are_chosen_by(dense, identity):
    torch.manual_seed(2)
    model, ids = Tied().double(), torch.randint(6, (5, 3))
    matrix = dense(model, lambda net, values: functional_call(net, values, (ids,)))[0]
    products = FisherProducts(model, [ids])
    assert products.names == ("embed.weight", "mix.weight", "mix.bias")
    torch.testing.assert_close(products.matmat(identity(products)), matrix, rtol=0.0, atol=1e-12)
    for name in ("head.weight", "embed.*"):
        part = FisherProducts(model, [ids], parameters=name)
        torch.testing.assert_close(part.matmat(identity(part)), matrix[:24, :24], rtol=0.0, atol=1e-12)


def test_a_choice_of_parameters_is_a_block_of_the_matrix(mlp, samples, dense_classifier, identity):
    model, inputs = mlp(), samples(10)
    matrix = dense_classifier(model, inputs)
    first = FisherProducts(model, [inputs], parameters="0.*")
    torch.testing.assert_close(first.matmat(identity(first)), matrix[:176, :176], rtol=0.0, atol=1e-12)
    model[0].requires_grad_(False)
    last = FisherProducts(model, [inputs])
    assert last.names == ("2.weight", "2.bias")
    torch.testing.assert_close(last.matmat(identity(last)), matrix[176:, 176:], rtol=0.0, atol=1e-12)
    assert FisherProducts(model, [inputs], parameters="all").size == 261
    assert FisherProducts(model, [inputs], parameters=["0.bias", "2.bias"]).size == 21
    named = last.named(torch.arange(85.0))
    assert named["2.weight"].shape == (5, 16)
    assert named["2.bias"].tolist() == [80.0, 81.0, 82.0, 83.0, 84.0]


def test_products_follow_the_parameters(mlp, samples):
    model, inputs = mlp(), samples(8)
    products = FisherProducts(model, [inputs])
    vector = samples(1, size=261)[0]
    before = products.matvec(vector)
    with torch.no_grad():
        model[0].weight.mul_(1.5)
    after = products.matvec(vector)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, FisherProducts(model, [inputs]).matvec(vector))
    model[2].weight.data.mul_(2.0)  # unannounced
    products.refresh()
    torch.testing.assert_close(products.matvec(vector), FisherProducts(model, [inputs]).matvec(vector))


def test_a_parameter_that_nothing_depends_on_has_zeros(mlp, samples):
    model = mlp()
    model.unused = nn.Parameter(torch.ones(3, dtype=torch.float64))
    model.forward = lambda x: model[2](model[1](model[0](x)))
    products = FisherProducts(model, [samples(5)])
    assert products.size == 264
    place = products.named(torch.arange(264.0))["unused"].long()
    assert not products.matvec(torch.ones(264))[place].any()


def test_under_no_gradients_and_inference_mode_too(mlp, samples):
    model, inputs = mlp(), samples(6)
    expected = FisherProducts(model, [inputs]).matvec(torch.ones(261))
    with torch.no_grad():
        torch.testing.assert_close(FisherProducts(model, [inputs]).matvec(torch.ones(261)), expected)
    with torch.inference_mode():
        torch.testing.assert_close(FisherProducts(model, [inputs]).matvec(torch.ones(261)), expected)


def test_half_precision_agrees_within_its_rounding(mlp, samples):
    inputs = samples(40)
    exact = FisherProducts(mlp(), [inputs]).matvec(torch.ones(261))
    half = FisherProducts(mlp(dtype=torch.bfloat16), [inputs.bfloat16()]).matvec(torch.ones(261))
    assert half.dtype == torch.float32
    assert float(torch.linalg.vector_norm(half - exact) / torch.linalg.vector_norm(exact)) < 0.03


def test_single_precision_differs_by_rounding_only(mlp, samples):
    inputs = samples(200)
    vector = samples(1, size=261)[0]
    double = FisherProducts(mlp(), [inputs]).matvec(vector)
    single = FisherProducts(mlp(dtype=torch.float32), list(inputs.float().split(20))).matvec(vector)
    assert single.dtype == torch.float32
    assert float(torch.linalg.vector_norm(single - double) / torch.linalg.vector_norm(double)) < 1e-6


class Squared(torch.autograd.Function):
    """Without a rule for several directions at once."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2.0 * x * gradient


class Unusual(nn.Module):
    """Uses an operation that cannot be vectorised."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(10, 3).double()

    def forward(self, x):
        return Squared.apply(self.inner(x))


def test_an_operation_that_takes_one_direction_at_a_time(samples, identity):
    torch.manual_seed(0)
    model, inputs = Unusual(), samples(7)
    products = FisherProducts(model, [inputs])
    expected = torch.stack([products.matvec(one) for one in identity(products)[:4]], dim=1)
    torch.testing.assert_close(products.matmat(identity(products)[:, :4]), expected)
    assert expected.abs().max() > 0.01
