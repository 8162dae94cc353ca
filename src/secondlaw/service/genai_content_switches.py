"""How each instrumentation is told to send the texts: most send none unless asked."""

__all__ = ["CONTENT_SWITCHES", "OPENTELEMETRY_SWITCHES", "content_switch"]

OPENTELEMETRY_SWITCHES = (
    "OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only",
)
"""What OpenTelemetry's own instrumentations take, as a shell takes it."""

OPENTELEMETRY = (
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_only "
    "with OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental (older versions: =true)"
)
EITHER = f"{OPENTELEMETRY}; OpenLLMetry's: TRACELOOP_TRACE_CONTENT=true"
CONTENT_SWITCHES = (
    ("openinference", "remove OPENINFERENCE_HIDE_OUTPUTS, OPENINFERENCE_HIDE_OUTPUT_MESSAGES, ..._HIDE_OUTPUT_TEXT"),
    ("opentelemetry.util.genai", OPENTELEMETRY),
    ("opentelemetry.instrumentation.openai_v2", OPENTELEMETRY),
    ("opentelemetry.instrumentation.openai_agents", EITHER),
    ("opentelemetry.instrumentation.google_genai", OPENTELEMETRY),
    ("opentelemetry.instrumentation.vertexai", EITHER),
    ("opentelemetry.instrumentation.botocore", OPENTELEMETRY),
    ("azure.ai", "AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED=true"),
    ("pydantic-ai", "InstrumentationSettings(include_content=True)"),
    ("Experimental.Microsoft.Extensions.AI", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true"),
    ("opentelemetry.instrumentation.", "TRACELOOP_TRACE_CONTENT=true"),
)
"""The beginning of an instrumentation's name, and what switches content on; the first that fits. The last are
OpenLLMetry's, which share the prefix of OpenTelemetry's own."""


def content_switch(scope: str) -> str:
    """Return what switches content on in the instrumentation of a name.

    Examples
    --------
    >>> content_switch("opentelemetry.instrumentation.anthropic")
    'TRACELOOP_TRACE_CONTENT=true'
    """
    return next((switch for name, switch in CONTENT_SWITCHES if scope.startswith(name)), OPENTELEMETRY)
