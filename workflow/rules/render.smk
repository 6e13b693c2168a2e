# Render the population with GalSim, without noise.
#
#   reads   results/population.parquet
#   writes  results/render/<shard>.fits   GT images of the shard's galaxies


rule render:
    input:
        population="results/population.parquet",
    output:
        images="results/render/{scatteritem}.fits",
    log:
        "results/logs/render/{scatteritem}.log",
    benchmark:
        "results/benchmarks/render/{scatteritem}.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("render"),
        seed=RUN.seed,
        code=fingerprint("stages.render"),
    shell:
        "python -m galrestore render --population {input.population:q}"
        " --shard {wildcards.scatteritem} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --images {output.images:q}"
