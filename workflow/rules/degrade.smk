# Make low-quality images of ground truth, and split by sky.
#
#   reads   results/render/<shard>.fits, results/population.parquet        (set galsim)
#           results/stamps/<JWST and HST mosaics>.{parquet,fits}           (set jwst)
#           images of the PSF and of noise that the settings name
#   writes  results/pairs/<set>.fits      extensions GT, LQ, ID; each image min-max normalised
#           results/pairs/<set>.parquet   one row per pair: split, group, noise, scales


rule degrade_galsim:
    input:
        images="results/render/{scatteritem}.fits",
        population="results/population.parquet",
        named=RUN.degrade.files(),
    output:
        images="results/pairs/shards/galsim.{scatteritem}.fits",
        table="results/pairs/shards/galsim.{scatteritem}.parquet",
    log:
        "results/logs/degrade/galsim.{scatteritem}.log",
    benchmark:
        "results/benchmarks/degrade/galsim.{scatteritem}.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.degrade"),
    shell:
        "python -m galrestore degrade galsim --rendered {input.images:q}"
        " --population {input.population:q} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --images {output.images:q} --table {output.table:q}"


rule degrade_jwst:
    input:
        catalogues=expand("results/stamps/{mosaic}.parquet", mosaic=JWST),
        stamps=expand("results/stamps/{mosaic}.fits", mosaic=JWST),
        noise=expand("results/stamps/{mosaic}.parquet", mosaic=HST),
        named=RUN.degrade.files(),
    output:
        images="results/pairs/shards/jwst.{scatteritem}.fits",
        table="results/pairs/shards/jwst.{scatteritem}.parquet",
    log:
        "results/logs/degrade/jwst.{scatteritem}.log",
    benchmark:
        "results/benchmarks/degrade/jwst.{scatteritem}.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.degrade"),
    shell:
        "python -m galrestore degrade jwst --catalogues {input.catalogues:q}"
        " --stamps {input.stamps:q} --noise {input.noise:q} --shard {wildcards.scatteritem}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --images {output.images:q} --table {output.table:q}"


rule gather_pairs:
    input:
        images=gather.shards("results/pairs/shards/{{set}}.{scatteritem}.fits"),
        tables=gather.shards("results/pairs/shards/{{set}}.{scatteritem}.parquet"),
    output:
        images="results/pairs/{set}.fits",
        table="results/pairs/{set}.parquet",
    log:
        "results/logs/degrade/{set}.gather.log",
    wildcard_constraints:
        set="galsim|jwst",
    conda:
        "../../envs/galrestore.yaml"
    params:
        code=fingerprint("stages.gather"),
    shell:
        "python -m galrestore gather --shards {input.images:q} --output {output.images:q}"
        " --log {log:q}"
        " && python -m galrestore gather --shards {input.tables:q} --output {output.table:q}"
        " --log {log:q}"
