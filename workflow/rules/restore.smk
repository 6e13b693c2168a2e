# Restore the test images of a set, with a network or with a baseline.
#
#   reads   results/pairs/<set>.{fits,parquet}
#           results/models/<network>/<lineage>/weights.safetensors   (networks)
#           results/baselines/grid/<method>.parquet        (tuned baselines)
#   writes  results/restored/<method>/<set>.fits           extensions RS, ID


rule restore_network:
    input:
        images="results/pairs/{set}.fits",
        table="results/pairs/{set}.parquet",
        weights=weights_of,
    output:
        images="results/restored/{method}/{set}.fits",
    log:
        "results/logs/restore/{method}.{set}.log",
    benchmark:
        "results/benchmarks/restore/{method}.{set}.tsv"
    wildcard_constraints:
        method=one_of(NETWORKS),
        set=one_of(SETS),
    conda:
        "../../envs/galrestore.yaml"
    threads: RUN.restore.threads
    params:
        settings=RUN.section("restore"),
        seed=RUN.seed,
        code=fingerprint("stages.restore"),
        as_is=lambda wildcards: "--as-is" if wildcards.set == "blanks_raw" else "",
    shell:
        "python -m galrestore restore network --images {input.images:q} --table {input.table:q}"
        " --weights {input.weights:q} {params.as_is} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --output {output.images:q}"


rule restore_baseline:
    input:
        images="results/pairs/{set}.fits",
        table="results/pairs/{set}.parquet",
        grid=lambda wildcards: (
            f"results/baselines/grid/{wildcards.method}.parquet"
            if wildcards.method in TUNED
            else []
        ),
        named=RUN.degrade.files(),
    output:
        images="results/restored/{method}/{set}.fits",
    log:
        "results/logs/restore/{method}.{set}.log",
    benchmark:
        "results/benchmarks/restore/{method}.{set}.tsv"
    wildcard_constraints:
        method=one_of(RUN.restore.baselines),
        set=one_of(SETS),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("restore"),
        psf=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.restore"),
        grid=lambda wildcards, input: f"--grid {input.grid}" if input.grid else "",
    shell:
        "python -m galrestore restore {wildcards.method} --images {input.images:q}"
        " --table {input.table:q} --degradation {params.psf:q} --settings {params.settings:q}"
        " {params.grid} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.images:q}"
