# Figures that are drawn from the settings alone: the network and the phases of training.
#
#   writes  results/figures/{fig01_architecture,fig02_training}.{pdf,png}

PRESENTED += ["results/figures/fig01_architecture.png", "results/figures/fig02_training.png"]


rule fig01_architecture:
    output:
        pdf="results/figures/fig01_architecture.pdf",
        png=reported("results/figures/fig01_architecture.png"),
    log:
        "results/logs/present/fig01_architecture.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        variant=RUN.shown_variant(),
        settings=RUN.section("train"),
        seed=RUN.seed,
        code=fingerprint("stages.present_scheme"),
    shell:
        "python -m galrestore present_scheme fig01 --variant {params.variant}"
        " --settings {params.settings:q} --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"


rule fig02_training:
    output:
        pdf="results/figures/fig02_training.pdf",
        png=reported("results/figures/fig02_training.png"),
    log:
        "results/logs/present/fig02_training.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        settings=RUN.section("train"),
        seed=RUN.seed,
        code=fingerprint("stages.present_scheme"),
    shell:
        "python -m galrestore present_scheme fig02 --settings {params.settings:q}"
        " --seed {params.seed} --code {params.code} --log {log:q}"
        " --output {output.pdf:q} {output.png:q}"
