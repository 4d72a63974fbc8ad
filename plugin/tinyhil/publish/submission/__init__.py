"""Submission trees: reading anybody's, and writing one from runs.

A tree is ``closed|open/<submitter>/{systems,code,results}``, and in ``results``
``<system>/<task>/<accuracy|performance|energy>/{results.txt,log.txt,results.json}``. Layout and
the forms that the official checker reads: ``tools/submission`` of ``mlcommons/tiny``; forms of the
logs: submissions of the rounds v1.0 to v1.3.
"""
