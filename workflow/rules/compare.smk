# Compare fits of galaxy cutouts with published ones, where any are configured.
#
#   reads   results/stamps/<mosaic>.parquet, the cutouts, and the published table
#   writes  results/published/<mosaic>.parquet   one row per galaxy


rule compare:
    input:
        manifest="results/mosaics/{mosaic}.parquet",
        catalogue="results/stamps/{mosaic}.parquet",
        files=mosaic_files,
        published=published_file,
        psf=published_psf,
    output:
        table="results/published/{mosaic}.parquet",
    log:
        "results/logs/compare/{mosaic}.log",
    wildcard_constraints:
        mosaic=one_of(PUBLISHED),
    conda:
        "../../envs/galrestore.yaml"
    params:
        columns=lambda wildcards: LOCAL[wildcards.mosaic].published.arguments(),
        settings=RUN.section("fit"),
        seed=RUN.seed,
        code=fingerprint("stages.compare"),
    shell:
        "python -m galrestore compare --manifest {input.manifest:q}"
        " --catalogue {input.catalogue:q} --published {input.published:q} {params.columns:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --table {output.table:q}"
