# Put restoration to tests beyond the galaxies of the test split: noise alone, stars.
#
#   reads   results/pairs/jwst.{fits,parquet}, results/stamps/<mosaic>.parquet, weights
#   writes  results/limits/sets/<set>.{fits,parquet}             GT, LQ as in results/pairs
#           results/limits/restored/<method>/<set>.fits          RS
#           results/limits/measurements/<method>/<set>.parquet   one row for each image
#           results/tables/limits_<what>.{parquet,csv,md}        sums of these
#           results/figures/{fig12_stars,fig14_blanks}.{pdf,png}

LIMIT_METHODS = list(dict.fromkeys([RUN.shown_method(), *RUN.limits.methods]))
LIMIT_SETS = ["blanks", "blanks_raw", "drizzle", "ladder", "shear", "stars"]
BLANK_SETS = ["blanks", "blanks_raw"]
# Sets in which failures are counted, and the folders of their pairs and restored images.
GALAXY_SETS = ["jwst", "ladder"]
FOLDER = {
    "jwst": ("pairs", "restored"),
    "ladder": ("limits/sets", "limits/restored"),
    "drizzle": ("limits/sets", "limits/restored"),
}
LIMIT_TABLES = [
    "limits_blanks",
    "limits_drizzle",
    "limits_failures",
    "limits_false_peaks",
    "limits_shear",
    "limits_stars",
]
PRESENTED += [
    "results/figures/fig11_failures.png",
    "results/figures/fig12_stars.png",
    "results/figures/fig13_drizzle.png",
    "results/figures/fig14_blanks.png",
    "results/figures/hallucination.png",
    "results/figures/shear_calibration.png",
]
# What the checks look at, beside figures.
LIMIT_FILES = [
    *expand("results/limits/sets/{set}.{kind}", set=LIMIT_SETS, kind=["fits", "parquet"]),
    *expand("results/limits/restored/{method}/{set}.fits", method=LIMIT_METHODS, set=LIMIT_SETS),
    *expand(
        "results/limits/measurements/{method}/{set}.parquet",
        method=LIMIT_METHODS,
        set=[*BLANK_SETS, *FOLDER, "shear"],
    ),
    *expand(
        "results/limits/false_peaks/{method}/{set}.parquet",
        method=LIMIT_METHODS,
        set=FOLDER,
    ),
    *expand("results/tables/{table}.parquet", table=LIMIT_TABLES),
]
# Stars are shown with the PSF of F200W, if there is such a mosaic.
STAR_MOSAIC = ([name for _, name, mosaic in RUN.mosaics("jwst") if mosaic.band == "F200W"] or JWST)[
    0
]


rule limits_blanks:
    input:
        images="results/pairs/jwst.fits",
        table="results/pairs/jwst.parquet",
        named=RUN.degrade.files(),
    output:
        images="results/limits/sets/blanks.fits",
        table="results/limits/sets/blanks.parquet",
        raw_images="results/limits/sets/blanks_raw.fits",
        raw_table="results/limits/sets/blanks_raw.parquet",
    log:
        "results/logs/limits/blanks.log",
    benchmark:
        "results/benchmarks/limits/blanks.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.blanks.model_dump_json(),
        degradation=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.limits"),
    shell:
        "python -m galrestore limits blanks --pairs-images {input.images:q}"
        " --pairs-table {input.table:q} --degradation {params.degradation:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --images {output.images:q} --table {output.table:q}"
        " --raw-images {output.raw_images:q} --raw-table {output.raw_table:q}"


rule limits_drizzle:
    input:
        images="results/pairs/jwst.fits",
        table="results/pairs/jwst.parquet",
        named=RUN.degrade.files(),
    output:
        images="results/limits/sets/drizzle.fits",
        table="results/limits/sets/drizzle.parquet",
    log:
        "results/logs/limits/drizzle.log",
    benchmark:
        "results/benchmarks/limits/drizzle.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.drizzling.model_dump_json(),
        degradation=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.limits"),
    shell:
        "python -m galrestore limits drizzle --pairs-images {input.images:q}"
        " --pairs-table {input.table:q} --degradation {params.degradation:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --images {output.images:q} --table {output.table:q}"


