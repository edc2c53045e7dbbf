"""Why a check passed, failed or came to nothing, and why an incident is not resolved, in words."""

from __future__ import annotations

from bongsu.i18n import N_

VERDICTS = {
    "after_recovery": N_("it is said to work again"),
    "watch_over": N_("the time for which the manual has it watched is over"),
    "asked_to_verify": N_("a person asked for it"),
    "check_failed_again": N_("failed again: {verification}"),
    "criterion_met": "{numbers}",
    "criterion_missed": "{numbers}",
    "criterion_unanswered": N_("the criterion can't be answered: {error}"),
    "all_failed": N_("every request failed"),
    "too_many_failed": N_(
        "{share} of the requests failed, so the time of the others says nothing for users"
    ),
    "no_data": N_("there is no data"),
    "no_series": N_("the query found nothing"),
    "no_requests": N_("no request was made"),
    "no_tests": N_("no test ran"),
    "not_measured": N_("the result says nothing of {name}"),
    "not_a_number": N_("{name} is {value}, which is no number"),
    "asks_nothing": N_("the criterion asks for nothing that was measured"),
    "cut_short": N_("only {done} of {times} requests were made in time"),
    "result_empty": N_("the result is empty"),
    "result_cut_off": N_("the result is too large"),
    "result_unreadable": N_("the result can't be read at {place}: it should be {format}"),
    "ended_without_result": N_("the program ended with exit code {code} and without a result"),
    "ended_badly": N_(
        "the program ended with exit code {code}, so its result may not be all of it"
    ),
    "thresholds_missed": N_("the test's own thresholds were missed: {thresholds}"),
    "limits_missed": N_("the test's own limits were missed (exit code {code})"),
    "not_run": N_("{program} can't be run: {error}"),
    "timed_out": N_("it did not end within {wait}"),
    "signalled": N_("{program} was ended by somebody else"),
    "not_asked": N_("nobody answers: {error}"),
    "smoke_failed": N_("a smoke test failed, so the service was not put under load"),
    "load_busy": N_(
        "other load tests did not end within {wait}, and two at once would measure each other; "
        "run this one again"
    ),
    "check_gone": N_("the manual does not have this check any more"),
    "check_broken": N_("the check itself failed: {error}"),
}

REFUSED = {
    "recovery_failed": N_(
        "these checks have not passed: {verification}; mend it and run them again, or let a "
        "commander override them with a reason"
    ),
    "recovery_not_verified": N_(
        "these checks have not passed since it works again: {verification}; say that it works "
        "again, run them, or let a commander override them with a reason"
    ),
    "unknown_check": N_("there is no check {check}; write one of {known}"),
    "no_load_in_a_drill": N_("this is a drill, which puts nothing under load: {verification}"),
    "nothing_to_verify": N_("the manual has no checks of the recovery for {severity}"),
    "verification_runs_already": N_("these checks run already: {verification}"),
}

OUTCOMES = {
    "passed": N_("passed"), "failed": N_("failed"), "inconclusive": N_("inconclusive"),
}  # fmt: skip
