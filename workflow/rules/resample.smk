# Draw a population from the five-dimensional KDE of the HST fits.
#
#   reads   results/sersic/hst.parquet
#   writes  results/population.parquet              one row per galaxy to render
#           results/population_statistics.parquet   how it compares with the fits


rule resample:
    input:
        fits="results/sersic/hst.parquet",
    output:
        table="results/population.parquet",
        statistics="results/population_statistics.parquet",
    log:
        "results/logs/resample.log",
    benchmark:
        "results/benchmarks/resample.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("resample"),
        seed=RUN.seed,
        code=fingerprint("stages.resample"),
    shell:
        "python -m galrestore resample --fits {input.fits:q} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q} --table {output.table:q}"
        " --statistics {output.statistics:q}"
