"""The controller in a plain loop: what it adds, what it measures, where it stops, and that it goes on exactly."""

import math

import numpy as np
import pytest
import torch
from small_training import INPUTS, INTENDED, PROXY, Chooser, Loop, aligned, shares

from secondlaw.alignment import critical_work, shannon
from secondlaw.alignment.control import (
    AlignmentController,
    ConstantWork,
    ControlSettings,
    MinimalWork,
    ProportionalIntegral,
    load_checkpoint,
    measurements,
    save_checkpoint,
)
from secondlaw.errors import FileFormatError, InvalidInput

pytestmark = pytest.mark.unit


def test_work_of_gamma_ends_where_the_mixture_of_both_pulls_lies():
    """Cross-entropies pull towards (q + gamma p*) / (1 + gamma), whose entropy needs no training to be known."""
    for gamma in (0.0, 1.0, 4.0):
        mixture = (np.array(PROXY) + gamma * np.array(INTENDED)) / (1.0 + gamma)
        run = Loop(ConstantWork(gamma), rate=0.1, every=40, curvature=None).train(281)
        assert run.entropy == pytest.approx(float(shannon(mixture)), abs=0.06)
        assert run.control.work == pytest.approx(281 * gamma)


def test_the_added_gradient_is_gamma_times_that_of_the_alignment_loss():
    run = Loop(ConstantWork(3.0), every=10)
    run.model.eval()  # no dropout: both gradients are of one network
    whole = torch.autograd.grad(run.control.loss(aligned(run.model) * 0.0), list(run.model.parameters()))
    alone = torch.autograd.grad(aligned(run.model), list(run.model.parameters()))
    for one, other in zip(whole, alone, strict=True):
        assert torch.allclose(one, 3.0 * other, atol=1e-6)


def test_the_rate_said_is_the_change_that_one_update_makes():
    run = Loop(ConstantWork(2.0), every=10)
    run.model.eval()
    with torch.no_grad():  # away from equal shares, where the entropy is at its top
        run.model.inner[3].bias.copy_(torch.tensor([0.55, 0.25, 0.1, 0.1]).log())
        before = float(shannon(shares(run.model).double().numpy()).mean())
    gradient = torch.autograd.grad(run.control.term(), list(run.model.parameters()))
    eta = 2e-3
    with torch.no_grad():
        for weight, one in zip(run.model.parameters(), gradient, strict=True):
            weight -= eta * one
        after = float(shannon(shares(run.model).double().numpy()).mean())
    assert after - before == pytest.approx(run.control.last["entropy_rate"] * eta / 0.2, rel=0.02)
    assert run.control.entropy_work == pytest.approx(-run.control.last["entropy_rate"])


def test_critical_units_and_curvature_are_measured():
    run = Loop(ConstantWork(0.01), unit="critical").train(6)
    last = run.control.last
    assert last["parameters"] == run.control.parameters == 5 * 12 + 12 + 12 * 4 + 4
    expected = critical_work(largest_eigenvalue=last["largest_eigenvalue"], parameters=last["parameters"])
    assert last["critical_work"] == pytest.approx(expected)
    assert last["gamma"] == pytest.approx(0.01 * expected)


@pytest.mark.parametrize("law", ["proportional-integral", "minimal"])
def test_laws_hold_a_real_network_at_a_target(law):
    if law == "minimal":
        made = MinimalWork(tolerance=1.0, start=0.3, highest=30.0, settle=2, patience=2, precision=0.15, recheck=99)
    else:
        made = ProportionalIntegral(target=1.0, proportional=1.0, integral=0.1, highest=30.0)
    entropies = []
    run = Loop(made, rate=0.2, every=5, curvature=None)
    for _ in range(50):
        entropies.append(run.train(5).entropy)
    late = np.array(entropies[-15:])
    assert late.mean() == pytest.approx(1.0, abs=0.06) if law != "minimal" else 0.8 < late.mean() < 1.03
    assert run.control.gamma > 0.3


