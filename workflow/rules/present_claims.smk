# Set the paper's claims beside the figures of this run.
#
#   reads   results/tables/*.parquet of this run
#   writes  results/tables/claims.{parquet,csv,md}   claim, figures, setting, file, deviation
#
# The README holds the demonstration's claims.md:
#   python -m galrestore present_claims compare --claims results/tables/claims.md [--write]

PRESENTED += ["results/tables/claims.md"]


rule claims:
    input:
        tables=[
            "results/tables/selection.parquet",
            "results/tables/population.parquet",
            *expand("results/tables/table1_{set}.parquet", set=["jwst", *PROXIES]),
            "results/tables/morphology_jwst.parquet",
            "results/tables/photometry_jwst.parquet",
            *expand(
                "results/tables/limits_{what}.parquet",
                what=["blanks", "drizzle", "failures", "shear", "stars"],
            ),
        ],
    output:
        parquet="results/tables/claims.parquet",
        csv="results/tables/claims.csv",
        markdown="results/tables/claims.md",
    log:
        "results/logs/present/claims.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        shown=RUN.shown_method(),
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present_claims"),
    shell:
        "python -m galrestore present_claims table --tables {input.tables:q}"
        " --shown {params.shown} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"
