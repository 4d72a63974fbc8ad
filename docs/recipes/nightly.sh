#!/bin/sh
# A night on a farm: every board that is free, against the committed baseline. Copy it into your
# repository, beside one of the two workflow files, and correct the settings.
#
#   BOARDS    for --hil-board; 'labgrid:*' is every free place of labgrid
#   BASELINE  file of `tinyhil gate --save`; a file that is not there: no gate, which is told
#   SUITE     your tests, or the benchmark's: "$(tinyhil suites)"
#   DAYS      how long runs are kept that no baseline and no history needs
#   WAIT      seconds to wait for a board that somebody else uses
#   OPTIONS   further options of pytest
set -u
BOARDS=${BOARDS:-labgrid:*}
BASELINE=${BASELINE:-reports/baselines/night.json}
SUITE=${SUITE:-$(tinyhil suites)}
DAYS=${DAYS:-30}
WAIT=${WAIT:-3600}
RUNS=${RUNS:-reports/runs}
summary=${GITHUB_STEP_SUMMARY:-summary.md}
# Of an earlier night; GitHub's summary is what other steps write to, too.
rm -rf night-pages junit.xml cleaned.txt farm.txt pruned.txt
[ -n "${GITHUB_STEP_SUMMARY:-}" ] || rm -f "$summary"
newest() { ls -d "$RUNS"/*_report 2> /dev/null | tail -n 1; }
before=$(newest)

# What an earlier night that was killed has left behind on this host.
case $BOARDS in labgrid:*) tinyhil farm clean > cleaned.txt || true ;; esac

# One worker a board; what one board does wrong ends nothing for the others.
set -- "$SUITE" --hil-board "$BOARDS" --hil-wait "$WAIT" --hil-runs "$RUNS" \
    --junitxml=junit.xml --hil-summary "$summary" ${OPTIONS:-}
[ -f "$BASELINE" ] && set -- "$@" --hil-baseline "$BASELINE"

# A job that is cancelled, or has reached its time limit, ends this shell alone: pytest must hear of
# it, to give its boards back and to seal what was measured.
pytest "$@" &
tests=$!
trap 'kill -TERM $tests' HUP INT TERM
wait $tests
status=$?
while kill -0 $tests 2> /dev/null; do
    wait $tests
    status=$?
done
case $status in
0 | 1) ;;
*) echo "- Not all was tested: pytest ended with status $status, see its output" | tee -a "$summary" ;;
esac
[ -f "$BASELINE" ] || echo "- Nothing was gated: there is no $BASELINE" | tee -a "$summary"

# The pages of this night alone, for the CI system to keep.
now=$(newest)
[ "$now" = "$before" ] || cp -r "$now" night-pages

# Where there is a farm: what is not usable now. The night's result is that of the tests.
case $BOARDS in labgrid:*) tinyhil farm status > farm.txt || true ;; esac
set -- "$RUNS" --days "$DAYS" --remove
[ -f "$BASELINE" ] && set -- "$@" --baseline "$BASELINE"
tinyhil runs prune "$@" > pruned.txt || true
exit $status
