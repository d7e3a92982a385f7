# SPDX-License-Identifier: Apache-2.0
"""What is installed: the wheel, its types and words, and the example of the README in an empty folder."""
import inspect
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

import nrbac
from nrbac import _nrbac, aio, asgi, client

pytestmark = pytest.mark.transport("package")

BINDING = ROOT / "bindings/python"
[WHEEL] = (ROOT / "build/bindings/python/wheel").glob("*.whl")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", (BINDING / "README.md").read_text(), re.DOTALL | re.MULTILINE)


def test_the_example_of_the_readme_runs_in_an_empty_folder(tmp_path):
    (policy,) = (text for kind, text in BLOCKS if kind == "yaml")
    (program,) = (text for kind, text in BLOCKS if kind == "python")
    (prints,) = (text for kind, text in BLOCKS if kind == "")
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy/practice.yaml").write_text(policy)
    (tmp_path / "example.py").write_text(program)
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == (prints, "", 0)


def test_the_readme_fits_on_a_screen():
    assert len((BINDING / "README.md").read_text().splitlines()) <= 80


def test_it_is_the_wheel_that_is_tested():
    assert Path(nrbac.__file__).is_relative_to(ROOT / "build/bindings/python/venv")


def test_the_wheel_holds_the_types_and_the_words():
    names = zipfile.ZipFile(WHEEL).namelist()
    for name in ("py.typed", "_nrbac.pyi", "_words.py", "asgi.py", "aio.py"):
        assert f"nrbac/{name}" in names
    assert not [name for name in names if "test" in name]


def test_one_version_everywhere():
    from nrbac import _protocol
    assert nrbac.__version__ == _protocol.VERSION and f"-{nrbac.__version__}-" in WHEEL.name


def test_no_word_is_typed_twice():
    """Reasons are in the tables of schema/ alone: the sources name them only as members."""
    slugs = [reason.value for reason in nrbac.Reason if "-" in reason.value]
    assert not (BINDING / "src/nrbac/_words.py").exists()
    for path in [*(BINDING / "src/nrbac").glob("*.py"), *(BINDING / "native").glob("*.c")]:
        code = re.sub(r'"""(.|\n)*?"""|/\*(.|\n)*?\*/|#.*', "", path.read_text())
        assert not [slug for slug in slugs if f'"{slug}"' in code], path


def public(thing):
    return {name: one for name, one in vars(thing).items() if not name.startswith("_")}


@pytest.mark.parametrize("module", [nrbac, aio, asgi, client, nrbac.errors], ids=lambda module: module.__name__)
def test_every_public_item_says_what_it_is(module):
    for name, one in public(module).items():
        if not (inspect.isclass(one) or inspect.isfunction(one)) or not one.__module__.startswith("nrbac"):
            continue
        assert one.__doc__, name
        for member, what in public(one).items() if inspect.isclass(one) else ():
            if inspect.isroutine(what) or isinstance(what, property):
                assert what.__doc__ or issubclass(one, aio.asyncio.Protocol), f"{name}.{member}"


@pytest.mark.parametrize("kind", [_nrbac.Engine, _nrbac.Session], ids=lambda kind: kind.__name__)
def test_the_extensions_types_are_all_in_its_stubs(kind):
    stubs = (BINDING / "src/nrbac/_nrbac.pyi").read_text()
    (body,) = re.findall(rf"^class {kind.__name__}:\n((?:    .*\n)+)", stubs, re.MULTILINE)
    written = set(re.findall(r"def (\w+)\(", body))
    there = {name for name in vars(kind) if not re.fullmatch(r"__(doc|module|new|repr|str)__", name)}
    assert written - {"__new__"} == there
    for name in there - {"__enter__", "__exit__"}:
        if not name.startswith("_"):
            assert getattr(kind, name).__doc__, name


def test_without_an_installed_nrbac_the_build_says_what_to_do(tmp_path):
    done = subprocess.run([sys.executable, BINDING / "setup.py", "--version"], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env={"PATH": "/usr/bin:/bin", "PKG_CONFIG_LIBDIR": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode != 0 and "NRBAC_BUILD" in done.stderr and "PKG_CONFIG_PATH" in done.stderr


def test_types_are_sound():
    done = subprocess.run(["/usr/bin/python3", "-m", "mypy", "--strict", "--cache-dir", ROOT / "build/bindings/python/mypy", "-p", "nrbac"],
                          cwd=Path(nrbac.__file__).parents[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
