# Test the artefacts of the run and compare their fingerprints with the present code.
#
#   reads   everything this configuration makes; other files below results/ do not count
#   writes  results/checks/report.xml   JUnit report; failed.xml beside it if a check fails


rule check:
    input:
        PRESENTED,
        files=[
            *(rules.truth.output if SIMULATED else []),
            *expand(rules.simulate_hlf.output, mosaic=HLF),
            *expand(rules.simulate_i2d.output, mosaic=I2D),
            *expand(rules.local_mosaic.output, mosaic=[*LOCAL, *MAST]),
            *(path for name in RUN.exposures() for path in exposure_files(name)),
            *expand("results/exposures/{set}.parquet", set=RUN.exposures()),
            *expand(rules.combine_exposures.output, set=RUN.exposures()),
            *expand(
                rules.select_epochs.output,
                set=RUN.exposures() if "single_epoch" in PROXIES else [],
            ),
            *expand(
                "results/stamps/{mosaic}.{kind}",
                mosaic=[*HST, *JWST],
                kind=["fits", "parquet"],
            ),
            *expand("results/sersic/{sample}.parquet", sample=["hst", "galsim"]),
            "results/population.parquet",
            "results/population_statistics.parquet",
            *gather.shards("results/render/{scatteritem}.fits"),
            *expand("results/pairs/{set}.{kind}", set=SETS, kind=["fits", "parquet"]),
            *expand("results/models/{model}/weights.safetensors", model=RUN.train.models()),
            *expand("results/models/{model}/history.parquet", model=RUN.train.models()),
            *(
                f"results/restored/{method}/{set}.fits"
                for set in SETS
                for method in methods_of(set)
            ),
            *(
                f"results/measurements/{method}/{set}.parquet"
                for set in SETS
                for method in methods_of(set)
            ),
            *expand(
                "results/baselines/{kind}/{method}.parquet", kind=["grid", "stamps"], method=TUNED
            ),
            *expand("results/tables/table1_{set}.parquet", set=SETS),
            *expand(
                "results/shapes/{set}{kind}.parquet", set=SETS, kind=["", "_pixels", "_spectrum"]
            ),
            *expand(
                "results/tables/{kind}_{set}.parquet",
                kind=["morphology", "photometry", "restoration_gains", "calibration"],
                set=SETS,
            ),
            "results/tables/selection.parquet",
            "results/tables/population.parquet",
            "results/tables/claims.parquet",
            *expand("results/published/{mosaic}.parquet", mosaic=PUBLISHED),
            *(["results/tables/published_fits.parquet"] if PUBLISHED else []),
            *LIMIT_FILES,
        ],
    output:
        report="results/checks/report.xml",
    log:
        "results/logs/check.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        code=fingerprint(
            "stages.check",
            "checks.test_baselines",
            "checks.test_flux",
            "checks.test_limits",
            "checks.test_models",
            "checks.test_pairs",
            "checks.test_provenance",
            "checks.test_scores",
            "checks.test_shapes",
            "checks.test_sources",
        ),
    shell:
        "python -m galrestore check --results results --files {input.files:q}"
        " --report {output.report:q} --log {log:q}"
