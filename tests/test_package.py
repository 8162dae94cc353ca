"""The package as a whole: exported names, light imports, published schemas, its version."""

import ast
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest

import secondlaw

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sorted(path.parent for path in (ROOT / "src").rglob("__init__.py"))
HEAVY = (
    "altair",
    "httpx",
    "onnxruntime",
    "pydantic",
    "pyarrow",
    "rich.console",
    "scipy",
    "sklearn",
    "torch",
    "vl_convert",
)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_only_exports_sorted_names(package):
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    kinds = tuple(type(node) for node in tree.body)
    assert ast.get_docstring(tree), "a package says what it holds"
    assert set(kinds) <= {ast.Expr, ast.ImportFrom, ast.Assign, ast.AnnAssign}
    names = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and (node.targets[0] if isinstance(node, ast.Assign) else node.target).id == "__all__"
    )
    exported = ast.literal_eval(names)
    assert len(set(exported)) == len(exported)
    assert exported == sorted(exported, key=lambda name: (not name.isupper(), name[0].islower(), name))
    modules = {path.stem for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert not modules & set(exported), "importing a module would replace what the package exports under its name"


@pytest.mark.parametrize("words", ["import secondlaw", "from secondlaw.cli.main import app"])
def test_imports_stay_light(words):
    code = f"import sys; {words}; print(*sorted(m for m in {HEAVY!r} if m in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []


def test_the_version_is_the_installed_one():
    assert secondlaw.__version__ == version("secondlaw")


def test_the_published_settings_schema_is_the_one_in_use():
    from secondlaw.pipeline.settings import settings_schema

    published = json.loads((ROOT / "docs/schemas/settings.schema.json").read_text(encoding="utf-8"))
    assert published == settings_schema()


def test_the_published_measure_schema_is_a_schema():
    schema = json.loads((ROOT / "docs/schemas/measure.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