def test_a_coefficient_that_would_diverge_is_bounded_and_said():
    run = Loop(ConstantWork(1000.0), curvature=2.0)
    with pytest.warns(RuntimeWarning, match=r"step 0: a coefficient of 1000 .* 4.5 is used") as told:
        run.train(7)
    assert len(told) == 1
    assert run.control.clipped == 7
    assert run.control.last["clipped"] is True
    assert run.control.last["coefficient"] == pytest.approx(0.9 * 2.0 / (0.2 * 2.0))
    assert run.control.work == pytest.approx(7 * 4.5)


def test_a_rate_that_no_coefficient_carries_is_said():
    """On the way from many goals of a proxy back to the intended one, entropy rises first."""
    run = Loop(ConstantWork(0.01), reading="per update")
    with torch.no_grad():
        run.model.inner[3].weight.zero_()
        run.model.inner[3].bias.copy_(torch.tensor([0.02, 0.94, 0.02, 0.02]).log())
    run.train(1)
    assert "no coefficient carries gamma" in run.control.last["note"]
    assert run.control.last["coefficient"] == run.control.work == 0.0


def test_counts_of_sampled_goals_serve_as_probes():
    model, generator = Chooser(), torch.Generator().manual_seed(0)

    def sampled(net):
        drawn = torch.multinomial(net(INPUTS).softmax(-1), 20, replacement=True, generator=generator)
        return torch.nn.functional.one_hot(drawn, 4).sum(1)

    control = AlignmentController(
        model, ConstantWork(1.0), probes=sampled, alignment_loss=aligned, learning_rate=0.1, intended=INTENDED
    )
    assert control.term() is not None
    found, exact = control.last["mean_entropy"], float(shannon(shares(model.eval()).detach().double().numpy()).mean())
    assert found["low"] <= exact <= found["high"]
    assert control.last["entropy_rate"] is control.last["critical_work"] is None


def test_modes_of_every_part_are_left_as_they_were():
    run = Loop()
    run.model.inner[2].eval()
    run.train(1)
    assert run.model.training
    assert not run.model.inner[2].training


def test_a_moving_proxy_is_asked_at_every_measurement():
    asked = []

    def proxy(step):
        asked.append(step)
        return PROXY

    control = AlignmentController(
        Chooser(), ConstantWork(0.0), probes=shares, alignment_loss=aligned, learning_rate=0.1, proxy=proxy,
        settings=ControlSettings(every=3),
    )  # fmt: skip
    for _ in range(7):
        control.term()
    assert asked == [0, 3, 6]


