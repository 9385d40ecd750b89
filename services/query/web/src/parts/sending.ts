// How to send telemetry to this installation, as text to copy: one entry a way. Pure.

export interface Endpoints {
  /** Of OTLP, without the path of a signal. */
  http: string;
  grpc: string;
}

export interface Way {
  id: string;
  label: string;
  /** What to do with it. */
  hint: string;
  text: string;
}

/** What stands for a key that somebody has to put there. */
const key = 'KEY';

/** All ways to send, ready to copy. `withKey`: senders need a key. */
export function waysToSend({ http, grpc }: Endpoints, withKey: boolean): readonly Way[] {
  const environment = [
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${http}`,
    'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
    'export OTEL_SERVICE_NAME=my-service',
    ...(withKey ? [`export OTEL_EXPORTER_OTLP_HEADERS=x-api-key=${key}`] : []),
  ];
  const sdk = (...lines: string[]) => [...environment, '', ...lines].join('\n');
  return [
    {
      id: 'demo',
      label: 'Demo',
      hint: 'A shop that does not exist, for a minute: traces, logs and metrics.',
      text: `ollyscale demo --endpoint ${hostOf(grpc)} --seconds 60${withKey ? ` --headers x-api-key=${key}` : ''}`,
    },
    {
      id: 'collector',
      label: 'Collector',
      hint: 'Into the configuration of an OpenTelemetry Collector.',
      text: [
        'exporters:',
        '  otlphttp/ollyscale:',
        `    endpoint: ${http}`,
        ...(withKey ? ['    headers:', `      x-api-key: ${key}`] : []),
        '',
        'service:',
        '  pipelines:',
        ...['traces', 'logs', 'metrics'].flatMap((signal) => [
          `    ${signal}:`,
          '      receivers: [otlp]',
          '      exporters: [otlphttp/ollyscale]',
        ]),
      ].join('\n'),
    },
    {
      id: 'go',
      label: 'Go',
      hint: 'With the exporters of environment variables (autoexport).',
      text: sdk('go get go.opentelemetry.io/contrib/exporters/autoexport go.opentelemetry.io/otel/sdk', 'go run .'),
    },
    {
      id: 'java',
      label: 'Java',
      hint: 'With the Java agent, without a change of code.',
      text: sdk(
        'curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar',
        'java -javaagent:opentelemetry-javaagent.jar -jar my-service.jar',
      ),
    },
    {
      id: 'python',
      label: 'Python',
      hint: 'Instrumented by itself, without a change of code.',
      text: sdk(
        'pip install opentelemetry-distro opentelemetry-exporter-otlp',
        'opentelemetry-bootstrap -a install',
        'opentelemetry-instrument python app.py',
      ),
    },
    {
      id: 'javascript',
      label: 'JavaScript',
      hint: 'Node.js, instrumented by itself.',
      text: sdk(
        'npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node',
        'node --require @opentelemetry/auto-instrumentations-node/register app.js',
      ),
    },
    {
      id: 'dotnet',
      label: '.NET',
      hint: 'With the automatic instrumentation, without a change of code.',
      text: sdk(
        'curl -sSfLO https://github.com/open-telemetry/opentelemetry-dotnet-instrumentation/releases/latest/download/otel-dotnet-auto-install.sh',
        'sh ./otel-dotnet-auto-install.sh && . "$HOME/.otel-dotnet-auto/instrument.sh"',
        'dotnet run',
      ),
    },
    {
      id: 'curl',
      label: 'curl',
      hint: 'One span, by hand.',
      text: curl(http, withKey),
    },
  ];
}

function curl(http: string, withKey: boolean): string {
  const value = (text: string) => `{"stringValue":"${text}"}`;
  return [
    'now=$(date +%s)',
    `curl ${http}/v1/traces -H 'Content-Type: application/json'${withKey ? ` -H 'x-api-key: ${key}'` : ''} -d @- <<END`,
    `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":${value('curl')}}]},"scopeSpans":[{"spans":[{`,
    '  "traceId":"$(openssl rand -hex 16)","spanId":"$(openssl rand -hex 8)","name":"hello","kind":2,',
    '  "startTimeUnixNano":"${now}000000000","endTimeUnixNano":"${now}250000000"}]}]}]}',
    'END',
  ].join('\n');
}

/** "127.0.0.1:4317" of "http://127.0.0.1:4317": what the demo takes. */
function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : address;
}
