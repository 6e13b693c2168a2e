# galrestore: from mosaics to restored galaxies, Table 1 and the figures.
#
# Usage: snakemake --cores all                                     the demonstration
#        snakemake --cores all --configfile config/real.yaml       another run
#        snakemake --cores all --use-conda                         in conda environments

from snakemake.utils import min_version

min_version("9.0")


configfile: f"{workflow.basedir}/config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/acquire.smk"
include: "workflow/rules/select.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/resample.smk"
include: "workflow/rules/render.smk"
include: "workflow/rules/degrade.smk"
include: "workflow/rules/proxy.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/tune.smk"
include: "workflow/rules/restore.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/shapes.smk"
include: "workflow/rules/present.smk"
include: "workflow/rules/present_shapes.smk"
include: "workflow/rules/present_section5.smk"
include: "workflow/rules/present_calibration.smk"
include: "workflow/rules/scheme.smk"
include: "workflow/rules/limits.smk"
include: "workflow/rules/present_claims.smk"
include: "workflow/rules/check.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/estimate.smk"


rule all:
    default_target: True
    input:
        PRESENTED,
        REPORTED,
        "results/checks/report.xml",


work_in_place(workflow, apart={"train"})
