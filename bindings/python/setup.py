# SPDX-License-Identifier: Apache-2.0
"""Builds nrbac._nrbac over an installed nrbac, which pkg-config finds, or over the build folder that NRBAC_BUILD names."""
import os
import shlex
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import words  # noqa: E402


def pkg_config(*arguments):
    try:
        return shlex.split(subprocess.run(["pkg-config", *arguments, "nrbac-policy"], check=True, capture_output=True, text=True).stdout)
    except (OSError, subprocess.CalledProcessError):
        sys.exit("nrbac is not found: install it (cmake --install), set PKG_CONFIG_PATH to where its nrbac.pc lies, "
                 "or set NRBAC_BUILD to a build folder of its sources")


def where():
    """(include folders, library folders)"""
    if build := os.environ.get("NRBAC_BUILD"):
        sources = Path(os.environ.get("NRBAC_SOURCE") or HERE.parents[1])
        return [str(sources / "engine/include"), str(sources / "schema")], [str(Path(build).resolve() / "lib")]
    return pkg_config("--variable=includedir"), pkg_config("--variable=libdir")


INCLUDES, LIBRARIES = where()


class WithWords(build_py):
    """Writes the words of nrbac beside the modules of the package; they are in no repository."""

    def run(self):
        super().run()
        tables = next(Path(folder) / "nrbac" for folder in INCLUDES if (Path(folder) / "nrbac/reason.def").is_file())
        (Path(self.build_lib) / "nrbac/_words.py").write_text(words.module(tables), encoding="utf-8")


setup(
    cmdclass={"build_py": WithWords},
    ext_modules=[Extension(
        "nrbac._nrbac", sorted(f"native/{path.name}" for path in (HERE / "native").glob("*.c")), depends=["native/module.h"],
        include_dirs=INCLUDES, library_dirs=LIBRARIES, runtime_library_dirs=LIBRARIES, libraries=["nrbac-policy", "nrbac"],
        extra_compile_args=["-std=c11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", *(["-Werror"] if os.environ.get("NRBAC_WERROR") else [])])],
)
