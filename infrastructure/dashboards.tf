# One dashboard, from top to bottom in the order in which one looks: what people feel,
# what it rests on, what it costs.

locals {
  ended_well_filter = "${local.scheduled_calls_filter} AND metric.labels.status=\"200\""
  public_filter     = "${local.run_filter["request_count"]} AND resource.labels.service_name=monitoring.regex.full_match(\"${join("|", sort(keys(local.public)))}\")"

  # A chart: title, and lines of filter, aligner, reducer and fields to group by, or of a
  # query in PromQL.
  charts = [
    { title = "Calls a second", lines = [
      { filter = local.public_filter, align = "ALIGN_RATE", reduce = "REDUCE_SUM", by = ["metric.labels.response_code_class"] },
    ] },
    { title = "Failed calls a second, by function", lines = [
      { filter = "${local.public_filter} AND metric.labels.response_code_class=\"5xx\"", align = "ALIGN_RATE", reduce = "REDUCE_SUM", by = ["resource.labels.service_name"] },
    ] },
    { title = "Time of a call, 95th percentile, by function (ms)", lines = [
      { filter = local.latencies_filter, align = "ALIGN_DELTA", reduce = "REDUCE_PERCENTILE_95", by = ["resource.labels.service_name"] },
    ] },
    { title = "Instances, by function", lines = [
      { filter = local.run_filter["container/instance_count"], align = "ALIGN_MAX", reduce = "REDUCE_SUM", by = ["resource.labels.service_name"] },
    ] },
    { title = "Time of a start, 95th percentile (ms)", lines = [
      { filter = local.run_filter["container/startup_latencies"], align = "ALIGN_DELTA", reduce = "REDUCE_PERCENTILE_95", by = ["resource.labels.service_name"] },
    ] },
    { title = "Memory in use, by function", lines = [
      { filter = local.run_filter["container/memory/utilizations"], align = "ALIGN_DELTA", reduce = "REDUCE_PERCENTILE_95", by = ["resource.labels.service_name"] },
    ] },

    { title = "Database: time of a call, 95th percentile, by operation (ms)", lines = [
      { filter = local.log_filter["database_ms"], align = "ALIGN_DELTA", reduce = "REDUCE_PERCENTILE_95", by = ["metric.labels.operation"] },
    ] },
    { title = "Database: wait for the pool, 95th percentile, by operation (ms)", lines = [
      { filter = local.log_filter["database_wait_ms"], align = "ALIGN_DELTA", reduce = "REDUCE_PERCENTILE_95", by = ["metric.labels.operation"] },
    ] },
    { title = "Database: connections, of ${local.database_connections}", lines = [
      { filter = local.database_filter["postgresql/num_backends"], align = "ALIGN_MEAN", reduce = "REDUCE_SUM", by = [] },
    ] },
    { title = "Database: processor and disk", lines = [
      { filter = local.database_filter["cpu/utilization"], align = "ALIGN_MEAN", reduce = "REDUCE_MEAN", by = [] },
      { filter = local.database_filter["disk/utilization"], align = "ALIGN_MEAN", reduce = "REDUCE_MEAN", by = [] },
    ] },

    { title = "Documents: time to read one, 95th percentile (s)", lines = [
      { filter = local.log_filter["documents_completed"], align = "ALIGN_DELTA", reduce = "REDUCE_PERCENTILE_95", by = [] },
    ] },
    { title = "Documents: refused an hour, by reason", lines = [
      { filter = local.log_filter["documents_refused"], align = "ALIGN_DELTA", reduce = "REDUCE_SUM", by = ["metric.labels.code"] },
    ] },
    { title = "Documents: oldest upload that waits (s)", lines = [
      { filter = local.subscription_filter["oldest_unacked_message_age"], align = "ALIGN_MAX", reduce = "REDUCE_MAX", by = ["resource.labels.subscription_id"] },
    ] },

    { title = "Model: calls a minute, by outcome", lines = [
      { filter = local.log_filter["model_calls"], align = "ALIGN_RATE", reduce = "REDUCE_SUM", by = ["metric.labels.outcome"] },
    ] },
    { title = "Model: time of a call, 95th percentile, by task (ms)", lines = [
      { filter = local.log_filter["model_ms"], align = "ALIGN_DELTA", reduce = "REDUCE_PERCENTILE_95", by = ["metric.labels.task"] },
    ] },
    { title = "Model: tokens an hour, by task", lines = [
      { query = "sum by (task) (increase({${local.model_series.tokens}}[1h]))" },
    ] },
    { title = "Cost: dollars of the model an hour, by task", lines = [
      { query = "sum by (task) (increase({${local.model_series.usd}}[1h]))" },
    ] },

    { title = "Schedules: runs that ended well", lines = [
      { filter = local.ended_well_filter, align = "ALIGN_DELTA", reduce = "REDUCE_SUM", by = ["metric.labels.operation"] },
    ] },
    { title = "Restore drill: seconds to recover", lines = [
      { filter = local.log_filter["drills_passed"], align = "ALIGN_DELTA", reduce = "REDUCE_MEAN", by = [] },
    ] },
    { title = "Cost: seconds of instances that are billed, by function", lines = [
      { filter = local.run_filter["container/billable_instance_time"], align = "ALIGN_RATE", reduce = "REDUCE_SUM", by = ["resource.labels.service_name"] },
    ] },
    { title = "Cost: bytes of logs", lines = [
      { filter = "metric.type=\"logging.googleapis.com/billing/bytes_ingested\" AND resource.type=\"global\"", align = "ALIGN_RATE", reduce = "REDUCE_SUM", by = [] },
    ] },
  ]
}

resource "google_monitoring_dashboard" "main" {
  dashboard_json = jsonencode({
    displayName = local.name
    labels      = local.labels
    mosaicLayout = {
      columns = 48
      # The API leaves out zeros, empty lists and what isn't there. What it doesn't send
      # back would differ in every plan.
      tiles = [for i, chart in local.charts : merge({ for key, value in { xPos = i % 3 * 16, yPos = floor(i / 3) * 12 } : key => value if value > 0 }, {
        width = 16, height = 12
        widget = {
          title = chart.title
          xyChart = {
            dataSets = [for line in chart.lines : {
              plotType   = "LINE"
              targetAxis = "Y1"
              timeSeriesQuery = { for key, value in {
                prometheusQuery = try(line.query, null)
                timeSeriesFilter = can(line.query) ? null : {
                  filter = line.filter
                  aggregation = { for key, value in {
                    alignmentPeriod    = "300s"
                    perSeriesAligner   = line.align
                    crossSeriesReducer = line.reduce
                    groupByFields      = line.by
                  } : key => value if length(value) > 0 }
                }
              } : key => value if value != null }
            }]
            yAxis = { scale = "LINEAR" }
          }
        }
      })]
    }
  })

  depends_on = [google_project_service.api]
}
