"""The configuration files of the page on clusters are what Dask reads, and say what batches need."""

import re
from pathlib import Path

import pytest
import yaml

PAGE = Path(__file__).parents[2] / "docs" / "clusters.md"


@pytest.fixture(scope="module")
def files():
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(blocks) == PAGE.read_text().count("```yaml")
    return {Path(name).name: yaml.safe_load(text) for name, text in blocks}


def test_slurm(files):
    slurm = files["jobqueue.yaml"]["jobqueue"]["slurm"]
    assert slurm["cores"] == slurm["processes"]
    hours, minutes, _ = map(int, slurm["walltime"].split(":"))
    options = dict(zip(slurm["worker-extra-args"][::2], slurm["worker-extra-args"][1::2], strict=True))
    lifetime, stagger = (int(options[name].removesuffix("m")) for name in ("--lifetime", "--lifetime-stagger"))
    assert lifetime + stagger < 60 * hours + minutes


def test_dask_takes_the_settings_of_the_scheduler(files):
    import dask
    import distributed  # noqa: F401  # its own settings

    ours = files["jobqueue.yaml"]["distributed"]
    before = dask.config.get("distributed.scheduler.allowed-failures")
    known = dask.config.get("distributed.scheduler")
    assert set(ours["scheduler"]) <= set(known)
    assert ours["scheduler"]["allowed-failures"] > before


def test_kubernetes(files):
    cluster = files["cluster.yaml"]
    assert (cluster["apiVersion"], cluster["kind"]) == ("kubernetes.dask.org/v1", "DaskCluster")
    (worker,), (scheduler,) = (cluster["spec"][role]["spec"]["containers"] for role in ("worker", "scheduler"))
    assert worker["args"][worker["args"].index("--nthreads") + 1] == "1"
    assert worker["image"] == scheduler["image"]
    volumes = {volume["name"] for volume in cluster["spec"]["worker"]["spec"]["volumes"]}
    assert {mount["name"] for mount in worker["volumeMounts"]} == volumes
    ports = {port["name"] for port in scheduler["ports"]}
    assert {port["targetPort"] for port in cluster["spec"]["scheduler"]["service"]["ports"]} == ports
    assert cluster["spec"]["scheduler"]["service"]["selector"]["dask.org/cluster-name"] == cluster["metadata"]["name"]


def test_the_settings_of_the_scheduler_are_read_from_the_environment(files):
    from dask.config import collect_env

    (scheduler,) = files["cluster.yaml"]["spec"]["scheduler"]["spec"]["containers"]
    read = collect_env({each["name"]: each["value"] for each in scheduler["env"]})
    assert read["distributed"]["scheduler"]["allowed_failures"] == 50
