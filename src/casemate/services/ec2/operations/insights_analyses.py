"""Reachability Analyzer's analyses: answers, as the network was when the question was asked."""

from __future__ import annotations

from casemate.model.arns import Arn
from casemate.servicekit.ports import FunctionFacts
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.insights.ends import Ends
from casemate.services.ec2.insights.findings import Findings, analyze
from casemate.services.ec2.insights.foreign import inaccessible
from casemate.services.ec2.operations.insights_paths import components_of
from casemate.services.ec2.paging import Rendered, filtered, paged, selected
from casemate.services.ec2.records import InsightsAnalysis, InsightsPath
from casemate.services.ec2.registry import Ctx, on, operation, refuse, remember, replayed, required
from casemate.services.ec2.state import Ec2State

ANALYSIS_FILTERS = {"path-found": "NetworkPathFound", "status": "Status"}


def _output(state: Ec2State, analysis: InsightsAnalysis, *, running: bool = False) -> Rendered:
    """`running`: the answer is there already, and StartNetworkInsightsAnalysis does not tell it, as on AWS."""
    arn = Arn(
        service="ec2",
        region=analysis.region,
        account=analysis.account,
        resource=f"network-insights-analysis/{analysis.id}",
    )
    made: Rendered = {
        "NetworkInsightsAnalysisId": analysis.id,
        "NetworkInsightsAnalysisArn": str(arn),
        "NetworkInsightsPathId": analysis.path_id,
        "FilterInArns": list(analysis.filter_in) or None,
        "FilterOutArns": list(analysis.filter_out) or None,
        "StartDate": analysis.started,
        "Status": "running" if running else "succeeded",
        "Tags": tags.rendered(state, analysis, analysis.id),
    }
    if running:
        return made
    if analysis.failure:
        return {
            **made,
            "Status": "failed",
            "StatusMessage": analysis.failure,
            "SuggestedAccounts": list(analysis.suggested),
        }
    return {
        **made,
        "NetworkPathFound": analysis.found,
        "ForwardPathComponents": analysis.forward or None,
        "ReturnPathComponents": analysis.back or None,
        "Explanations": analysis.explanations or None,
        "WarningMessage": analysis.warning or None,
    }


def _function(ctx: Ctx, path: InsightsPath) -> FunctionFacts | None:
    functions = ctx.state.functions
    if functions is None or not path.source.startswith("arn:"):
        return None
    name = path.source.split(":")[6]
    return functions.function_facts(account=path.account, region=path.region, name=name)


def _arns(params: Params, name: str) -> tuple[str, ...]:
    given = tuple(str(each) for each in params.get(name) or ())
    for each in given:
        if not each.startswith("arn:"):
            raise errors.bad_value(each, name, "It is not an ARN.")
    return given


@operation(
    "StartNetworkInsightsAnalysis",
    on=(on("network-insights-path", "NetworkInsightsPathId"),),
    creates=("network-insights-analysis",),
)
def start_network_insights_analysis(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    known = state.insights_analyses.find(ctx, replayed(ctx, "StartNetworkInsightsAnalysis", params) or "")
    if known is None:
        refuse(params, ("AdditionalAccounts",))
        required(params, "ClientToken")
        path = state.insights_paths.get(ctx, required(params, "NetworkInsightsPathId"))
        filter_in, filter_out = _arns(params, "FilterInArns"), _arns(params, "FilterOutArns")
        labels = tags.specified(params, "network-insights-analysis")
        components = components_of(ctx)
        ends = Ends(components, path, _function(ctx, path))
        findings = analyze(components, ends, filter_in=filter_in, filter_out=filter_out)
        hidden = inaccessible(findings, ctx.account)
        if hidden:
            findings = Findings(found=False)
        known = InsightsAnalysis(
            id=ctx.new_id("nia"),
            account=ctx.account,
            region=ctx.region,
            path_id=path.id,
            started=ctx.now,
            filter_in=filter_in,
            filter_out=filter_out,
            found=findings.found,
            forward=findings.forward,
            back=findings.back,
            explanations=findings.explanations,
            warning=findings.warning,
            failure=f"The request failed due to inaccessible resource {next(iter(hidden))}" if hidden else "",
            suggested=tuple(sorted(set(hidden.values()))),
        )
        state.insights_analyses.put(known)
        tags.put(state, ctx, known.id, labels)
        remember(ctx, "StartNetworkInsightsAnalysis", params, known.id)
    return {"NetworkInsightsAnalysis": _output(state, known, running=True)}


@operation("DescribeNetworkInsightsAnalyses")
def describe_network_insights_analyses(ctx: Ctx, params: Params) -> Output:
    path_id = params.get("NetworkInsightsPathId")
    if path_id:
        ctx.state.insights_paths.get(ctx, path_id)
    after, before = params.get("AnalysisStartTime"), params.get("AnalysisEndTime")
    found = [
        each
        for each in selected(ctx.state.insights_analyses, ctx, params.get("NetworkInsightsAnalysisIds"))
        if (not path_id or each.path_id == path_id)
        and (after is None or each.started >= after)
        and (before is None or each.started <= before)
    ]
    outputs = filtered((_output(ctx.state, each) for each in found), params, ANALYSIS_FILTERS)
    return paged(outputs, params, "NetworkInsightsAnalyses", smallest=1)


@operation(
    "DeleteNetworkInsightsAnalysis",
    on=(on("network-insights-analysis", "NetworkInsightsAnalysisId"),),
)
def delete_network_insights_analysis(ctx: Ctx, params: Params) -> Output:
    analysis = ctx.state.insights_analyses.get(ctx, required(params, "NetworkInsightsAnalysisId"))
    ctx.state.discard(ctx.state.insights_analyses, analysis)
    return {"NetworkInsightsAnalysisId": analysis.id}
