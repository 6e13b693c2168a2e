# Detect sources, reject them with a reason, cut stamps.
#
#   reads   results/mosaics/<mosaic>.parquet and the images it names, by window
#   writes  results/stamps/<mosaic>.parquet   every source: measurements, flags, first rejection
#           results/stamps/<mosaic>.fits      stamps of the accepted ones
#           results/stars/<mosaic>.parquet    star locus and PSF measured on stars


rule select:
    input:
        manifest="results/mosaics/{mosaic}.parquet",
        files=mosaic_files,
    output:
        catalogue="results/stamps/{mosaic}.parquet",
        stamps="results/stamps/{mosaic}.fits",
        stars="results/stars/{mosaic}.parquet",
    log:
        "results/logs/select/{mosaic}.log",
    benchmark:
        "results/benchmarks/select/{mosaic}.tsv"
    wildcard_constraints:
        mosaic=one_of([name for _, name, _ in RUN.mosaics()]),
    conda:
        "../../envs/galrestore.yaml"
    resources:
        tile=RUN.runtime.tile,
    params:
        settings=RUN.section("select"),
        seed=RUN.seed,
        code=fingerprint("stages.select"),
    shell:
        "python -m galrestore select --manifest {input.manifest:q} --tile {resources.tile}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --catalogue {output.catalogue:q} --stamps {output.stamps:q}"
        " --stars {output.stars:q}"
