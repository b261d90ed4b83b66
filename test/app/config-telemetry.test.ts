import { describe, expect, test } from 'vitest';
import { type Environment, readConfig } from '../../src/app/config.ts';

const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

function readTracing(env: Environment) {
  const { tracing, ignoredVariables } = readConfig(env, 'serve');
  return { tracing, ignored: ignoredVariables };
}

describe('OpenTelemetry variables', () => {
  test.each<Environment>([
    { ...COLLECTOR, OTEL_SDK_DISABLED: 'true' },
    { ...COLLECTOR, OTEL_SDK_DISABLED: 'TRUE' },
    { ...COLLECTOR, OTEL_TRACES_EXPORTER: 'none' },
    { OTEL_TRACES_SAMPLER: 'always_on' },
    { OTEL_SDK_DISABLED: 'true', OTEL_TRACES_EXPORTER: 'otlp' },
  ])('turn tracing off with %j', (env) => {
    expect(readTracing(env)).toEqual({ tracing: null, ignored: [] });
  });

  test('use the collector of this machine if an exporter is named without an endpoint', () => {
    const { tracing } = readTracing({ OTEL_TRACES_EXPORTER: 'otlp' });
    expect(tracing?.endpoint).toEqual(new URL('http://localhost:4318/'));
  });

  test.each([
    [undefined, { followsParent: true, sampledShare: 0.5 }],
    ['', { followsParent: true, sampledShare: 0.5 }],
    ['always_on', { followsParent: false, sampledShare: 1 }],
    ['always_off', { followsParent: false, sampledShare: 0 }],
    ['traceidratio', { followsParent: false, sampledShare: 0.5 }],
    ['parentbased_always_on', { followsParent: true, sampledShare: 1 }],
    ['parentbased_always_off', { followsParent: true, sampledShare: 0 }],
    ['PARENTBASED_TRACEIDRATIO', { followsParent: true, sampledShare: 0.5 }],
  ])('sample as OTEL_TRACES_SAMPLER=%s says', (OTEL_TRACES_SAMPLER, sampling) => {
    const env = { ...COLLECTOR, OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG: '0.5' };
    expect(readTracing(env)).toEqual({ tracing: expect.objectContaining(sampling) as object, ignored: [] });
  });

  test.each([
    ['a=b', {}, 'account-task-gateway', { a: 'b' }],
    [' a = b ,, c=%2C%3D%20x, ', {}, 'account-task-gateway', { a: 'b', c: ',= x' }],
    ['service.name=here,a=', {}, 'here', { a: '' }],
    ['service.name=here', { OTEL_SERVICE_NAME: 'there' }, 'there', {}],
  ])('describe the service with OTEL_RESOURCE_ATTRIBUTES=%s', (text, env, serviceName, resourceAttributes) => {
    const { tracing } = readTracing({ ...COLLECTOR, ...env, OTEL_RESOURCE_ATTRIBUTES: text });
    expect(tracing).toMatchObject({ serviceName, resourceAttributes });
  });

  const SAMPLERS =
    'always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio';
  const ATTRIBUTES = 'expected attributes such as deployment.environment.name=prod, separated by commas';
  test.each([
    ['OTEL_SDK_DISABLED', 'yes', 'expected true or false, got "yes"'],
    ['OTEL_TRACES_EXPORTER', 'zipkin', 'expected otlp or none, got "zipkin"'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote', `expected ${SAMPLERS}, got "jaeger_remote"`],
    ['OTEL_RESOURCE_ATTRIBUTES', 'a', ATTRIBUTES],
    ['OTEL_RESOURCE_ATTRIBUTES', 'a=b=c', ATTRIBUTES],
    ['OTEL_RESOURCE_ATTRIBUTES', '=b', ATTRIBUTES],
    ['OTEL_RESOURCE_ATTRIBUTES', 'good=1,a=%', ATTRIBUTES],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'expected http/json, got "grpc"'],
    [
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
      'http://collector/v1/traces',
      'not supported; set OTEL_EXPORTER_OTLP_ENDPOINT instead, without /v1/traces',
    ],
  ])('are ignored with a warning for %s=%s', (name, text, expectation) => {
    const { ignored, tracing } = readTracing({ ...COLLECTOR, [name]: text });
    expect(ignored).toEqual([`${name}: ignored: ${expectation}`]);
    expect(tracing).toEqual(readTracing(COLLECTOR).tracing);
  });
});
