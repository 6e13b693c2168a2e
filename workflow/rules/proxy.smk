# Pair HST stamps with a better image of the same sky, which stands in for the truth.
#
#   reads   manifests and images of an HST and a JWST mosaic, results/stamps/<HST mosaic>.parquet
#           results/exposures/<set>/*_flc.fits, the mosaic of them and its catalogue; or the
#           archive's exposures (their receipts are the inputs) and a mosaic of the same sky
#           results/pairs/jwst.parquet and the catalogues behind it: what networks have seen
#   writes  results/pairs/multi_epoch.{fits,parquet}   GT: the JWST mosaic on the stamp's pixels
#           results/pairs/single_epoch.{fits,parquet}  LQ: an exposure's own pixels, hits filled;
#                                                      GT: the multi-epoch mosaic on them
#           results/pairs/single_epoch_truth.{fits,parquet}  the same LQ; GT: the simulated truth
#           results/pairs/shallow_epoch.{fits,parquet} LQ: a mosaic with the noise of one exposure;
#                                                      GT: the mosaic
#           results/exposures/<set>_catalogue.parquet  sources of the mosaic of the exposures
#           results/exposures/truth/<number>.fits      what JWST's PSF would show the detector


rule multi_epoch:
    input:
        hst=lambda wildcards: f"results/mosaics/{RUN.proxy.multi_epoch.hst}.parquet",
        jwst=lambda wildcards: f"results/mosaics/{RUN.proxy.multi_epoch.jwst}.parquet",
        files=multi_epoch_files,
        catalogue=lambda wildcards: f"results/stamps/{RUN.proxy.multi_epoch.hst}.parquet",
        pairs="results/pairs/jwst.parquet",
        seen=expand("results/stamps/{mosaic}.parquet", mosaic=JWST),
    output:
        images="results/pairs/multi_epoch.fits",
        table="results/pairs/multi_epoch.parquet",
    log:
        "results/logs/proxy/multi_epoch.log",
    benchmark:
        "results/benchmarks/proxy/multi_epoch.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("proxy"),
        radius=RUN.degrade.group_radius,
        seed=RUN.seed,
        code=fingerprint("stages.proxy"),
    shell:
        "python -m galrestore proxy multi_epoch --hst {input.hst:q} --jwst {input.jwst:q}"
        " --catalogue {input.catalogue:q} --pairs {input.pairs:q} --seen {input.seen:q}"
        " --radius {params.radius} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --images {output.images:q} --table {output.table:q}"


rule select_epochs:
    input:
        manifest="results/exposures/{set}_mosaic.parquet",
        science="results/exposures/{set}_sci.fits",
        weight="results/exposures/{set}_wht.fits",
    output:
        catalogue="results/exposures/{set}_catalogue.parquet",
        stamps="results/exposures/{set}_stamps.fits",
        stars="results/exposures/{set}_stars.parquet",
    log:
        "results/logs/select/{set}.log",
    benchmark:
        "results/benchmarks/proxy/select.{set}.tsv"
    wildcard_constraints:
        set=one_of(RUN.exposures()),
    conda:
        "../../envs/galrestore.yaml"
    resources:
        tile=RUN.runtime.tile,
    params:
        settings=RUN.section("select"),
        seed=RUN.seed,
        code=fingerprint("stages.select"),
    shell:
        "python -m galrestore select --manifest {input.manifest:q} --tile {resources.tile}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --catalogue {output.catalogue:q} --stamps {output.stamps:q}"
        " --stars {output.stars:q}"


rule exposure_truth:
    output:
        planes="results/exposures/truth/{number}.fits",
    log:
        "results/logs/proxy/truth.{number}.log",
    benchmark:
        "results/benchmarks/proxy/truth.{number}.tsv"
    wildcard_constraints:
        number="[0-9]+",
    conda:
        "../../envs/galrestore.yaml"
    params:
        set=lambda wildcards: RUN.proxy.single_epoch.simulated,
        sharp=lambda wildcards: RUN.proxy.single_epoch.truth,
        settings=lambda wildcards: RUN.truth_of_exposures(),
        seed=RUN.seed,
        code=fingerprint("stages.proxy"),
    shell:
        "python -m galrestore proxy truth --set {params.set} --number {wildcards.number}"
        " --sharp {params.sharp} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --output {output.planes:q}"


rule single_epoch:
    input:
        unpack(single_epoch_files),
        truth=truth_files,
        pairs="results/pairs/jwst.parquet",
        seen=expand("results/stamps/{mosaic}.parquet", mosaic=JWST),
    output:
        images="results/pairs/{set}.fits",
        table="results/pairs/{set}.parquet",
    log:
        "results/logs/proxy/{set}.log",
    benchmark:
        "results/benchmarks/proxy/{set}.tsv"
    wildcard_constraints:
        set="single_epoch|single_epoch_truth",
    conda:
        "../../envs/galrestore.yaml"
    params:
        exposures=exposures_restored,
        truth=lambda wildcards, input: ["--truth", *input.truth] if input.truth else [],
        settings=RUN.section("proxy"),
        radius=RUN.degrade.group_radius,
        seed=RUN.seed,
        code=fingerprint("stages.proxy"),
    shell:
        "python -m galrestore proxy single_epoch --exposures {params.exposures:q}"
        " --mosaic {input.mosaic:q} --catalogue {input.catalogue:q} {params.truth:q}"
        " --pairs {input.pairs:q} --seen {input.seen:q} --radius {params.radius}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --images {output.images:q} --table {output.table:q}"


rule shallow_epoch:
    input:
        catalogues=lambda wildcards: expand(
            "results/stamps/{mosaic}.parquet", mosaic=RUN.proxy.shallow_epoch.mosaics
        ),
        stamps=lambda wildcards: expand(
            "results/stamps/{mosaic}.fits", mosaic=RUN.proxy.shallow_epoch.mosaics
        ),
    output:
        images="results/pairs/shallow_epoch.fits",
        table="results/pairs/shallow_epoch.parquet",
    log:
        "results/logs/proxy/shallow_epoch.log",
    benchmark:
        "results/benchmarks/proxy/shallow_epoch.tsv"
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("proxy"),
        seed=RUN.seed,
        code=fingerprint("stages.proxy"),
    shell:
        "python -m galrestore proxy shallow_epoch --catalogue {input.catalogues:q}"
        " --stamps {input.stamps:q} --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --images {output.images:q} --table {output.table:q}"
