import { anyText, fraction, oneOf, parseBaseUrl, type ReadVariable } from './config-values.ts';

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
const FIXED_SHARES: Readonly<Record<string, number>> = { always_on: 1, always_off: 0 };
const DEFAULT_COLLECTOR = new URL('http://localhost:4318/');

/**
 * Reads OpenTelemetry's variables. As its specification requires, unsupported values of its switches are ignored; `ignored`
 * has one line for each.
 */
export function readTelemetry(read: ReadVariable) {
  const ignored: string[] = [];
  const readSwitch = <T>(name: string, fallback: T, parse: (text: string) => T): T =>
    read(name, fallback, (text) => {
      try {
        return parse(text);
      } catch (error) {
        ignored.push(`${name}: ignored: ${(error as Error).message}`);
        return fallback;
      }
    });
  const isDisabled = readSwitch('OTEL_SDK_DISABLED', false, (text) => oneOf(['true', 'false'])(text) === 'true');
  const exporter = readSwitch('OTEL_TRACES_EXPORTER', null, oneOf(['otlp', 'none']));
  const sampler = readSwitch('OTEL_TRACES_SAMPLER', 'parentbased_traceidratio', oneOf(SAMPLERS));
  const { 'service.name': serviceName = 'account-task-gateway', ...resourceAttributes } = readSwitch(
    'OTEL_RESOURCE_ATTRIBUTES',
    {},
    parseAttributes,
  );
  for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'])
    readSwitch(name, null, oneOf(['http/json']));
  readSwitch('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', null, () => {
    throw new Error('not supported; set OTEL_EXPORTER_OTLP_ENDPOINT instead, without /v1/traces');
  });
  const endpoint = read('OTEL_EXPORTER_OTLP_ENDPOINT', exporter === 'otlp' ? DEFAULT_COLLECTOR : null, parseBaseUrl);
  const sampledShare = read('OTEL_TRACES_SAMPLER_ARG', 1, fraction);
  const isOff = isDisabled || exporter === 'none' || endpoint === null;
  const tracing = isOff
    ? null
    : {
        /** The base address of an OTLP/HTTP collector. */
        endpoint,
        serviceName: read('OTEL_SERVICE_NAME', serviceName, anyText),
        /** Further attributes of this service, named by OpenTelemetry's conventions. */
        resourceAttributes,
        /** The fraction of traces that is kept, from 0 to 1. */
        sampledShare: FIXED_SHARES[sampler.replace('parentbased_', '')] ?? sampledShare,
        /** True if a caller's own sampling decision is followed, and sampledShare applies only to traces that start here. */
        followsParent: sampler.startsWith('parentbased_'),
      };
  return { tracing, ignored };
}

/** Parses percent-encoded attributes such as deployment.environment.name=prod, separated by commas. */
function parseAttributes(text: string): Readonly<Record<string, string>> {
  try {
    const given = text.split(',').filter((entry) => entry.trim());
    const entries = given.map((entry) => entry.split('=').map((part) => decodeURIComponent(part.trim())));
    if (entries.some(([name, ...values]) => !name || values.length !== 1))
      throw new Error('an entry is not name=value');
    return Object.fromEntries(entries) as Readonly<Record<string, string>>;
  } catch (cause) {
    throw new Error('expected attributes such as deployment.environment.name=prod, separated by commas', { cause });
  }
}
