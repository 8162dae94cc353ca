"""Rows as the tools of the trade write them: the same question, context and answer whatever the names."""

import json

import pytest

from secondlaw.errors import InvalidInput
from secondlaw.faithfulness import example_of

pytestmark = pytest.mark.unit

TOLD = ["It opened in 1932.", 'It\'s made of "steel".']
DOCUMENTS = [{"page_content": text, "metadata": {"page": 3}, "type": "Document"} for text in TOLD]
ROWS = {
    "plain": {"question": "What?", "context": TOLD, "answer": "Steel."},
    "ragas": {"user_input": "What?", "retrieved_contexts": TOLD, "response": "Steel.", "reference": "Other."},
    "ragas, several turns": {
        "user_input": [
            {"content": "Hello", "type": "human"}, {"content": "Hi", "type": "ai"},
            {"content": "What?", "type": "human"},
        ],
        "retrieved_contexts": TOLD, "response": "Steel.",
    },
    "ragas, older": {"question": "What?", "contexts": TOLD, "answer": "Steel.", "ground_truth": "Other."},
    "ragas, CSV": {"user_input": "What?", "retrieved_contexts": repr(TOLD), "response": "Steel."},
    "JSON in CSV": {"question": "What?", "contexts": json.dumps(TOLD), "answer": "Steel."},
    "LangChain": {"query": "What?", "source_documents": DOCUMENTS, "result": "Steel."},
    "LangChain, chain": {"input": "What?", "context": DOCUMENTS, "answer": "Steel."},
    "LangChain, serialised": {
        "query": "What?", "source_documents": [{"lc": 1, "kwargs": one} for one in DOCUMENTS], "result": "Steel.",
    },
    "LlamaIndex": {"query": "What?", "source_nodes": [{"node": {"text": t}, "score": 1.0} for t in TOLD],
                   "response": "Steel."},
    "DeepEval": {"input": "What?", "retrieval_context": TOLD, "actual_output": "Steel.", "expected_output": "Other."},
    "lists in a list": {"question": "What?", "contexts": [TOLD[:1], TOLD[1:]], "answer": "Steel."},
    "an empty name beside": {"question": "What?", "context": "", "contexts": TOLD, "answer": "Steel."},
}  # fmt: skip


@pytest.mark.parametrize("kind", ROWS)
def test_rows_of_every_tool_give_the_same_example(kind):
    found = example_of(ROWS[kind], number=1)
    assert (found.question, found.contexts, found.answer) == ("What?", tuple(TOLD), "Steel.")


def test_texts_that_only_look_like_lists_stay_texts():
    for text in ("[1] Ada wrote it. [2]", "[sic]", "[1, 2]", "[", "['a', 3]", "[" * 5000 + "]" * 5000, r"['\d']"):
        found = example_of({"context": text, "answer": "x"}, number=1)
        assert found.contexts == ((r"\d",) if "d'" in text else (text,))


def test_numbers_are_answers_and_other_kinds_are_told():
    assert example_of({"question": "?", "answer": 1932}, number=1).answer == "1932"
    assert example_of({"question": "?", "answer": ""}, number=1).answer == ""
    wrong = (
        ({"question": "?", "answer": None}, "answer is null"),
        ({"question": "?", "answer": True}, "got bool"),
        ({"question": "?", "answer": ["a"]}, "got list"),
        ({"question": "?", "context": {"a": 1}, "answer": "x"}, "got dict"),
        ({"question": "?", "context": [{"a": 1}], "answer": "x"}, "page_content"),
        ({"answer": "x"}, "neither question nor context"),
        ({}, "no field"),
    )
    for row, said in wrong:
        with pytest.raises(InvalidInput, match=said):
            example_of(row, number=1)
