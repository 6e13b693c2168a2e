# Measure morphology and photometry of GT, LQ and all restored images of a set.
#
#   reads   results/pairs/<set>.{fits,parquet}, results/restored/<method>/<set>.fits
#           images of the PSF that the settings name
#   writes  results/shapes/<set>.parquet            one row per test pair and image
#           results/shapes/<set>_pixels.parquet     pixels drawn from the Kron ellipses
#           results/shapes/<set>_spectrum.parquet   power by spatial frequency

# No training is LQ itself, which is measured with every set.
SHAPED = [method for method in METHODS if method != "none"]


rule shapes:
    input:
        images="results/pairs/{set}.fits",
        table="results/pairs/{set}.parquet",
        restored=expand("results/restored/{method}/{{set}}.fits", method=SHAPED),
        named=RUN.degrade.files(),
    output:
        objects="results/shapes/{set}.parquet",
        pixels="results/shapes/{set}_pixels.parquet",
        spectrum="results/shapes/{set}_spectrum.parquet",
    log:
        "results/logs/shapes/{set}.log",
    benchmark:
        "results/benchmarks/shapes/{set}.tsv"
    wildcard_constraints:
        set=one_of(SETS),
    conda:
        "../../envs/galrestore.yaml"
    params:
        methods=SHAPED,
        settings=RUN.section("shapes"),
        psf=RUN.section("degrade"),
        selection=RUN.section("select"),
        fit=RUN.section("fit"),
        seed=RUN.seed,
        code=fingerprint("stages.shapes"),
    shell:
        "python -m galrestore shapes --images {input.images:q} --table {input.table:q}"
        " --restored {input.restored:q} --methods {params.methods:q} --set {wildcards.set}"
        " --degradation {params.psf:q} --selection {params.selection:q} --fit {params.fit:q}"
        " --threads {threads} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --objects {output.objects:q}"
        " --pixels {output.pixels:q} --spectrum {output.spectrum:q}"
