"""
Stages: files in, one call into the package, files out; no arithmetic.

Each module is one subcommand: ``add_arguments(parser)`` declares its files and
settings, ``run(args)`` does the work.
"""