rule limits_ladder:
    input:
        images="results/pairs/jwst.fits",
        table="results/pairs/jwst.parquet",
        named=RUN.degrade.files(),
    output:
        images="results/limits/sets/ladder.fits",
        table="results/limits/sets/ladder.parquet",
    log:
        "results/logs/limits/ladder.log",
    benchmark:
        "results/benchmarks/limits/ladder.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.ladder.model_dump_json(),
        degradation=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.limits"),
    shell:
        "python -m galrestore limits ladder --pairs-images {input.images:q}"
        " --pairs-table {input.table:q} --degradation {params.degradation:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --images {output.images:q} --table {output.table:q}"


rule limits_shear:
    input:
        population="results/population.parquet",
        named=RUN.degrade.files(),
    output:
        images="results/limits/sets/shear.fits",
        table="results/limits/sets/shear.parquet",
    log:
        "results/logs/limits/shear.log",
    benchmark:
        "results/benchmarks/limits/shear.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.shearing.model_dump_json(),
        degradation=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.limits"),
    shell:
        "python -m galrestore limits shear --population {input.population:q}"
        " --degradation {params.degradation:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --images {output.images:q} --table {output.table:q}"


rule limits_stars:
    input:
        catalogues=expand("results/stamps/{mosaic}.parquet", mosaic=JWST),
        noise=expand("results/stamps/{mosaic}.parquet", mosaic=HST),
        named=RUN.degrade.files(),
    output:
        images="results/limits/sets/stars.fits",
        table="results/limits/sets/stars.parquet",
    log:
        "results/logs/limits/stars.log",
    benchmark:
        "results/benchmarks/limits/stars.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.stars.model_dump_json(),
        degradation=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.limits"),
    shell:
        "python -m galrestore limits stars --catalogues {input.catalogues:q}"
        " --noise {input.noise:q} --degradation {params.degradation:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --images {output.images:q} --table {output.table:q}"


use rule restore_network as restore_network_limits with:
    input:
        images="results/limits/sets/{set}.fits",
        table="results/limits/sets/{set}.parquet",
        weights=weights_of,
    output:
        images="results/limits/restored/{method}/{set}.fits",
    log:
        "results/logs/limits/restore.{method}.{set}.log",
    benchmark:
        "results/benchmarks/limits/restore.{method}.{set}.tsv"
    wildcard_constraints:
        method=one_of(NETWORKS),
        set=one_of(LIMIT_SETS),


use rule restore_baseline as restore_baseline_limits with:
    input:
        images="results/limits/sets/{set}.fits",
        table="results/limits/sets/{set}.parquet",
        grid=lambda wildcards: (
            f"results/baselines/grid/{wildcards.method}.parquet"
            if wildcards.method in TUNED
            else []
        ),
        named=RUN.degrade.files(),
    output:
        images="results/limits/restored/{method}/{set}.fits",
    log:
        "results/logs/limits/restore.{method}.{set}.log",
    benchmark:
        "results/benchmarks/limits/restore.{method}.{set}.tsv"
    wildcard_constraints:
        method=one_of(RUN.restore.baselines),
        set=one_of(LIMIT_SETS),


rule measure_blanks:
    input:
        images="results/limits/sets/{set}.fits",
        table="results/limits/sets/{set}.parquet",
        restored="results/limits/restored/{method}/{set}.fits",
    output:
        table="results/limits/measurements/{method}/{set}.parquet",
    log:
        "results/logs/limits/measure.{method}.{set}.log",
    benchmark:
        "results/benchmarks/limits/measure.{method}.{set}.tsv"
    wildcard_constraints:
        method=one_of(METHODS),
        set=one_of(BLANK_SETS),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.blanks.model_dump_json(),
        seed=RUN.seed,
        code=fingerprint("stages.measure_limits"),
    shell:
        "python -m galrestore measure_limits blanks --images {input.images:q}"
        " --table {input.table:q} --restored {input.restored:q} --method {wildcards.method}"
        " --set {wildcards.set} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --output {output.table:q}"


