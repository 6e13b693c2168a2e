# Fit a PSF-convolved Sersic profile to every HST stamp.
#
#   reads   results/stamps/<HST mosaic>.{parquet,fits}
#   writes  results/sersic/hst.parquet   one row per stamp


rule fit:
    input:
        catalogues=expand("results/stamps/{mosaic}.parquet", mosaic=HST),
        stamps=expand("results/stamps/{mosaic}.fits", mosaic=HST),
    output:
        table="results/sersic/shards/hst.{scatteritem}.parquet",
    log:
        "results/logs/fit/{scatteritem}.log",
    benchmark:
        "results/benchmarks/fit/{scatteritem}.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("fit"),
        seed=RUN.seed,
        code=fingerprint("stages.fit"),
    shell:
        "python -m galrestore fit --catalogues {input.catalogues:q} --stamps {input.stamps:q}"
        " --shard {wildcards.scatteritem} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --table {output.table:q}"


rule gather_fits:
    input:
        shards=gather.shards("results/sersic/shards/hst.{scatteritem}.parquet"),
    output:
        table="results/sersic/hst.parquet",
    log:
        "results/logs/fit/gather.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        code=fingerprint("stages.gather"),
    shell:
        "python -m galrestore gather --shards {input.shards:q} --output {output.table:q}"
        " --log {log:q}"
