# Fit a PSF-convolved Sersic profile to every HST stamp and every rendered LQ image.
#
#   reads   results/stamps/<HST mosaic>.{parquet,fits}   (stamps)
#           results/pairs/galsim.{parquet,fits}          (pairs)
#   writes  results/sersic/hst.parquet      one row per stamp
#           results/sersic/galsim.parquet   one row per rendered pair, on the population's scale


rule fit:
    input:
        catalogues=expand("results/stamps/{mosaic}.parquet", mosaic=HST),
        stamps=expand("results/stamps/{mosaic}.fits", mosaic=HST),
        psfs=[image.path for image in RUN.fit.psf_images.values()],
    output:
        table="results/sersic/shards/hst.{scatteritem}.parquet",
    log:
        "results/logs/fit/hst.{scatteritem}.log",
    benchmark:
        "results/benchmarks/fit/hst.{scatteritem}.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("fit"),
        seed=RUN.seed,
        code=fingerprint("stages.fit"),
    shell:
        "python -m galrestore fit stamps --catalogues {input.catalogues:q}"
        " --stamps {input.stamps:q} --shard {wildcards.scatteritem} --threads {threads}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code}"
        " --log {log:q} --table {output.table:q}"


rule fit_pairs:
    input:
        images="results/pairs/galsim.fits",
        pairs="results/pairs/galsim.parquet",
        named=RUN.degrade.files(),
    output:
        table="results/sersic/shards/galsim.{scatteritem}.parquet",
    log:
        "results/logs/fit/galsim.{scatteritem}.log",
    benchmark:
        "results/benchmarks/fit/galsim.{scatteritem}.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("fit"),
        psf=RUN.section("degrade"),
        selection=RUN.section("select"),
        seed=RUN.seed,
        code=fingerprint("stages.fit"),
    shell:
        "python -m galrestore fit pairs --images {input.images:q} --pairs {input.pairs:q}"
        " --degradation {params.psf:q} --selection {params.selection:q}"
        " --shard {wildcards.scatteritem} --threads {threads} --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q} --table {output.table:q}"


rule gather_fits:
    input:
        shards=gather.shards("results/sersic/shards/{{sample}}.{scatteritem}.parquet"),
    output:
        table="results/sersic/{sample}.parquet",
    log:
        "results/logs/fit/{sample}.gather.log",
    wildcard_constraints:
        sample="hst|galsim",
    conda:
        "../../envs/galrestore.yaml"
    params:
        code=fingerprint("stages.gather"),
    shell:
        "python -m galrestore gather --shards {input.shards:q} --output {output.table:q}"
        " --log {log:q}"
