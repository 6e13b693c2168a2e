"""
Checks of the artefacts of a run, as pytest functions.

``galrestore check`` runs them on the files of a run and keeps the JUnit report; they
are no tests of the code, which are in ``tests/``.
"""
