# Measure morphology and photometry of GT, LQ and all restored images of a set.
#
#   reads   results/pairs/<set>.{fits,parquet}, results/restored/<method>/<set>.fits
#           images of the PSF that the settings name
#   writes  results/shapes/<set>.parquet            one row per test pair and image
#           results/shapes/<set>_pixels.parquet     pixels drawn from the Kron ellipses
#           results/shapes/<set>_spectrum.parquet   power by spatial frequency

# GT of these sets is another telescope's image, in another unit and band.
OTHER_BANDS = ["multi_epoch"]


rule shapes:
    input:
        images="results/pairs/{set}.fits",
        table="results/pairs/{set}.parquet",
        restored=lambda wildcards: expand(
            "results/restored/{method}/{set}.fits", method=shaped(wildcards), set=wildcards.set
        ),
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
        methods=shaped,
        fluxes=lambda wildcards: "--no-fluxes" if wildcards.set in OTHER_BANDS else "",
        settings=RUN.section("shapes"),
        psf=RUN.section("degrade"),
        selection=RUN.section("select"),
        fit=RUN.section("fit"),
        seed=RUN.seed,
        code=fingerprint("stages.shapes"),
    shell:
        "python -m galrestore shapes --images {input.images:q} --table {input.table:q}"
        " --restored {input.restored:q} --methods {params.methods:q} --set {wildcards.set}"
        " {params.fluxes}"
        " --degradation {params.psf:q} --selection {params.selection:q} --fit {params.fit:q}"
        " --threads {threads} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --objects {output.objects:q}"
        " --pixels {output.pixels:q} --spectrum {output.spectrum:q}"
