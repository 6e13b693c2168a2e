# Test the artefacts of the run and compare their fingerprints with the present code.
#
#   reads   everything presented, and every file behind it
#   writes  results/checks/report.xml   JUnit report


rule check:
    input:
        PRESENTED,
    output:
        report="results/checks/report.xml",
    log:
        "results/logs/check.log",
    conda:
        "../../envs/galrestore.yaml"
    params:
        code=fingerprint("stages.check"),
    shell:
        "python -m galrestore check --results results --report {output.report:q} --log {log:q}"
