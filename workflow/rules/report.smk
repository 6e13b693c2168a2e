# Write the texts of Snakemake's report, and one page of the run to send to others.
#
#   reads   figures and tables of the run; records of what made its files; some test images
#   writes  results/report/captions/<file>.rst   caption of each figure and table
#           results/report/tables/<table>.html   tables as pages, and what made the run
#           results/report/index.html            the page: one file that needs nothing else
#
# The report itself is made by `make report`, or snakemake --report FILE.{html,zip}.

FIGURES = in_order(
    [
        *(path for path in PRESENTED if path.endswith(".png")),
        *(["results/figures/published_fits.png"] if PUBLISHED else []),
    ]
)
TABLES = sorted(
    [
        *(path for path in PRESENTED if path.endswith(".md")),
        *expand("results/tables/{table}.md", table=LIMIT_TABLES),
    ]
)
REPORTED = [
    *expand(
        "results/report/captions/{name}.rst",
        name=[*map(os.path.basename, [*FIGURES, *TABLES]), "provenance.md"],
    ),
    "results/report/index.html",
]
# What they say, not where they lie: a workflow that moves reruns nothing.
TEMPLATES = content_digest(glob(f"{workflow.basedir}/galrestore/page/templates/*"))


rule report_texts:
    input:
        figures=FIGURES,
        tables=TABLES,
        files=rules.check.input.files,
    output:
        captions=REPORTED[:-1],
        pages=[
            reported(
                f"results/report/tables/{os.path.basename(table).removesuffix('.md')}.html", table
            )
            for table in [*TABLES, "provenance.md"]
        ],
    log:
        "results/logs/report/texts.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present_page"),
        templates=TEMPLATES,
    shell:
        "python -m galrestore present_page texts --figures {input.figures:q}"
        " --tables {input.tables:q} --captions results/report/captions"
        " --pages results/report/tables --results results --files {input.files:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"


rule report_page:
    input:
        table1=multiext("results/tables/table1_jwst", ".parquet", ".md"),
        claims=multiext("results/tables/claims", ".parquet", ".md"),
        figures=FIGURES,
        images="results/pairs/jwst.fits",
        table="results/pairs/jwst.parquet",
        restored=f"results/restored/{RUN.shown_method()}/jwst.fits",
        manifests=expand("results/mosaics/{mosaic}.parquet", mosaic=JWST),
        files=rules.check.input.files,
    output:
        page="results/report/index.html",
    log:
        "results/logs/report/page.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        shown=RUN.shown_method(),
        networks=NETWORKS,
        doors=sorted({door for door, _, _ in RUN.mosaics()}, reverse=True),
        settings=RUN.section("present"),
        seed=RUN.seed,
        code=fingerprint("stages.present_page"),
        templates=TEMPLATES,
    shell:
        "python -m galrestore present_page page --table1 {input.table1:q}"
        " --claims {input.claims:q} --figures {input.figures:q} --images {input.images:q}"
        " --table {input.table:q} --restored {input.restored:q} --manifests {input.manifests:q}"
        " --shown {params.shown} --networks {params.networks:q} --doors {params.doors}"
        " --results results --files {input.files:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.page:q}"
