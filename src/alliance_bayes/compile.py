"""Fill the cache of compiled code ahead of time, for images and clusters: ``python -m alliance_bayes.compile``."""

import os
import shutil
import subprocess
import sys
import warnings
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

import alliance_bayes as ab

from .basics.caching import LEVELS, OBJECT_CODE, STAMPS, KernelCache
from .basics.compiled import CALLBACKS

__all__ = ["compile_latent", "compile_normal"]

SHORT: dict[str, Any] = {"draws": 200, "tune": 100, "chains": 1, "cores": 1, "seed": 1, "progress": False}


def compile_normal() -> None:
    """Compile what models of normal measures use, by using it on a few people."""
    panel = _few_people()
    for lags in ("equal", "continuous"):
        spec = ab.RICLPM(["x", "y"], lags=lags)
        assert len(ab.maximum_likelihood(spec, panel).residuals)
    _ask_everything(ab.fit(ab.RICLPM(["x", "y"]), panel, **SHORT))
    _link("engine.kernels.alike", "engine.kernels.entry_points", "engine.kernels.interpreter")


def compile_latent() -> None:
    """Compile what models with families and states use."""
    panel = _few_people()
    families = {"n": ab.Days(30)}
    _ask_everything(ab.fit(ab.RICLPM(["x", "n"], families=families), panel, **SHORT))
    _link("engine.latent.panel_likelihood")


def _few_people() -> ab.Panel:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(60, 4, 3)) + rng.normal(size=(60, 1, 3))
    values[:, :, 2] = np.clip(np.round(10 + 5 * values[:, :, 2]), 0, 30)
    values[:6, 3] = values[6:12, 1:3, 0] = np.nan
    return ab.Panel.from_arrays(values, measures=["x", "y", "n"], times=range(4))


def _ask_everything(fit: Any) -> None:
    """What draws the values of people, and what they were not asked."""
    ab.loo_pit(fit)
    first, second = fit.spec.measures
    ab.delta_adjustment(fit, first, second, measure=first, deltas=[0.0, 0.5], imputations=2, draws=50, seed=1)


def _link(*modules: str) -> None:
    """Compile the callbacks of these modules that nothing has called."""
    names = [f"alliance_bayes.{module}" for module in modules]
    for name in names:
        import_module(name)
    for callback in CALLBACKS:
        if callback.function.__module__ in names:
            assert callback.address


def _compile_for(level: str, options: list[str]) -> None:
    """Compile for processors of a level, in a process of its own, and put the code where wheels take it from."""
    with TemporaryDirectory() as folder:
        processor = {"NUMBA_CACHE_DIR": folder, "NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": ""}
        command = [sys.executable, "-m", "alliance_bayes.compile", *options]
        subprocess.run(command, env=os.environ | processor, check=True)
        for source in STAMPS:
            target = source / OBJECT_CODE / level
            target.mkdir(parents=True)
            for file in Path(folder).glob(f"{source.name}_*/*.nb?"):
                shutil.copy(file, target)


def main(
    normal: Annotated[bool, typer.Option("--normal", help="What models of normal measures use, alone.")] = False,
    for_wheel: Annotated[bool, typer.Option("--for-wheel", help="For other machines, beside the sources.")] = False,
) -> None:
    """Compile the numerical code ahead of time, and say where it is kept."""
    start = perf_counter()
    if for_wheel:
        for source in STAMPS:
            shutil.rmtree(source / OBJECT_CODE, ignore_errors=True)
        for level in LEVELS:
            _compile_for(level, ["--normal"] if normal else [])
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of so few draws of so few people
        compile_normal()
        if not normal:
            compile_latent()
    if not KernelCache.kept:
        where = "Nothing was left to compile."
    else:
        where = "".join(f"Compiled code is in {folder}\n" for folder in sorted(KernelCache.kept)).rstrip()
    sys.stdout.write(f"{where}\nThat took {perf_counter() - start:.0f} s.\n")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
