// The OpenTelemetry JavaScript SDK as its users run it, configured by the standard OTEL_* variables only: two spans of one trace, a
// log record in the second, a counter and a histogram. Prints the trace's id when everything has been exported.
import { metrics, SpanStatusCode, trace } from '@opentelemetry/api'
import { logs, SeverityNumber } from '@opentelemetry/api-logs'
import { NodeSDK } from '@opentelemetry/sdk-node'

const sdk = new NodeSDK()
sdk.start()

const tracer = trace.getTracer('shop', '1.2.3')
const traceId = tracer.startActiveSpan('checkout', (parent) => {
  tracer.startActiveSpan('charge card', { attributes: { 'card.brand': 'visa', amount: 12.5, items: 3, express: true } }, (span) => {
    span.addEvent('declined', { code: 51 })
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'declined' })
    logs.getLogger('shop').emit({ severityNumber: SeverityNumber.WARN, severityText: 'WARN', body: 'card declined', attributes: { attempt: 1 } })
    span.end()
  })
  parent.end()
  return parent.spanContext().traceId
})
const meter = metrics.getMeter('shop')
meter.createCounter('checkouts').add(1, { result: 'declined' })
meter.createHistogram('checkout.duration', { unit: 's' }).record(0.25)

await sdk.shutdown() // exports what is left
console.log(traceId)
