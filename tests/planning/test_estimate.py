"""Estimates against cases worked out by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from galrestore.networks.operations import count_operations
from galrestore.planning import archive
from galrestore.planning.estimate import Job, Part, estimate, gpu_hours, rate_of, startup_of
from galrestore.planning.markdown import render_estimate
from galrestore.planning.parts import Scale, parts_of


def test_startup_is_the_shortest_job():
    assert startup_of([Job(3.0, 1, 1), Job(0.5, 1, 1), Job(9.0, 1, 1)]) == 0.5


def test_rate_is_the_median_weighted_by_work():
    # Rates (2-1)/1 = 1, (3-1)/10 = 0.2, (13-1)/40 = 0.3 s: of 51 units the middle one, 25.5,
    # lies among the 40 of the last job once the jobs are in the order 0.2, 0.3, 1.
    jobs = [Job(2.0, 1, 1), Job(3.0, 1, 10), Job(13.0, 1, 40)]
    assert_allclose(rate_of(jobs, startup=1.0), 0.3, rtol=1e-15)


def test_rate_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no measured job has any work"):
        rate_of([Job(1.0, 1, 0)], startup=1.0)


def test_gpu_hours():
    # 3.6e15 operations at 50% of 2e12 a second: 3600 s.
    assert_allclose(gpu_hours(3.6e15, 2e12, 0.5), 1.0, rtol=1e-15)
    with pytest.raises(ValueError, match="efficiency in"):
        gpu_hours(1.0, 1.0, 1.5)


def test_one_part_by_hand():
    part = Part(
        "fit", "stamps", jobs=4, work=1000, unit="stamp", formula="stamps",
        measured=(Job(6.0, 300.0, 10), Job(5.0, 200.0, 10)), unit_memory=1e6, written=5e9,
    )  # fmt: skip
    row = estimate([part], startup=1.0, peak=1e12, efficiency=0.5)[0]
    # Rates 0.5 and 0.4 s; half of the work, 10 of 20, is reached with the first in order, 0.4.
    assert_allclose(row["core_hours"], (4 * 1.0 + 1000 * 0.4) / 3600, rtol=1e-15)
    # 300 MB for 10 stamps; 250 in a job: 240 more of 1 MB.
    assert_allclose(row["memory"], 0.54, rtol=1e-15)
    assert (row["gpu_hours"], row["written"]) == (0.0, 5.0)


def test_a_core_feeds_the_gpu():
    part = Part("train", "all", 2, 7.2e15, "operation", "steps", gpu_operations=7.2e15)
    row = estimate([part], startup=1.8, peak=2e12, efficiency=0.5)[0]
    assert_allclose(row["gpu_hours"], 2.0, rtol=1e-15)
    assert_allclose(row["core_hours"], 2.0 + 2 * 1.8 / 3600, rtol=1e-15)
    assert np.isnan(row["memory"])


def test_operations_of_a_convolution_are_those_of_its_products():
    # U-Net of one level and width 4: what it is made of is counted by hooks on its
    # convolutions, 2 k^2 c_in c_out operations a pixel.
    from galrestore.networks.architectures import build

    size, side = {"width": 4, "levels": 2}, 16
    expected = 0

    def add(layer, _, output):
        nonlocal expected
        weight = layer.weight
        # Each output pixel of a convolution, each input pixel of a transposed one.
        pixels = output.shape[2] * output.shape[3]
        products = weight.numel()
        if type(layer).__name__ == "ConvTranspose2d":
            pixels //= layer.stride[0] * layer.stride[1]
        expected += 2 * pixels * products

    import torch

    network = build("unet", size)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            layer.register_forward_hook(add)
    with torch.no_grad():
        network(torch.zeros(1, 1, side, side))
    operations, kept, parameters = count_operations("unet", size, side)
    assert operations == expected
    assert parameters == sum(value.numel() for value in network.parameters())
    assert kept > side * side * 4


def test_the_papers_network_has_the_published_cost():
    # Zamir et al. (2022), table 6 and section 4.6: 140 G multiplications for 256 x 256 pixels
    # in 26.1 million parameters; their cost scales with the pixels. Counters differ in what
    # they take for an operation (norms, products of queries and keys): 15%.
    size = {
        "dim": 48, "num_blocks": [4, 6, 6, 8], "num_refinement_blocks": 4,
        "heads": [1, 2, 4, 8], "ffn_expansion_factor": 2.66,
    }  # fmt: skip
    operations, _, parameters = count_operations("restormer", size, 64)
    assert parameters == 26_109_076
    assert_allclose(operations / 2 * 16, 140e9, rtol=0.15)


def test_sizes_of_the_archive():
    # 25,000 x 25,000 pixels of 0.06 arcsec; a known size is four bytes a pixel.
    assert_allclose(archive.hst_pixels("goods_s", 0.06, 0), 25_000**2, rtol=1e-12)
    assert archive.hst_pixels("anywhere", 0.06, 400) == 100
    with pytest.raises(ValueError, match="'anywhere' is not known: resolve"):
        archive.hst_pixels("anywhere", 0.06, 0)
    # 9.68 arcmin2 of 10 stamps: 96.8 a pointing, so 968 take ten and 969 eleven.
    assert archive.pointings(968, 10.0) == 10
    assert archive.pointings(969, 10.0) == 11


LIMITS = ("blanks", "blanks_raw", "drizzle", "ladder", "shear", "stars")


def scale(factor):
    return Scale(
        pixels={"a": 1e6 * factor, "b": 2e6 * factor}, mosaics={"a": 1, "b": 1}, fetched={},
        hst_stamps=10 * factor, jwst_stamps=20 * factor, galaxies=30 * factor,
        tested={"jwst": 2 * factor, "galsim": 3 * factor}, proxied={"single_epoch": 4 * factor},
        shown=("none", "n"), cut={"single_epoch": 5 * factor}, exposure_pixels=1e6 * factor,
        limits=dict.fromkeys(LIMITS, 7 * factor), limit_methods=("n",), validated=2,
        shards=2, tile=1000,
        phases=2, steps=10, batch=4, validations=1, validation_stamps=8, networks=("n",),
        baselines=("none",), operations=1_000_000, kept=1000, parameters=10, micro_batch=4,
    )  # fmt: skip


def timed():
    names = ["select/a", "select/b", "resample", "train/restormer.jwst", "tune/wiener"]
    names += [f"fit/{s}.{k}-of-2" for s in ("hst", "galsim") for k in (1, 2)]
    names += [f"degrade/{s}.{k}-of-2" for s in ("jwst", "galsim") for k in (1, 2)]
    names += ["render/1-of-2", "render/2-of-2"]
    names += [f"{w}/{m}.{s}" for w in ("restore", "measure") for m in ("n", "none")
              for s in ("jwst", "galsim", "single_epoch")]  # fmt: skip
    names += [f"shapes/{s}" for s in ("jwst", "galsim", "single_epoch")]
    names += ["proxy/single_epoch", *(f"limits/{s}" for s in LIMITS if s != "blanks_raw")]
    names += [f"limits/restore.n.{s}" for s in LIMITS]
    names += [f"limits/measure.n.{s}" for s in (*LIMITS[:-1], "jwst")]
    return dict.fromkeys(names, (2.0, 100.0)) | {"start": (1.0, 50.0)}


def test_a_run_of_its_own_size_takes_its_own_time():
    # Every job took 2 s, 1 s of them to start: jobs of a part alike, so the estimate of the
    # same run is 2 s a job.
    parts = parts_of(scale(1), scale(1), timed())
    rows = pd.DataFrame(estimate(parts, 1.0, 1e12, 0.5)).set_index(["stage", "part"])
    for part in (
        ("render", "render"),
        ("degrade", "jwst"),
        ("degrade", "galsim"),
        ("tune", "baselines"),
    ):
        assert_allclose(rows.loc[part, "core_hours"] * 3600, 2.0 * rows.loc[part, "jobs"])
    # 2 phases x (10 steps x 4 stamps x 3 + 8 stamps) x 1e6 operations at 5e11 a second.
    assert_allclose(rows.loc[("train", "all phases"), "gpu_hours"] * 3600, 2 * 128e6 / 5e11)
    bigger = pd.DataFrame(estimate(parts_of(scale(1), scale(100), timed()), 1.0, 1e12, 0.5))
    bigger = bigger.set_index(["stage", "part"])
    assert_allclose(bigger.loc[("render", "render"), "core_hours"] * 3600, 2 * (1.0 + 100.0))


def test_parts_after_the_test_sets_by_hand():
    rows = pd.DataFrame(estimate(parts_of(scale(1), scale(10), timed()), 1.0, 1e12, 0.5))
    rows = rows.set_index(["stage", "part"])
    # Every measured job took 1 s beyond its start. Seconds of the larger run, by hand:
    # proxy: 50 stamps at 1 s for 5. Shapes: GT, LQ and n of (2 + 3 + 4) images, 27 in three jobs
    # of 1 s; the median of rates 1/6, 1/9, 1/12, weighted by work, is 1/9; 270 images.
    # Limits: of each set ten times the images, 1 s for ten; blanks are two sets of one job.
    seconds = {
        ("proxy", "single_epoch"): (1, 50, 1 + 10),
        ("shapes", "all sets"): (3, 270, 3 + 30),
        ("limits", "blanks"): (1, 140, 1 + 10),
        ("limits", "stars"): (1, 70, 1 + 10),
        # Test images: 20 of jwst, 70 of ladder and drizzle; rates 1/2, 1/7, 1/7, median 1/7.
        ("measure_limits", "failures"): (3, 160, 3 + 160 / 7),
        ("measure_limits", "blanks"): (2, 140, 2 + 20),
        ("measure_limits", "shear"): (1, 70, 1 + 10),
        # One method, and no training on all sets; none and n on that of section 5.
        ("restore", "baselines"): (3, 90, None),
        ("measure", "all methods"): (6, 180, None),
    }
    for part, (jobs, work, time) in seconds.items():
        assert tuple(rows.loc[part, ["jobs", "work"]]) == (jobs, work), part
        if time is not None:
            assert_allclose(rows.loc[part, "core_hours"] * 3600, time, rtol=1e-12, err_msg=part)
    # 6 sets of 70 images at 1e6 operations each, at 5e11 a second.
    assert rows.loc[("limits", "networks"), "jobs"] == 6
    assert_allclose(rows.loc[("limits", "networks"), "gpu_hours"] * 3600, 420e6 / 5e11)
    # 100 MB measured with 1e6 pixels open; 9e6 more of 36 bytes.
    assert_allclose(rows.loc[("proxy", "single_epoch"), "memory"], 0.1 + 0.324)
    assert_allclose(rows.loc[("proxy", "single_epoch"), "written"], 50 * 2 * 64 * 64 * 4 / 1e9)


def test_no_exposures_are_no_download():
    large = dataclasses.replace(scale(1), fetched={"hst": (2, 6e9), "exposures": (0, 0)})
    parts = [part.part for part in parts_of(scale(1), large, timed()) if part.stage == "acquire"]
    assert parts == ["download hst"]


def test_a_missing_benchmark_is_named():
    files = timed()
    del files["render/1-of-2"], files["render/2-of-2"]
    with pytest.raises(KeyError, match="render/1-of-2"):
        parts_of(scale(1), scale(1), files)


def test_the_text_holds_sums_and_formulas():
    parts = parts_of(scale(1), scale(1), timed())
    table = pd.DataFrame(estimate(parts, 1.0, 1e12, 0.5))
    text = render_estimate(table, 1.0, 1e12, 0.5, ["the sky is blue"])
    last = next(line for line in text.splitlines() if line.startswith("| all"))
    assert f"{table['jobs'].sum():,}" in last
    assert all(f"- {p.stage}, {p.part}: {p.formula}" in text for p in parts)
    assert text.rstrip().endswith("- the sky is blue")
