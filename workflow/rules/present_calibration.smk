# Tell bias and scatter of flux, size and index in bins of S/N, size and noise.
#
#   reads   results/shapes/<set>.parquet, results/pairs/<set>.parquet
#   writes  results/tables/calibration_<set>.{parquet,csv,md}
#           results/figures/calibration.{pdf,png}   LQ and RS of set jwst

PRESENTED += [
    *expand("results/tables/calibration_{set}.md", set=SETS),
    "results/figures/calibration.png",
]


rule calibration_table:
    input:
        objects="results/shapes/{set}.parquet",
        pairs="results/pairs/{set}.parquet",
    output:
        parquet="results/tables/calibration_{set}.parquet",
        csv="results/tables/calibration_{set}.csv",
        markdown="results/tables/calibration_{set}.md",
    log:
        "results/logs/present/calibration_{set}.log",
    wildcard_constraints:
        set=one_of(SETS),
    conda:
        "../../envs/galrestore.yaml"
    params:
        image=RUN.shown_method(),
        lineage=RUN.lineages()[RUN.shown_method()],
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present_calibration"),
    shell:
        "python -m galrestore present_calibration table --objects {input.objects:q}"
        " --pairs {input.pairs:q} --image {params.image} --lineage {params.lineage}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"


rule calibration_figure:
    input:
        table="results/tables/calibration_jwst.parquet",
    output:
        pdf="results/figures/calibration.pdf",
        png=reported("results/figures/calibration.png"),
    log:
        "results/logs/present/calibration.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        image=RUN.shown_method(),
        lineage=RUN.lineages()[RUN.shown_method()],
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present_calibration"),
    shell:
        "python -m galrestore present_calibration figure --table {input.table:q}"
        " --image {params.image} --lineage {params.lineage}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"
