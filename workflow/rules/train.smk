# Train a network, one phase a job; a lineage names the sets of its phases in order.
#
#   reads   results/pairs/<last set of the lineage>.{fits,parquet}
#           results/models/<lineage without its last set>/weights.safetensors, if any
#   writes  results/models/<lineage>/weights.safetensors   best of the validation
#           results/models/<lineage>/history.parquet       losses and scores by step


rule train:
    input:
        images=lambda wildcards: f"results/pairs/{wildcards.lineage.split('-')[-1]}.fits",
        table=lambda wildcards: f"results/pairs/{wildcards.lineage.split('-')[-1]}.parquet",
        start=earlier_weights,
    output:
        weights="results/models/{lineage}/weights.safetensors",
        history="results/models/{lineage}/history.parquet",
    log:
        "results/logs/train/{lineage}.log",
    benchmark:
        "results/benchmarks/train/{lineage}.tsv"
    wildcard_constraints:
        lineage="(galsim|jwst)(-(galsim|jwst))*",
    conda:
        "../../envs/galrestore.yaml"
    threads: RUN.train.threads
    params:
        settings=RUN.section("train"),
        seed=RUN.seed,
        code=fingerprint("stages.train"),
        start=lambda wildcards, input: f"--start {input.start}" if input.start else "",
    shell:
        "python -m galrestore train --images {input.images:q} --table {input.table:q}"
        " {params.start} --lineage {wildcards.lineage} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --weights {output.weights:q} --history {output.history:q}"
