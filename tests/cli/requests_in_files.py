"""Files of requests whose intent nobody states, and what the commands print of them."""

import json

__all__ = ["ANSWER", "KITCHEN", "classified", "measured", "rows", "together"]

DISHES = (
    "lentil soup", "rye bread", "an omelette", "rice pudding", "pancakes", "a bean stew", "apple pie", "ratatouille",
    "dumplings", "tomato sauce", "potato salad", "risotto",
)  # fmt: skip
ASKED = ("How do I make {}?", "What goes well with {}?", "How long does {} keep in the fridge?",
         "Is {} suited to a lunch for two?", "Where does {} come from?")  # fmt: skip
KITCHEN = [question.format(dish) for question in ASKED for dish in DISHES]
ANSWER = "Start with fresh ingredients, keep the heat low, taste as you go on, and serve it warm with some bread."


def rows(prompts, intent="unknown"):
    return [
        {"id": str(i), "prompt": prompt, "response": ANSWER, "step": 0, "intent": intent}
        for i, prompt in enumerate(prompts)
    ]


def classified(run, path, out, *said):
    """Classify a file; return what the command says and the rows."""
    done = run("classify", path, "--out", out, "--force", "--json", *said)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), [json.loads(line) for line in out.read_text().splitlines()]


def measured(run, path, *said):
    done = run("measure", path, "--json", "--resamples", 100, *said)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def together(found) -> list[str]:
    return [one for one in found["warnings"] if "read together" in one]
