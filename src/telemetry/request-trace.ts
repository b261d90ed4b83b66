import type { IncomingHttpHeaders } from 'node:http';
import type { BeginStep } from '../contract/call-steps.ts';
import type { RequestRecord } from './request-record.ts';

/** One request in a trace. */
export interface RequestTrace {
  readonly traceId: string;
  /** Its steps are spans below the request's. */
  readonly beginStep: BeginStep;
  end(record: RequestRecord, status: number): void;
}

/** Where traces go. It never throws. */
export interface Tracing {
  /** `route` is the path where it is one of the gateway's own. */
  beginRequest(method: string, route: string | null, headers: IncomingHttpHeaders): RequestTrace;
  /** Sends what was not sent yet, but waits for nobody for long. */
  close(): Promise<void>;
}
