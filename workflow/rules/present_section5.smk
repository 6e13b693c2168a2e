# Make the figures of real HST images (section 5 of the paper).
#
#   reads   results/pairs/{single_epoch,single_epoch_truth,multi_epoch}.*, restored images,
#           measurements, results/shapes/single_epoch*.parquet and the tables of them
#   writes  results/figures/fig08a_single_epoch.{pdf,png}   exposures and their mosaic
#           results/figures/shallow_epoch.{pdf,png}         mosaics as one exposure, and they
#           results/figures/fig08b_mosaic.{pdf,png}         HST mosaic and JWST
#           results/figures/fig09_morphology.{pdf,png}      SG-LQ and RS against MT-HQ
#           results/figures/fig10_photometry.{pdf,png}

if "single_epoch" in PROXIES:
    PRESENTED += [
        "results/figures/fig08a_single_epoch.png",
        "results/figures/fig09_morphology.png",
        "results/figures/fig10_photometry.png",
    ]
if "shallow_epoch" in PROXIES:
    PRESENTED.append("results/figures/shallow_epoch.png")
if "multi_epoch" in PROXIES:
    PRESENTED.append("results/figures/fig08b_mosaic.png")


rule fig08a_single_epoch:
    input:
        images="results/pairs/single_epoch.fits",
        table="results/pairs/single_epoch.parquet",
        restored=f"results/restored/{RUN.shown_method()}/single_epoch.fits",
        measurements=f"results/measurements/{RUN.shown_method()}/single_epoch.parquet",
        truth=[
            path
            for path in (
                "results/pairs/single_epoch_truth.fits",
                f"results/measurements/{RUN.shown_method()}/single_epoch_truth.parquet",
            )
            if "single_epoch_truth" in PROXIES
        ],
    output:
        pdf="results/figures/fig08a_single_epoch.pdf",
        png=reported("results/figures/fig08a_single_epoch.png"),
    log:
        "results/logs/present/fig08a_single_epoch.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        truth=lambda wildcards, input: (
            ["--truth", input.truth[0], "--truth-measurements", input.truth[1]]
            if input.truth
            else []
        ),
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present fig08a --images {input.images:q} --table {input.table:q}"
        " --restored {input.restored:q} --measurements {input.measurements:q} {params.truth:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule shallow_epoch_figure:
    input:
        images="results/pairs/shallow_epoch.fits",
        table="results/pairs/shallow_epoch.parquet",
        restored=f"results/restored/{RUN.shown_method()}/shallow_epoch.fits",
        measurements=f"results/measurements/{RUN.shown_method()}/shallow_epoch.parquet",
    output:
        pdf="results/figures/shallow_epoch.pdf",
        png=reported("results/figures/shallow_epoch.png"),
    log:
        "results/logs/present/shallow_epoch.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present shallow --images {input.images:q} --table {input.table:q}"
        " --restored {input.restored:q} --measurements {input.measurements:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule fig08b_mosaic:
    input:
        images="results/pairs/multi_epoch.fits",
        table="results/pairs/multi_epoch.parquet",
        restored=f"results/restored/{RUN.shown_method()}/multi_epoch.fits",
        measurements=f"results/measurements/{RUN.shown_method()}/multi_epoch.parquet",
    output:
        pdf="results/figures/fig08b_mosaic.pdf",
        png=reported("results/figures/fig08b_mosaic.png"),
    log:
        "results/logs/present/fig08b_mosaic.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        titles=band_titles,
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present"),
    shell:
        "python -m galrestore present fig08b --images {input.images:q} --table {input.table:q}"
        " --restored {input.restored:q} --measurements {input.measurements:q}"
        " --titles {params.titles:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule fig09_morphology:
    input:
        objects="results/shapes/single_epoch.parquet",
        comparison="results/tables/morphology_single_epoch.parquet",
        gains="results/tables/restoration_gains_single_epoch.parquet",
    output:
        pdf="results/figures/fig09_morphology.pdf",
        png=reported("results/figures/fig09_morphology.png"),
    log:
        "results/logs/present/fig09_morphology.log",
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
        " --names MT-HQ SG-LQ RS"
        " --lineages {params.lineages:q} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --output {output.pdf:q} {output.png:q}"


rule fig10_photometry:
    input:
        objects="results/shapes/single_epoch.parquet",
        pixels="results/shapes/single_epoch_pixels.parquet",
        comparison="results/tables/photometry_single_epoch.parquet",
        gains="results/tables/restoration_gains_single_epoch.parquet",
    output:
        pdf="results/figures/fig10_photometry.pdf",
        png=reported("results/figures/fig10_photometry.png"),
    log:
        "results/logs/present/fig10_photometry.log",
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
        " --names MT-HQ SG-LQ RS"
        " --image {params.image} --lineages {params.lineages:q} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"
