import type { Step } from '../contract/call-steps.ts';
import { TaskFailure } from '../contract/failure.ts';

type Attributes = Readonly<Record<string, string | number>>;

const DATABASES = { sqlite: 'sqlite', postgres: 'postgresql' } as const;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** What a step's span is called: OpenTelemetry's conventions, of few different names. */
export function stepName(step: Step): string {
  if (step.kind === 'field') return step.name;
  return step.kind === 'commit' ? 'COMMIT' : `POST ${new URL(step.url).pathname}`;
}

/** What is known of a step when it begins; nothing of what a caller sends is in it. */
export function stepAttributes(step: Step, database: keyof typeof DATABASES): Attributes {
  if (step.kind === 'field') return { 'graphql.field.name': step.name };
  if (step.kind === 'commit') {
    return {
      'db.system.name': DATABASES[database],
      'db.operation.name': 'COMMIT',
      ...(step.items > 1 && { 'db.operation.batch.size': step.items }),
    };
  }
  const { hostname, port, protocol } = new URL(step.url);
  return {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': port === '' ? (DEFAULT_PORTS[protocol] ?? 0) : Number(port),
    'url.full': step.url,
    ...(step.resends > 0 && { 'http.request.resend_count': step.resends }),
  };
}

/** What went wrong; its words are left out, for they may be the service's. */
export function failureAttributes(error: unknown): { readonly type: string } & Attributes {
  if (!(error instanceof TaskFailure)) return { type: error instanceof Error ? error.name : 'Error' };
  return { type: error.code, 'gateway.code': error.code, 'gateway.outcome': error.outcome };
}
