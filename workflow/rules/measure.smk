# Score restored images against the ground truth.
#
#   reads   results/restored/<method>/<set>.fits, results/pairs/<set>.{fits,parquet}
#   writes  results/measurements/<method>/<set>.parquet   one row per test image


rule measure:
    input:
        restored="results/restored/{method}/{set}.fits",
        images="results/pairs/{set}.fits",
        table="results/pairs/{set}.parquet",
    output:
        table="results/measurements/{method}/{set}.parquet",
    log:
        "results/logs/measure/{method}.{set}.log",
    benchmark:
        "results/benchmarks/measure/{method}.{set}.tsv"
    wildcard_constraints:
        method=one_of(METHODS),
        set=one_of(SETS),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("measure"),
        seed=RUN.seed,
        code=fingerprint("stages.measure"),
    shell:
        "python -m galrestore measure --restored {input.restored:q} --images {input.images:q}"
        " --table {input.table:q} --method {wildcards.method} --set {wildcards.set}"
        " --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --output {output.table:q}"