rule measure_failures:
    input:
        images=lambda wildcards: f"results/{FOLDER[wildcards.set][0]}/{wildcards.set}.fits",
        table=lambda wildcards: f"results/{FOLDER[wildcards.set][0]}/{wildcards.set}.parquet",
        restored=lambda wildcards: (
            f"results/{FOLDER[wildcards.set][1]}/{wildcards.method}/{wildcards.set}.fits"
        ),
        named=RUN.degrade.files(),
    output:
        table="results/limits/measurements/{method}/{set}.parquet",
        peaks="results/limits/false_peaks/{method}/{set}.parquet",
    log:
        "results/logs/limits/measure.{method}.{set}.log",
    benchmark:
        "results/benchmarks/limits/measure.{method}.{set}.tsv"
    wildcard_constraints:
        method=one_of(METHODS),
        set=one_of(FOLDER),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.failures.model_dump_json(),
        degradation=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.measure_limits"),
    shell:
        "python -m galrestore measure_limits failures --images {input.images:q}"
        " --table {input.table:q} --restored {input.restored:q} --method {wildcards.method}"
        " --set {wildcards.set} --degradation {params.degradation:q}"
        " --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --output {output.table:q} --peaks {output.peaks:q}"


rule measure_shear:
    input:
        images="results/limits/sets/shear.fits",
        table="results/limits/sets/shear.parquet",
        restored="results/limits/restored/{method}/shear.fits",
        named=RUN.degrade.files(),
    output:
        table="results/limits/measurements/{method}/shear.parquet",
    log:
        "results/logs/limits/measure.{method}.shear.log",
    benchmark:
        "results/benchmarks/limits/measure.{method}.shear.tsv"
    wildcard_constraints:
        method=one_of(METHODS),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.shearing.model_dump_json(),
        degradation=RUN.section("degrade"),
        seed=RUN.seed,
        code=fingerprint("stages.measure_limits"),
    shell:
        "python -m galrestore measure_limits shear --images {input.images:q}"
        " --table {input.table:q} --restored {input.restored:q} --method {wildcards.method}"
        " --set shear --degradation {params.degradation:q} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q} --output {output.table:q}"


rule shear_calibration:
    input:
        measurements=expand(
            "results/limits/measurements/{method}/shear.parquet", method=LIMIT_METHODS
        ),
    output:
        parquet="results/tables/limits_shear.parquet",
        csv="results/tables/limits_shear.csv",
        markdown="results/tables/limits_shear.md",
        pdf="results/figures/shear_calibration.pdf",
        png=reported("results/figures/shear_calibration.png"),
    log:
        "results/logs/limits/shear_calibration.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        shown=RUN.shown_method(),
        settings=RUN.limits.shearing.model_dump_json(),
        seed=RUN.seed,
        code=fingerprint("stages.present_limits"),
    shell:
        "python -m galrestore present_limits shear --measurements {input.measurements:q}"
        " --shown {params.shown} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"
        " {output.pdf:q} {output.png:q}"


rule fig11_failures:
    input:
        images="results/pairs/jwst.fits",
        table="results/pairs/jwst.parquet",
        restored=f"results/restored/{RUN.shown_method()}/jwst.fits",
        measurements=expand(
            "results/limits/measurements/{method}/{set}.parquet",
            method=LIMIT_METHODS,
            set=GALAXY_SETS,
        ),
    output:
        parquet="results/tables/limits_failures.parquet",
        csv="results/tables/limits_failures.csv",
        markdown="results/tables/limits_failures.md",
        pdf="results/figures/fig11_failures.pdf",
        png=reported("results/figures/fig11_failures.png"),
    log:
        "results/logs/limits/fig11_failures.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.failures.model_dump_json(),
        seed=RUN.seed,
        code=fingerprint("stages.present_limits"),
    shell:
        "python -m galrestore present_limits failures --images {input.images:q}"
        " --table {input.table:q} --restored {input.restored:q}"
        " --measurements {input.measurements:q} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"
        " {output.pdf:q} {output.png:q}"


