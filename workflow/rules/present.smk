# Make tables and figures.
#
#   reads   measurements, catalogues, pairs, restored images
#   writes  results/tables/table1_<set>.{parquet,csv,md}   PSNR, SSIM and fairer scores by method
#           results/tables/selection.{parquet,csv,md}      sources by first rejection, by mosaic
#           results/tables/population.{parquet,csv,md}     the population against the fits
#           results/tables/selection_truth.*               accepted sources against the simulated truth
#           results/tables/published_fits.{parquet,csv,md}   fits against published ones, if any
#           results/figures/figNN_<what>.{pdf,png}, published_fits.{pdf,png}
#           results/figures/fit_quality.{pdf,png}          fits of GalSim images against truth
#           results/figures/training_curves.{pdf,png}      losses and scores of all phases
#           results/figures/{star_locus,selection_funnel}.{pdf,png}

PRESENTED = [
    *expand("results/tables/table1_{set}.md", set=SETS),
    "results/tables/selection.md",
    *(["results/tables/selection_truth.md"] if SIMULATED else []),
    "results/tables/population.md",
    "results/figures/star_locus.png",
    "results/figures/selection_funnel.png",
    "results/figures/fig03_sizes.png",
    "results/figures/fig04_corner.png",
    "results/figures/fit_quality.png",
    "results/figures/fig05_examples.png",
    "results/figures/training_curves.png",
    *(["results/tables/published_fits.md"] if PUBLISHED else []),
]


rule table1:
    input:
        measurements=lambda wildcards: expand(
            "results/measurements/{method}/{set}.parquet",
            method=methods_of(wildcards.set),
            set=wildcards.set,
        ),
        tuned=expand("results/baselines/grid/{method}.parquet", method=TUNED),
    output:
        parquet="results/tables/table1_{set}.parquet",
        csv="results/tables/table1_{set}.csv",
        markdown="results/tables/table1_{set}.md",
    log:
        "results/logs/present/table1_{set}.log",
    wildcard_constraints:
        set=one_of(SETS),
    conda:
        "../../envs/galrestore.yaml"
    params:
        lineages=LINEAGES,
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present table1 --measurements {input.measurements:q}"
        " --lineages {params.lineages:q} --tuned {input.tuned:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"


rule selection_table:
    input:
        catalogues=expand("results/stamps/{mosaic}.parquet", mosaic=[*HST, *JWST]),
    output:
        parquet="results/tables/selection.parquet",
        csv="results/tables/selection.csv",
        markdown="results/tables/selection.md",
    log:
        "results/logs/present/selection.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present selection --catalogues {input.catalogues:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"


rule population_table:
    input:
        statistics="results/population_statistics.parquet",
    output:
        parquet="results/tables/population.parquet",
        csv="results/tables/population.csv",
        markdown="results/tables/population.md",
    log:
        "results/logs/present/population.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present population --statistics {input.statistics:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"


rule selection_truth:
    input:
        catalogues=expand("results/stamps/{mosaic}.parquet", mosaic=SIMULATED),
        truth="results/mosaics/truth.parquet",
    output:
        parquet="results/tables/selection_truth.parquet",
        csv="results/tables/selection_truth.csv",
        markdown="results/tables/selection_truth.md",
    log:
        "results/logs/present/selection_truth.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present selection_truth --catalogues {input.catalogues:q}"
        " --truth {input.truth:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"


rule star_locus:
    input:
        catalogues=expand("results/stamps/{mosaic}.parquet", mosaic=[*HST, *JWST]),
        stars=expand("results/stars/{mosaic}.parquet", mosaic=[*HST, *JWST]),
    output:
        pdf="results/figures/star_locus.pdf",
        png=reported("results/figures/star_locus.png"),
    log:
        "results/logs/present/star_locus.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present star_locus --catalogues {input.catalogues:q}"
        " --stars {input.stars:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule selection_funnel:
    input:
        counts="results/tables/selection.parquet",
    output:
        pdf="results/figures/selection_funnel.pdf",
        png=reported("results/figures/selection_funnel.png"),
    log:
        "results/logs/present/selection_funnel.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present funnel --counts {input.counts:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule fig03_sizes:
    input:
        catalogues=expand("results/stamps/{mosaic}.parquet", mosaic=HST),
    output:
        pdf="results/figures/fig03_sizes.pdf",
        png=reported("results/figures/fig03_sizes.png"),
    log:
        "results/logs/present/fig03_sizes.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present fig03 --catalogues {input.catalogues:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule fit_quality:
    input:
        fits="results/sersic/galsim.parquet",
        population="results/population.parquet",
    output:
        pdf="results/figures/fit_quality.pdf",
        png=reported("results/figures/fit_quality.png"),
    log:
        "results/logs/present/fit_quality.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present fit_quality --fits {input.fits:q}"
        " --population {input.population:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule fig04_corner:
    input:
        hst="results/sersic/hst.parquet",
        galsim="results/sersic/galsim.parquet",
    output:
        pdf="results/figures/fig04_corner.pdf",
        png=reported("results/figures/fig04_corner.png"),
    log:
        "results/logs/present/fig04_corner.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present fig04 --hst {input.hst:q} --galsim {input.galsim:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule fig05_examples:
    input:
        images="results/pairs/jwst.fits",
        table="results/pairs/jwst.parquet",
        restored=f"results/restored/{RUN.shown_method()}/jwst.fits",
        measurements=f"results/measurements/{RUN.shown_method()}/jwst.parquet",
    output:
        pdf="results/figures/fig05_examples.pdf",
        png=reported("results/figures/fig05_examples.png"),
    log:
        "results/logs/present/fig05_examples.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present fig05 --images {input.images:q} --table {input.table:q}"
        " --restored {input.restored:q} --measurements {input.measurements:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule training_curves:
    input:
        histories=expand("results/models/{model}/history.parquet", model=RUN.train.models()),
    output:
        pdf="results/figures/training_curves.pdf",
        png=reported("results/figures/training_curves.png"),
    log:
        "results/logs/present/training_curves.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present training --histories {input.histories:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule published_fits:
    input:
        tables=expand("results/published/{mosaic}.parquet", mosaic=PUBLISHED),
    output:
        parquet="results/tables/published_fits.parquet",
        csv="results/tables/published_fits.csv",
        markdown="results/tables/published_fits.md",
        pdf="results/figures/published_fits.pdf",
        png=reported("results/figures/published_fits.png"),
    log:
        "results/logs/present/published_fits.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present published --tables {input.tables:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"
        " {output.pdf:q} {output.png:q}"
