# Make tables and figures of morphology and photometry.
#
#   reads   results/shapes/<set>*.parquet
#   writes  results/tables/{morphology,photometry}_<set>.{parquet,csv,md}   agreement with GT
#           results/tables/restoration_gains_<set>.parquet   LQ's scatter over RS's by thirds
#           results/figures/fig06_morphology.{pdf,png}       LQ and RS against GT, set jwst
#           results/figures/fig07_photometry.{pdf,png}
#           results/figures/residual_power.{pdf,png}         restored or smoothed, by frequency

PRESENTED += [
    *expand("results/tables/{kind}_{set}.md", kind=["morphology", "photometry"], set=SETS),
    "results/figures/fig06_morphology.png",
    "results/figures/fig07_photometry.png",
    "results/figures/residual_power.png",
]


rule shape_tables:
    input:
        objects="results/shapes/{set}.parquet",
        pixels="results/shapes/{set}_pixels.parquet",
        spectrum="results/shapes/{set}_spectrum.parquet",
    output:
        morphology="results/tables/morphology_{set}.parquet",
        morphology_csv="results/tables/morphology_{set}.csv",
        morphology_md="results/tables/morphology_{set}.md",
        photometry="results/tables/photometry_{set}.parquet",
        photometry_csv="results/tables/photometry_{set}.csv",
        photometry_md="results/tables/photometry_{set}.md",
        gains="results/tables/restoration_gains_{set}.parquet",
    log:
        "results/logs/present/shapes_{set}.log",
    benchmark:
        "results/benchmarks/present/shapes_{set}.tsv"
    wildcard_constraints:
        set=one_of(SETS),
    conda:
        "../../envs/galrestore.yaml"
    params:
        image=RUN.shown_method(),
        lineages=LINEAGES,
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present shapes --objects {input.objects:q} --pixels {input.pixels:q}"
        " --spectrum {input.spectrum:q} --image {params.image} --lineages {params.lineages:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.morphology:q} {output.morphology_csv:q} {output.morphology_md:q}"
        " {output.photometry:q} {output.photometry_csv:q} {output.photometry_md:q}"
        " {output.gains:q}"


rule fig06_morphology:
    input:
        objects="results/shapes/jwst.parquet",
        comparison="results/tables/morphology_jwst.parquet",
        gains="results/tables/restoration_gains_jwst.parquet",
    output:
        pdf="results/figures/fig06_morphology.pdf",
        png=reported("results/figures/fig06_morphology.png"),
    log:
        "results/logs/present/fig06_morphology.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        image=RUN.shown_method(),
        lineages=LINEAGES,
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present morphology --objects {input.objects:q}"
        " --comparison {input.comparison:q} --gains {input.gains:q} --image {params.image}"
        " --lineages {params.lineages:q} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --output {output.pdf:q} {output.png:q}"


rule fig07_photometry:
    input:
        objects="results/shapes/jwst.parquet",
        pixels="results/shapes/jwst_pixels.parquet",
        comparison="results/tables/photometry_jwst.parquet",
        gains="results/tables/restoration_gains_jwst.parquet",
    output:
        pdf="results/figures/fig07_photometry.pdf",
        png=reported("results/figures/fig07_photometry.png"),
    log:
        "results/logs/present/fig07_photometry.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        image=RUN.shown_method(),
        lineages=LINEAGES,
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present photometry --objects {input.objects:q}"
        " --pixels {input.pixels:q} --comparison {input.comparison:q} --gains {input.gains:q}"
        " --image {params.image} --lineages {params.lineages:q} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule residual_power:
    input:
        spectrum="results/shapes/jwst_spectrum.parquet",
    output:
        pdf="results/figures/residual_power.pdf",
        png=reported("results/figures/residual_power.png"),
    log:
        "results/logs/present/residual_power.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        image=RUN.shown_method(),
        lineages=LINEAGES,
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present residual_power --spectrum {input.spectrum:q}"
        " --image {params.image} --lineages {params.lineages:q} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"
