# SPDX-License-Identifier: Apache-2.0
"""`plumbline schema` beside what the program itself says of definitions, right and wrong."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[3]
DEFINITIONS = sorted((ROOT / "experiments").glob("*.toml"))
HEAD = 'schema = 1\nname = "x"\n'


@pytest.fixture(scope="module")
def schema(program):
    printed = subprocess.run([program, "schema"], capture_output=True, text=True, check=True)
    assert printed.stderr == ""
    return json.loads(printed.stdout)


@pytest.fixture(scope="module")
def plugins(program):
    printed = subprocess.run([program, "list", "--json"], capture_output=True, text=True,
                             check=True)
    return [plugin for plugin in json.loads(printed.stdout) if plugin["kind"] != "experiments"]


@pytest.fixture(scope="module")
def accepts(schema):
    validator = jsonschema.Draft7Validator(schema)
    return lambda text: validator.is_valid(tomllib.loads(text))


def is_right(program, text, folder):
    path = folder / "x.toml"
    path.write_text(text, encoding="utf-8")
    checked = subprocess.run([program, "check", path], capture_output=True, text=True)
    assert checked.returncode in (0, 2), checked.stderr
    return checked.returncode == 0


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from references(inner)


def test_the_schema_follows_its_own_schema(schema):
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema)


def test_every_part_of_the_schema_is_used_and_every_reference_leads_to_one(schema):
    used = {reference.removeprefix("#/definitions/") for reference in references(schema)}
    assert used == schema["definitions"].keys()


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_shipped_definitions_pass(accepts, path):
    assert accepts(path.read_text(encoding="utf-8"))


def test_the_sweeps_and_searches_of_the_document_pass(accepts):
    text = (ROOT / "experiments/README.md").read_text(encoding="utf-8")
    tables = re.findall(r"^```toml\n(\[sweep\].*?|\[\[study\]\].*?)^```$", text,
                        flags=re.MULTILINE | re.DOTALL)
    assert len(tables) == 2
    assert accepts(HEAD + "".join(tables))


def test_every_setting_stands_in_the_schema_with_its_meaning_and_default(schema, plugins):
    for plugin in plugins:
        name = f"{plugin['kind']}.{plugin['name']}"
        table = schema["definitions"][name + (".table" if plugin["kind"] == "probes" else "")]
        for setting in plugin["settings"]:
            key = table["properties"][setting["name"]]
            assert setting["meaning"] in key["description"], name
            if setting["default"] not in ("", []):
                assert key["default"] == setting["default"], name


def test_every_plugin_is_told_where_its_name_is_asked_for(schema, plugins):
    for plugin in plugins:
        if plugin["kind"] == "probes":
            assert plugin["name"] in schema["definitions"]["probes.table"]["properties"]
            continue
        names = schema["definitions"][plugin["kind"] + ".named"]["anyOf"][0]
        at = names["enum"].index(plugin["name"])
        assert names["x-taplo"]["docs"]["enumValues"][at] == plugin["summary"]


def as_toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value)


def test_every_plugin_with_all_its_defaults_passes(accepts, plugins):
    tables = {"losses": "loss", "optimizers": "optimizer", "schedules": "schedule",
              "datasets": "data", "activations": "model.activation",
              "initializers": "model.initializer"}
    checked = 0
    for plugin in plugins:
        given = "".join(f"{setting['name']} = {as_toml(setting['default'])}\n"
                        for setting in plugin["settings"] if setting["default"] not in ("", []))
        if plugin["kind"] == "layers":
            text = f"[[model.layers]]\nname = '{plugin['name']}'\n{given}"
        elif plugin["kind"] == "probes":
            text = f"[probes.{plugin['name']}]\n{given}"
        else:
            text = f"[{tables[plugin['kind']]}]\nname = '{plugin['name']}'\n{given}"
        assert accepts(HEAD + text), text
        checked += 1
    assert checked > 150


STUDY = "[[study]]\n[study.search]\n"

RIGHT = [
    "",
    "[model]\nactivation = 'relu'",
    "[model]\nactivation = { name = 'leaky_relu', slope = 0.2 }",
    "[model]\nnormalization = { name = 'batch_norm', epsilon = 1e-3 }",
    "[model]\nnormalization = 'none'",
    "[model]\nwidths = [30, 20]",
    "[model]\nlayers = ['batch_norm', { name = 'dense', width = 20 }]",
    "[model]\nlayers = [{ name = 'residual', layers = ['layer_norm'], scale = 0.5 }]",
    "[model]\nkind = 'lstm'\nlstm.forget_bias = 2\n[data]\nname = 'adding_problem'\n"
    "[loss]\nname = 'mean_squared_error'",
    "[optimizer]\nname = 'clip_norm'\nmax_norm = 1\ninner = { name = 'adam', lr = 1e-2 }",
    "[optimizer]\nname = 'lookahead'\ninner = { name = 'clip_norm', inner = 'sgd' }",
    "[optimizer]\nname = 'adam'\n[optimizer.groups.bias]\nbeta1 = 0.5\n"
    "[optimizer.groups.hidden]\nname = 'muon'",
    "optimizer = 'adam'\nloss = 'hinge'",
    "[optimizer]\nlr = 1",
    "[optimizer]\nbeta1 = 0.5\n[sweep.grid]\noptimizer.name = ['adam', 'adamw']",
    "[optimizer.groups.bias]\nlr = 0.5\n[sweep.grid]\noptimizer.groups.hidden.lr = [1, 2.5]",
    "[schedule]\nname = 'warmup'\ninner = 'cosine'",
    "[data]\nname = 'digits'\ntrain = 300\nlabel_noise = 0.5",
    "[train]\nevaluate = { steps = [10, 30] }\nepochs = 2",
    "[train]\nevaluate = { every = 0, log_spaced = 5 }",
    "[probes]\ngradient_norm = {}\nerror_signal = { every = 10 }",
    "[engine]\ngemm = 'native'",
    "[sweep]\nseeds = 3",
    "[sweep]\nseeds = [1, 5]",
    "[sweep.grid]\nmodel.depth = [2, 8]\nmodel.activation = ['relu', { name = 'elu', alpha = 2 }]",
    "[sweep.grid]\nmodel.initializer.name = ['he_normal', 'zeros']",
    "[sweep.grid]\noptimizer = ['sgd', { name = 'adam', lr = 0.1 }]",
    "[sweep.grid]\nmodel.widths = [[3, 4], [5]]\nprobes.gradient_norm.every = [1, 2]",
    "[sweep.grid]\ntrain.seed = [4, 2]\ntrain.evaluate.every = [5, 7]",
    "[[sweep.zip]]\nmodel.depth = [2, 2]\noptimizer = ['sgd', { name = 'adam', lr = 0.1 }]\n"
    "[[sweep.zip]]\nmodel.width = [4, 5]\nmodel.activation = ['tanh', 'relu']",
    "[sweep.grid]\nmodel.depth = [2, 3, 4]\nmodel.activation = ['tanh', 'relu']\n"
    "[[sweep.exclude]]\nmodel.depth = [2, 3]\nmodel.activation = 'tanh'",
    "[[study]]\nname = 'a'\nset.optimizer.name = 'adam'\nset.optimizer.beta1 = 0.5\n"
    "[[study]]\nset.optimizer = 'sgd'",
    STUDY + "method = 'halton'\ntrials = 3\nseed = 7\n[study.search.space]\n"
    "optimizer.lr = { min = 1e-5, max = 1, scale = 'log' }\nmodel.depth = { min = 2, max = 5 }\n"
    "model.activation = ['tanh', { name = 'elu', alpha = 2 }]\n"
    "model.initializer.name = { values = ['he_normal', 'zeros'] }",
    STUDY + "method = 'random'\ntrials = 4\n[study.search.space]\noptimizer.name = ['adam', 'sgd']\n"
    "optimizer.beta1 = { min = 0.5, max = 0.9, when = { 'optimizer.name' = 'adam' } }",
    STUDY + "method = 'grid'\n[study.search.space]\n"
    "model.depth = { min = 2, max = 8, points = 3, scale = 'log' }\nmodel.width = [3, 4]",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_the_program_takes_passes(program, accepts, tmp_path, text):
    assert is_right(program, HEAD + text, tmp_path)
    assert accepts(HEAD + text)


# Each with one mistake, which the program refuses.
WRONG = [
    # of the head
    ("schema = 1",),
    ("schema = 2", "name = 'x'"),
    ("schema = '1'", "name = 'x'"),
    ("name = 'x'",),
    ("schema = 1", "name = 3"),
    ("schema = 1", "name = 'a/b'"),
    ("schema = 1", "name = ''"),
    ("schema = 1", "name = '.x'"),
    (HEAD, "title = 3"),
    (HEAD, "about = 'x'"),
    (HEAD, "[about]", "question = 3"),
    (HEAD, "[about]", "papers = 'x'"),
    # keys that are none
    (HEAD, "[modle]"),
    (HEAD, "[model]", "widht = 3"),
    (HEAD, "[model]", "activation = { name = 'relu', slope = 1 }"),
    (HEAD, "[model.activation]", "slop = 1"),
    (HEAD, "[model.normalization]", "name = 'layer_norm'", "momentum = 0.1"),
    (HEAD, "[data]", "name = 'digits'", "steps = 3"),
    (HEAD, "[optimizer]", "name = 'sgd'", "beta1 = 0.9"),
    (HEAD, "[optimizer]", "name = 'adam'", "groups.hiden.lr = 0.1"),
    (HEAD, "[optimizer]", "name = 'adam'", "groups.hidden.learning_rate = 0.1"),
    (HEAD, "[optimizer]", "name = 'clip_norm'", "inner = { name = 'sgd', beta1 = 0.9 }"),
    (HEAD, "[schedule]", "name = 'constant'", "inner = 'cosine'"),
    (HEAD, "[train]", "step = 3"),
    (HEAD, "[train.evaluate]", "evry = 3"),
    (HEAD, "[probes.gradient_norm]", "evry = 3"),
    (HEAD, "[engine]", "blas = true"),
    (HEAD, "[sweep]", "seed = 3"),
    (HEAD, "[sweep.grid]", "model.dept = [3]"),
    (HEAD, "[sweep.grid]", "model.activation.slop = [3]"),
    # plug-ins that are none
    (HEAD, "[model]", "activation = 'rleu'"),
    (HEAD, "[model]", "activation.name = 'rleu'"),
    (HEAD, "[model]", "initializer = 'adam'"),
    (HEAD, "[model]", "normalization = 'dropout'"),
    (HEAD, "[model]", "layers = ['dens']"),
    (HEAD, "[model]", "layers = [{ width = 3 }]"),
    (HEAD, "[model]", "kind = 'mpl'"),
    (HEAD, "[model]", "precision = 'float16'"),
    (HEAD, "[data]", "name = 'minst'"),
    (HEAD, "[loss]", "name = 'hinge_loss'"),
    (HEAD, "[optimizer]", "name = 'adma'"),
    (HEAD, "[optimizer]", "name = 'lookahead'", "inner = 'adma'"),
    (HEAD, "[schedule]", "name = 'cosin'"),
    (HEAD, "[probes]", "gradient = {}"),
    (HEAD, "[sweep.grid]", "model.activation = ['relu', 'rleu']"),
    (HEAD, "[sweep.grid]", "optimizer.name = ['adma']"),
    # values of another type
    (HEAD, "model = 3"),
    (HEAD, "optimizer = 'adma'"),
    (HEAD, "optimizer = 3"),
    (HEAD, "[model]", "depth = '3'"),
    (HEAD, "[model]", "depth = 2.5"),
    (HEAD, "[model]", "width = true"),
    (HEAD, "[model]", "widths = 3"),
    (HEAD, "[model]", "widths = [3, 'x']"),
    (HEAD, "[model]", "widths = []"),
    (HEAD, "[model]", "activation = 3"),
    (HEAD, "[model]", "layers = 'dense'"),
    (HEAD, "[model]", "layers = []"),
    (HEAD, "[model]", "rezero = 1", "kind = 'residual'"),
    (HEAD, "[optimizer]", "name = 3"),
    (HEAD, "[optimizer]", "lr = '0.1'"),
    (HEAD, "[optimizer]", "name = 'adam'", "groups = 3"),
    (HEAD, "[optimizer]", "name = 'adam'", "groups.bias = 3"),
    (HEAD, "[train]", "evaluate = 10"),
    (HEAD, "[probes]", "gradient_norm = true"),
    (HEAD, "[sweep]", "seeds = 'x'"),
    (HEAD, "[sweep]", "seeds = [1.5]"),
    (HEAD, "[sweep]", "grid = 3"),
    (HEAD, "[sweep.grid]", "model.depth = 3"),
    (HEAD, "[sweep.grid]", "model.depth = ['x']"),
    (HEAD, "[sweep.grid]", "model.widths = [3]"),
    (HEAD, "[sweep.grid]", "optimizer = [3]"),
    # values out of range
    (HEAD, "[model]", "depth = -1"),
    (HEAD, "[model]", "width = 0"),
    (HEAD, "[model]", "widths = [3, 0]"),
    (HEAD, "[optimizer]", "lr = -1"),
    (HEAD, "[optimizer]", "name = 'adam'", "beta1 = 1.0"),
    (HEAD, "[optimizer]", "name = 'adam'", "groups.bias.beta1 = -1"),
    (HEAD, "[data]", "label_noise = 1.5"),
    (HEAD, "[train]", "batch = 0"),
    (HEAD, "[train]", "steps = -1"),
    (HEAD, "[train]", "seed = -1"),
    (HEAD, "[train.evaluate]", "every = -1"),
    (HEAD, "[train.evaluate]", "every = 3", "steps = [1]"),
    (HEAD, "[probes]", "gradient_norm = { every = 3, log_spaced = 4 }"),
    (HEAD, "[sweep]", "seeds = 0"),
    (HEAD, "[sweep]", "seeds = [-1]"),
    (HEAD, "[sweep]", "seeds = [1, 1]"),
    (HEAD, "[sweep.grid]", "model.depth = []"),
    (HEAD, "[sweep.grid]", "model.depth = [-1]"),
    (HEAD, "[sweep.grid]", "model.depth = [1, 1]"),
    (HEAD, "[sweep.grid]", "train.seed = [-1]"),
    # zips and exclusions
    (HEAD, "[sweep]", "zip = 3"),
    (HEAD, "[sweep.zip]", "model.depth = [1, 2]"),
    (HEAD, "[[sweep.zip]]", "model.depht = [1, 2]"),
    (HEAD, "[[sweep.zip]]", "model.depth = 2"),
    (HEAD, "[[sweep.zip]]", "model.depth = [1, -2]", "model.width = [1, 2]"),
    (HEAD, "[sweep]", "exclude = 'x'", "grid.model.depth = [1, 2]"),
    (HEAD, "[sweep.grid]", "model.depth = [1, 2]", "[[sweep.exclude]]", "model.depht = 1"),
    # studies
    (HEAD, "study = 3"),
    (HEAD, "[study]", "name = 'x'"),
    (HEAD, "[[study]]", "nam = 'x'"),
    (HEAD, "[[study]]", "name = 3"),
    (HEAD, "[[study]]", "set = 3"),
    (HEAD, "[[study]]", "set.model.depht = 3"),
    (HEAD, "[[study]]", "set.optimizer.name = 'adma'"),
    (HEAD, "[[study]]", "set.model.depth = -3"),
    (HEAD, "[[study]]", "search = 'grid'"),
    # searches
    (HEAD, STUDY, "space.model.depth = [1]"),
    (HEAD, STUDY, "method = 'grid'"),
    (HEAD, STUDY, "method = 'gird'", "space.model.depth = [1]"),
    (HEAD, STUDY, "method = 'grid'", "sead = 3", "space.model.depth = [1]"),
    (HEAD, STUDY, "method = 'halton'", "trials = 0", "space.model.depth = [1]"),
    (HEAD, STUDY, "method = 'halton'", "trials = 1000001", "space.model.depth = [1]"),
    (HEAD, STUDY, "method = 'halton'", "trials = 'x'", "space.model.depth = [1]"),
    (HEAD, STUDY, "method = 'random'", "trials = 1", "seed = -1", "space.model.depth = [1]"),
    (HEAD, STUDY, "method = 'grid'", "space.modle.depth = [1]"),
    (HEAD, STUDY, "method = 'grid'", "space.model.depth = []"),
    (HEAD, STUDY, "method = 'grid'", "space.model.depth = [1, 1]"),
    (HEAD, STUDY, "method = 'grid'", "space.model.depth = 3"),
    (HEAD, STUDY, "method = 'grid'", "space.model.depth = { values = 3 }"),
    (HEAD, STUDY, "method = 'grid'", "space.model.depth = { values = [3], max = 4 }"),
    (HEAD, STUDY, "method = 'grid'", "space.model.depth = { values = ['x'] }"),
    (HEAD, STUDY, "method = 'random'", "trials = 1", "space.optimizer.lr = { min = 1, mx = 2 }"),
    (HEAD, STUDY, "method = 'random'", "trials = 1", "space.optimizer.lr = { min = 'a', max = 2 }"),
    (HEAD, STUDY, "method = 'random'", "trials = 1",
     "space.optimizer.lr = { min = 1, max = 2, scale = 'lg' }"),
    (HEAD, STUDY, "method = 'grid'", "space.model.depth = { min = 1, max = 4, points = 1 }"),
    (HEAD, STUDY, "method = 'random'", "trials = 1",
     "space.optimizer.lr = { min = 1, max = 2, when = 3 }"),
]


@pytest.mark.parametrize("lines", WRONG, ids=" | ".join)
def test_what_the_program_refuses_does_not_pass(program, accepts, tmp_path, lines):
    text = "\n".join(lines)
    assert not is_right(program, text, tmp_path)
    assert not accepts(text)