rule hallucination:
    input:
        measurements=expand(
            "results/limits/measurements/{method}/{set}.parquet",
            method=LIMIT_METHODS,
            set=GALAXY_SETS,
        ),
        peaks=expand(
            "results/limits/false_peaks/{method}/{set}.parquet",
            method=LIMIT_METHODS,
            set=GALAXY_SETS,
        ),
    output:
        parquet="results/tables/limits_false_peaks.parquet",
        csv="results/tables/limits_false_peaks.csv",
        markdown="results/tables/limits_false_peaks.md",
        pdf="results/figures/hallucination.pdf",
        png=reported("results/figures/hallucination.png"),
    log:
        "results/logs/limits/hallucination.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        shown=RUN.shown_method(),
        settings=RUN.limits.failures.model_dump_json(),
        seed=RUN.seed,
        code=fingerprint("stages.present_limits"),
    shell:
        "python -m galrestore present_limits false_peaks --measurements {input.measurements:q}"
        " --peaks {input.peaks:q} --shown {params.shown} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"
        " {output.pdf:q} {output.png:q}"


rule fig13_drizzle:
    input:
        images="results/limits/sets/drizzle.fits",
        table="results/limits/sets/drizzle.parquet",
        restored=expand("results/limits/restored/{method}/drizzle.fits", method=LIMIT_METHODS),
        measurements=expand(
            "results/limits/measurements/{method}/drizzle.parquet", method=LIMIT_METHODS
        ),
    output:
        parquet="results/tables/limits_drizzle.parquet",
        csv="results/tables/limits_drizzle.csv",
        markdown="results/tables/limits_drizzle.md",
        pdf="results/figures/fig13_drizzle.pdf",
        png=reported("results/figures/fig13_drizzle.png"),
    log:
        "results/logs/limits/fig13_drizzle.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.drizzling.model_dump_json(),
        seed=RUN.seed,
        code=fingerprint("stages.present_limits"),
    shell:
        "python -m galrestore present_limits drizzle --images {input.images:q}"
        " --table {input.table:q} --restored {input.restored:q}"
        " --measurements {input.measurements:q} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"
        " {output.pdf:q} {output.png:q}"


rule fig14_blanks:
    input:
        images=expand("results/limits/sets/{set}.fits", set=BLANK_SETS),
        restored=expand(
            "results/limits/restored/{method}/{set}.fits",
            method=RUN.shown_method(),
            set=BLANK_SETS,
        ),
        measurements=expand(
            "results/limits/measurements/{method}/{set}.parquet",
            method=LIMIT_METHODS,
            set=BLANK_SETS,
        ),
    output:
        parquet="results/tables/limits_blanks.parquet",
        csv="results/tables/limits_blanks.csv",
        markdown="results/tables/limits_blanks.md",
        pdf="results/figures/fig14_blanks.pdf",
        png=reported("results/figures/fig14_blanks.png"),
    log:
        "results/logs/limits/fig14_blanks.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.limits.blanks.model_dump_json(),
        seed=RUN.seed,
        code=fingerprint("stages.present_limits"),
    shell:
        "python -m galrestore present_limits blanks --images {input.images:q}"
        " --restored {input.restored:q} --measurements {input.measurements:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"
        " {output.pdf:q} {output.png:q}"


rule fig12_stars:
    input:
        images="results/limits/sets/stars.fits",
        table="results/limits/sets/stars.parquet",
        restored=expand("results/limits/restored/{method}/stars.fits", method=LIMIT_METHODS),
    output:
        parquet="results/tables/limits_stars.parquet",
        csv="results/tables/limits_stars.csv",
        markdown="results/tables/limits_stars.md",
        pdf="results/figures/fig12_stars.pdf",
        png=reported("results/figures/fig12_stars.png"),
    log:
        "results/logs/limits/fig12_stars.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        shown=STAR_MOSAIC,
        settings=RUN.limits.stars.model_dump_json(),
        seed=RUN.seed,
        code=fingerprint("stages.present_limits"),
    shell:
        "python -m galrestore present_limits stars --images {input.images:q}"
        " --table {input.table:q} --restored {input.restored:q} --shown {params.shown}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.parquet:q} {output.csv:q} {output.markdown:q}"
        " {output.pdf:q} {output.png:q}"