def test_a_killed_run_goes_on_bit_for_bit(tmp_path):
    def law():
        return ProportionalIntegral(target=0.9, proportional=1.0, integral=0.05, highest=9.0)

    whole = Loop(law(), log=tmp_path / "whole.jsonl").train(40)
    first = Loop(law(), log=tmp_path / "resumed.jsonl").train(17)
    stateful = {"data": first.generator}
    save_checkpoint(
        tmp_path / "run.pt", first.control, optimizer=first.optimizer, stateful=stateful, extra={"epoch": 1}
    )
    first.train(9)  # what was done after the checkpoint is lost, and so are its rows
    first.control.log.close()
    with (tmp_path / "resumed.jsonl").open("ab") as torn:
        torn.write(b'{"id": "half a li')

    again = Loop(law(), log=tmp_path / "resumed.jsonl", seed=5)
    kept = load_checkpoint(
        tmp_path / "run.pt", again.control, optimizer=again.optimizer, stateful={"data": again.generator}
    )
    assert kept == {"epoch": 1}
    assert again.control.step == 17
    again.train(23)
    assert torch.equal(again.parameters(), whole.parameters())
    assert again.control.state_dict() == whole.control.state_dict()
    for run in (whole, again):
        run.control.log.close()
    assert (tmp_path / "resumed.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert [one["step"] for one in measurements(tmp_path / "whole.jsonl")] == list(range(0, 40, 5))


def test_a_log_is_never_mixed_with_another_run(tmp_path):
    first = Loop(log=tmp_path / "run.jsonl").train(6)
    first.control.log.close()
    state = first.control.state_dict()
    with pytest.raises(InvalidInput, match="holds rows of another run"):
        Loop(log=tmp_path / "run.jsonl").train(1)
    longer = (tmp_path / "run.jsonl").read_bytes()
    (tmp_path / "run.jsonl").write_bytes(longer.replace(b"probe-0", b"probe-00"))
    with pytest.raises(FileFormatError, match=r"no row of .* ends at byte"):
        Loop(log=tmp_path / "run.jsonl").control.load_state_dict(state)
    unlogged = Loop().train(1).control.state_dict()
    resumed = Loop(log=tmp_path / "run.jsonl")
    resumed.control.load_state_dict(unlogged)
    with pytest.raises(InvalidInput, match="holds rows of another run"):
        resumed.train(5)
    assert (tmp_path / "run.jsonl").stat().st_size > len(longer)  # nothing of the other run was taken back
    (tmp_path / "run.jsonl").write_bytes(b"")
    with pytest.raises(FileFormatError, match=r"holds 0 bytes, the checkpoint was made after \d+"):
        Loop(log=tmp_path / "run.jsonl").control.load_state_dict(state)


def test_checkpoints_of_other_settings_or_no_checkpoint_are_refused(tmp_path):
    run = Loop().train(1)
    save_checkpoint(tmp_path / "run.pt", run.control, optimizer=run.optimizer)
    other = Loop(every=7)
    with pytest.raises(InvalidInput, match="controller with the settings"):
        load_checkpoint(tmp_path / "run.pt", other.control, optimizer=other.optimizer)
    with pytest.raises(FileFormatError, match=r"lacks \['data'\]"):
        load_checkpoint(tmp_path / "run.pt", run.control, optimizer=run.optimizer, stateful={"data": run.generator})
    (tmp_path / "broken.pt").write_bytes(b"no archive")
    with pytest.raises(FileFormatError, match="is no checkpoint"):
        load_checkpoint(tmp_path / "broken.pt", run.control, optimizer=run.optimizer)


def test_bad_input_is_named():
    run = Loop()
    with pytest.raises(InvalidInput, match="the task's loss is nan at step 0: lower the learning rate"):
        run.control.loss(torch.tensor(math.nan))
    given = {"probes": shares, "alignment_loss": aligned, "learning_rate": 0.1}

    def made(**more):
        return AlignmentController(Chooser(), ConstantWork(1.0), **(given | more))

    with pytest.raises(InvalidInput, match="the alignment loss is inf at step 0"):
        made(alignment_loss=lambda model: aligned(model) * math.inf).term()
    with pytest.raises(InvalidInput, match="at least two goals"):
        made(probes=lambda model: model(INPUTS)[:, :1].sigmoid()).term()
    with pytest.raises(InvalidInput, match="must sum to 1"):
        made(probes=lambda model: model(INPUTS).sigmoid()).term()
    with pytest.raises(InvalidInput, match="must return a tensor"):
        made(probes=lambda model: [0.5, 0.5]).term()
    with pytest.raises(InvalidInput, match=r"learning_rate is a rate and must be 0 or more, got -0\.1"):
        made(learning_rate=-0.1).term()
    with pytest.raises(InvalidInput, match="curvature lambda_max must be a positive number, got -1"):
        made(curvature=-1.0).term()
    with pytest.raises(InvalidInput, match="units of gamma_crit needs the curvature"):
        made(settings=ControlSettings(unit="critical"))
    with pytest.raises(InvalidInput, match="unit is one of absolute, critical, got 'paper'"):
        ControlSettings(unit="paper")

    class Wrong(ConstantWork):
        def update(self, entropy, *, elapsed):
            return -1.0

    with pytest.raises(InvalidInput, match="gamma is a rate and must be 0 or more, got -1"):
        AlignmentController(Chooser(), Wrong(1.0), **given).term()
    frozen = Chooser().requires_grad_(False)
    with pytest.raises(InvalidInput, match="0 trainable parameters"):
        AlignmentController(frozen, ConstantWork(1.0), **given)
