"""From a requester's files to a planned job: the same plan for the market and for this machine."""

from __future__ import annotations

from edgebounty.client.data import load_table
from edgebounty.client.errors import Rejected
from edgebounty.client.requests import AnalyzeRequest, Request
from edgebounty.jobs.analyze import plan_analyze, program_names
from edgebounty.jobs.plan import PlannedJob, ProgramPair
from edgebounty.programs import builtin


def plan(request: Request) -> PlannedJob:
    """The job for a request. Raises `Rejected` for data or settings that make no job."""
    try:
        match request:
            case AnalyzeRequest():
                return _analyze(request)
            case _:
                raise Rejected("this kind of job is not known", remedy="see `edgebounty job post --help`")
    except ValueError as error:  # JobError, ManifestError: the planner's own words
        raise Rejected(
            str(error), whose="yours (the data or the settings)", remedy="change it and try again"
        ) from error


def _analyze(request: AnalyzeRequest) -> PlannedJob:
    table = load_table(request.data)
    program, reducer = program_names(*table.values.shape)
    pair = ProgramPair(builtin.load(program), builtin.load(reducer))
    return plan_analyze(table.values, table.columns, pair, shards=request.shards)
