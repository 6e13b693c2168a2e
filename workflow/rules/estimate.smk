# Estimate what the paper's run will need, from the benchmark files of this run; not part of
# `all`, because no two runs take the same time.
#
#   reads   results/ of the finished run with benchmarks/, config/{config,paper}.yaml, and the
#           archive's product list
#   writes  results/tables/estimate.{parquet,md}   jobs, hours, memory, disk by stage


rule estimate:
    input:
        report="results/checks/report.xml",
        configfiles=[
            f"{workflow.basedir}/config/config.yaml",
            f"{workflow.basedir}/config/paper.yaml",
        ],
        lock=f"{workflow.basedir}/config/products.lock.tsv",
    output:
        table="results/tables/estimate.parquet",
        markdown="results/tables/estimate.md",
    log:
        "results/logs/estimate.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.model_dump_json(),
        seed=RUN.seed,
        code=fingerprint("stages.estimate"),
    shell:
        "python -m galrestore estimate --results results --configfiles {input.configfiles:q}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.table:q} {output.markdown:q}"
