"""
Pages about a run: the texts of Snakemake's report, and one page to send to a colleague.

Pages are whole in themselves: styles, scripts and images are part of the file, and nothing
is requested from elsewhere.  The same input gives the same bytes.
"""
