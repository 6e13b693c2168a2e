# Bring mosaics in through their doors.
#
#   reads   nothing (simulated sky), the files of a local folder, or the archive
#   writes  results/mosaics/<mosaic>.parquet              one row: files, extensions, scale, units
#           results/mosaics/<mosaic>_{sci,wht,i2d}.fits   simulated mosaics, archives' formats
#           results/mosaics/truth.parquet                 every simulated object
#           results/exposures/<set>/<set>_<number>_flc.fits  simulated single exposures
#           results/exposures/<set>.parquet               one row for each of them
#           results/exposures/<set>_{sci,wht,hits}.fits   mosaic drizzled from them, and the
#                                                         pixels rejected on the way
#           results/exposures/<set>_mosaic.parquet        its manifest
#           results/pairs/<set>.{fits,parquet}            sets of ready pairs
#           results/downloads/<field>/<file>.parquet      receipts of the archive's files
#           <acquire.mast.root>/<field>/<file>            those files; not outputs, so that
#                                                         no rerun deletes what it can verify


rule simulate_hlf:
    output:
        science="results/mosaics/{mosaic}_sci.fits",
        weight="results/mosaics/{mosaic}_wht.fits",
        manifest="results/mosaics/{mosaic}.parquet",
    log:
        "results/logs/acquire/{mosaic}.log",
    benchmark:
        "results/benchmarks/acquire/{mosaic}.tsv"
    wildcard_constraints:
        mosaic=one_of(HLF),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=lambda wildcards: RUN.acquisition(wildcards.mosaic),
        seed=RUN.seed,
        code=fingerprint("stages.acquire"),
    shell:
        "python -m galrestore acquire simulate --mosaic {wildcards.mosaic}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --science {output.science:q} --weight {output.weight:q}"
        " --manifest {output.manifest:q}"


rule simulate_i2d:
    output:
        science="results/mosaics/{mosaic}_i2d.fits",
        manifest="results/mosaics/{mosaic}.parquet",
    log:
        "results/logs/acquire/{mosaic}.log",
    benchmark:
        "results/benchmarks/acquire/{mosaic}.tsv"
    wildcard_constraints:
        mosaic=one_of(I2D),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=lambda wildcards: RUN.acquisition(wildcards.mosaic),
        seed=RUN.seed,
        code=fingerprint("stages.acquire"),
    shell:
        "python -m galrestore acquire simulate --mosaic {wildcards.mosaic}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --science {output.science:q} --manifest {output.manifest:q}"


rule truth:
    output:
        truth="results/mosaics/truth.parquet",
    log:
        "results/logs/acquire/truth.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("acquire"),
        seed=RUN.seed,
        code=fingerprint("stages.acquire"),
    shell:
        "python -m galrestore acquire truth --settings {params.settings:q} --seed {params.seed}"
        " --code {params.code} --log {log:q} --truth {output.truth:q}"


# One rule for each set, since sets differ in the number of their files.
for EXPOSURES in RUN.exposures():

    rule:
        name:
            f"expose_{EXPOSURES}"
        output:
            exposures=exposure_files(EXPOSURES),
            table=f"results/exposures/{EXPOSURES}.parquet",
        log:
            f"results/logs/expose/{EXPOSURES}.log",
        benchmark:
            f"results/benchmarks/expose/{EXPOSURES}.tsv"
        conda:
            "../../envs/galrestore.yaml"
        params:
            set=EXPOSURES,
            settings=RUN.exposure(EXPOSURES),
            seed=RUN.seed,
            code=fingerprint("stages.expose"),
        shell:
            "python -m galrestore expose simulate --set {params.set}"
            " --settings {params.settings:q} --seed {params.seed} --code {params.code}"
            " --log {log:q} --exposures {output.exposures:q} --table {output.table:q}"


rule combine_exposures:
    input:
        exposures=lambda wildcards: exposure_files(wildcards.set),
        table="results/exposures/{set}.parquet",
    output:
        science="results/exposures/{set}_sci.fits",
        weight="results/exposures/{set}_wht.fits",
        hits="results/exposures/{set}_hits.fits",
        manifest="results/exposures/{set}_mosaic.parquet",
    log:
        "results/logs/expose/{set}_mosaic.log",
    benchmark:
        "results/benchmarks/expose/{set}_mosaic.tsv"
    wildcard_constraints:
        set=one_of(RUN.exposures()),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=lambda wildcards: RUN.exposure(wildcards.set),
        seed=RUN.seed,
        code=fingerprint("stages.expose"),
    shell:
        "python -m galrestore expose combine --set {wildcards.set}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --table {input.table:q} --science {output.science:q} --weight {output.weight:q}"
        " --hits {output.hits:q} --manifest {output.manifest:q}"


rule download:
    output:
        receipt="results/downloads/{field}/{file}.parquet",
    log:
        "results/logs/acquire/{field}/{file}.log",
    wildcard_constraints:
        field="[^/]+",
        file="[^/]+",
    conda:
        "../../envs/galrestore.yaml"
    resources:
        downloads=1,
    params:
        settings=lambda wildcards: RUN.download(f"{wildcards.field}/{wildcards.file}"),
        seed=RUN.seed,
        code=fingerprint("stages.acquire"),
    shell:
        "python -m galrestore acquire download --file {wildcards.field}/{wildcards.file}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --receipt {output.receipt:q}"


rule local_mosaic:
    input:
        files=mosaic_files,
    output:
        manifest="results/mosaics/{mosaic}.parquet",
    log:
        "results/logs/acquire/{mosaic}.log",
    benchmark:
        "results/benchmarks/acquire/{mosaic}.tsv"
    wildcard_constraints:
        mosaic=one_of([*LOCAL, *MAST]),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=lambda wildcards: RUN.acquisition(wildcards.mosaic),
        seed=RUN.seed,
        code=fingerprint("stages.acquire"),
    shell:
        "python -m galrestore acquire local --mosaic {wildcards.mosaic}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --manifest {output.manifest:q}"


rule local_pairs:
    input:
        files=stamp_files,
    output:
        images="results/pairs/{set}.fits",
        table="results/pairs/{set}.parquet",
    log:
        "results/logs/acquire/{set}.log",
    wildcard_constraints:
        set=one_of(RUN.pair_sets()),
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=lambda wildcards: RUN.acquisition(wildcards.set),
        seed=RUN.seed,
        code=fingerprint("stages.acquire"),
    shell:
        "python -m galrestore acquire pairs --set {wildcards.set}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --images {output.images:q} --table {output.table:q}"
