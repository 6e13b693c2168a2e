# Train a network, one phase a job; a lineage names the sets of its phases in order.
#
#   reads   results/pairs/<last set of the lineage>.{fits,parquet}
#           results/models/<network>/<lineage without its last set>/weights.safetensors, if any
#           images of the PSF and of noise that the settings name, to degrade online
#   writes  results/models/<network>/<lineage>/weights.safetensors   best of the validation
#           results/models/<network>/<lineage>/history.parquet       losses and scores by step
#   keeps   results/state/train/<network>/<lineage>/    to go on after an interruption; then gone
#           results/samples/<network>/<lineage>/        PNG strips of restored validation stamps
#
# State and samples are not declared, as Snakemake removes declared files of failed jobs.
# exec leaves no shell that a signal would end before the stage has saved its state.
# The Snakemake inside a cluster's job leaves retries to the one that submits jobs.


rule train:
    input:
        images=lambda wildcards: f"results/pairs/{wildcards.lineage.split('-')[-1]}.fits",
        table=lambda wildcards: f"results/pairs/{wildcards.lineage.split('-')[-1]}.parquet",
        start=earlier_weights,
        named=lambda wildcards: (
            RUN.degrade.files()
            if RUN.train.recipe(wildcards.network, wildcards.lineage).degrade == "online"
            else []
        ),
    output:
        weights="results/models/{network}/{lineage}/weights.safetensors",
        history="results/models/{network}/{lineage}/history.parquet",
    log:
        "results/logs/train/{network}.{lineage}.log",
    benchmark:
        "results/benchmarks/train/{network}.{lineage}.tsv"
    wildcard_constraints:
        network=one_of(RUN.train.networks),
        lineage="(galsim|jwst)(-(galsim|jwst))*",
    retries: RUN.train.retries if workflow.is_main_process else 0
    conda:
        "../../envs/galrestore.yaml"
    threads: lambda wildcards: RUN.train.recipe(wildcards.network, wildcards.lineage).threads
    resources:
        # Of no influence on the results, so a change reruns nothing.
        samples=RUN.train.samples,
        save_minutes=RUN.train.save_minutes,
    params:
        settings=lambda wildcards: RUN.train.phase(wildcards.network, wildcards.lineage),
        seed=RUN.seed,
        code=fingerprint("stages.train"),
        start=lambda wildcards, input: f"--start {input.start}" if input.start else "",
        degradation=lambda wildcards: (
            ["--degradation", RUN.section("degrade")]
            if RUN.train.recipe(wildcards.network, wildcards.lineage).degrade == "online"
            else []
        ),
    shell:
        "exec python -m galrestore train --images {input.images:q} --table {input.table:q}"
        " {params.start} {params.degradation:q} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --state results/state/train/{wildcards.network:q}/{wildcards.lineage:q}"
        " --save-minutes {resources.save_minutes}"
        " --samples results/samples/{wildcards.network:q}/{wildcards.lineage:q}"
        " --sample-count {resources.samples}"
        " --weights {output.weights:q} --history {output.history:q}"
