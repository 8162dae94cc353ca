"""The callback in the real Trainer of transformers: a tiny model with random weights is really trained."""

import json

import pytest
import torch

transformers = pytest.importorskip("transformers", reason="needs the extra alignment")
pytest.importorskip("accelerate", reason="needs the extra alignment")

from secondlaw.alignment.control import ConstantWork, ControlSettings, ProportionalIntegral, measurements  # noqa: E402
from secondlaw.alignment.control.callback import AlignmentCallback  # noqa: E402
from secondlaw.errors import InvalidInput  # noqa: E402

pytestmark = [
    pytest.mark.unit,
    pytest.mark.filterwarnings("ignore:.*pin_memory:UserWarning"),
]

GOALS, GO = 4, 11
INTENDED, PROXY = torch.tensor([0.85, 0.05, 0.05, 0.05]), torch.tensor([0.1, 0.6, 0.2, 0.1])


def asked(count, seed):
    digits = torch.randint(4, 10, (count, 3), generator=torch.Generator().manual_seed(seed))
    return torch.cat([digits, torch.full((count, 1), GO)], dim=1)


def examples():
    goals = torch.multinomial(PROXY, 96, replacement=True, generator=torch.Generator().manual_seed(1))
    rows = torch.cat([asked(96, 2), goals[:, None]], dim=1)
    return [{"input_ids": row, "labels": torch.cat([torch.full((4,), -100), row[4:]])} for row in rows]


def chosen(model):
    return model(input_ids=asked(12, 3)).logits[:, -1, :GOALS].softmax(-1)


def aligned(model):
    return -(model(input_ids=asked(12, 3)).logits[:, -1].log_softmax(-1)[:, :GOALS] @ INTENDED).mean()


def trainer(folder, law, *others, steps=12, **more):
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=12, n_positions=8, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0,
        loss_type="ForCausalLM",
    )  # fmt: skip
    args = transformers.TrainingArguments(
        output_dir=str(folder / "out"), max_steps=steps, per_device_train_batch_size=8, learning_rate=0.02, seed=3,
        save_steps=6, logging_steps=4, report_to=[], use_cpu=True, disable_tqdm=True, dataloader_pin_memory=False,
        optim="sgd", **more,
    )  # fmt: skip
    callback = AlignmentCallback(
        law, probes=chosen, alignment_loss=aligned, intended=INTENDED, proxy=PROXY, curvature=4.0,
        settings=ControlSettings(every=3), log=folder / "run.jsonl",
    )  # fmt: skip
    made = transformers.Trainer(
        model=transformers.GPT2LMHeadModel(config), args=args, train_dataset=examples(), callbacks=[callback, *others]
    )
    return made, callback


class Kill(transformers.TrainerCallback):
    def on_step_end(self, args, state, control, **given):
        if state.global_step == 10:
            raise KeyboardInterrupt


def law():
    return ProportionalIntegral(target=0.9, proportional=2.0, integral=0.1, highest=20.0)


def weights(made):
    return torch.cat([one.detach().flatten() for one in made.model.parameters()])


def test_a_killed_training_resumed_from_its_checkpoint_is_the_same_bit_for_bit(tmp_path):
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole, _ = trainer(tmp_path / "whole", law())
    whole.train()
    killed, callback = trainer(tmp_path / "killed", law(), Kill())
    with pytest.raises(KeyboardInterrupt):
        killed.train()
    callback.controller.log.close()
    again, callback = trainer(tmp_path / "killed", law())
    again.train(resume_from_checkpoint=str(tmp_path / "killed" / "out" / "checkpoint-6"))
    assert torch.equal(weights(again), weights(whole))
    logs = [(tmp_path / name / "run.jsonl").read_bytes() for name in ("whole", "killed")]
    assert logs[0] == logs[1]
    assert [one["step"] for one in measurements(tmp_path / "whole" / "run.jsonl")] == [0, 3, 6, 9]
    assert callback.controller.step == 12


def test_work_keeps_the_goals_and_none_lets_them_go(tmp_path):
    entropies = {}
    for gamma in (0.0, 8.0):
        folder = tmp_path / str(gamma)
        folder.mkdir()
        made, callback = trainer(
            folder, ConstantWork(gamma), steps=30, gradient_accumulation_steps=2, max_grad_norm=0.0
        )
        made.train()
        entropies[gamma] = callback.controller.last["kl_intended"]["value"]
        assert callback.controller.step == made.state.global_step == 30  # once an update, not once a batch
    assert entropies[8.0] < 0.5 * entropies[0.0]


def test_work_may_begin_from_a_checkpoint_that_knew_none(tmp_path):
    made, callback = trainer(tmp_path, law(), steps=6)
    made.remove_callback(callback)
    made.train()
    later, callback = trainer(tmp_path, law(), steps=12)
    later.train(resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-6"))
    assert callback.controller.step == 12
    kept = json.loads((tmp_path / "out" / "checkpoint-12" / "trainer_state.json").read_text())
    assert kept["stateful_callbacks"]["AlignmentCallback"]["attributes"]["kept"]["step"] == 12


def test_a_training_that_has_diverged_is_stopped(tmp_path):
    made, _ = trainer(tmp_path, law())
    with torch.no_grad():
        made.model.lm_head.weight.fill_(float("nan"))
    with pytest.raises(InvalidInput, match="gradient of the task's loss is nan at step 0"):
        made.train()
