# Pair HST stamps with a better image of the same sky, which stands in for the truth.
#
#   reads   manifests and images of an HST and a JWST mosaic, results/stamps/<HST mosaic>.parquet,
#           results/pairs/jwst.parquet and the catalogues behind it: what networks have seen
#   writes  results/pairs/multi_epoch.{fits,parquet}   GT: the JWST mosaic on the stamp's pixels


rule multi_epoch:
    input:
        hst=lambda wildcards: f"results/mosaics/{RUN.proxy.multi_epoch.hst}.parquet",
        jwst=lambda wildcards: f"results/mosaics/{RUN.proxy.multi_epoch.jwst}.parquet",
        files=proxy_files,
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
