# Choose the parameters of a baseline on validation images, one method a job.
#
#   reads   results/pairs/jwst.{fits,parquet}
#   writes  results/baselines/grid/<method>.parquet     every point of the grid, and the choice
#           results/baselines/stamps/<method>.parquet   the validation images it was made on

TUNED = [name for name in RUN.restore.baselines if RUN.restore.tuned and name != "none"]


rule tune:
    input:
        images="results/pairs/jwst.fits",
        table="results/pairs/jwst.parquet",
        named=RUN.degrade.files(),
    output:
        grid="results/baselines/grid/{method}.parquet",
        stamps="results/baselines/stamps/{method}.parquet",
    log:
        "results/logs/tune/{method}.log",
    benchmark:
        "results/benchmarks/tune/{method}.tsv"
    wildcard_constraints:
        method=one_of(TUNED),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("tune"),
        psf=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.tune"),
    shell:
        "python -m galrestore tune {wildcards.method} --images {input.images:q}"
        " --table {input.table:q} --degradation {params.psf:q} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --grid {output.grid:q} --stamps {output.stamps:q}"
