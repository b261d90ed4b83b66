import { GraphQLError } from 'graphql';
import { TaskFailure } from '../../contract/failure.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import type { RequestRecord } from '../../telemetry/request-record.ts';

/** The most errors in one answer, and the most failures of one request that have a line in the log. */
const MAX_FAILURES = 20;

/** The errors that an answer holds: the first ones, and whichever say what became of a write. */
export function limitErrors(
  errors: readonly GraphQLError[],
  record: RequestRecord | undefined,
  isOfWrite: (error: GraphQLError, index: number) => boolean = () => false,
): readonly GraphQLError[] {
  if (errors.length <= MAX_FAILURES) return errors;
  let others = MAX_FAILURES - errors.filter(isOfWrite).length;
  const kept = errors.filter((error, index) => isOfWrite(error, index) || (others -= 1) >= 0);
  if (record) record.failuresLeftOut += errors.length - kept.length;
  return kept;
}

/** Lets the last error of an answer say how many were left out. */
export function withOmittedCount(errors: readonly GraphQLError[], more: number): GraphQLError[] {
  const last = errors.at(-1);
  if (!last || more === 0) return [...errors];
  const { nodes, source, positions, path, extensions } = last;
  const counted = new GraphQLError(`${last.message} (and ${more} more errors)`, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions,
  });
  return [...errors.slice(0, -1), counted];
}

/** Counts a failure and says whether it has a line in the log: an UNKNOWN one always has, since somebody must look it up. */
export function takeLogLine(error: unknown, record: RequestRecord | undefined): boolean {
  if (!record) return true;
  const isUnknown = error instanceof TaskFailure && error.outcome === 'UNKNOWN';
  if (record.failuresLogged >= MAX_FAILURES && !isUnknown) {
    record.failuresLeftOut += 1;
    return false;
  }
  record.failuresLogged += 1;
  return true;
}

/** Tells the log and the metrics, at the end of a request, how many failures were left out. */
export function reportOmittedFailures(
  { requestId, failuresLogged, failuresLeftOut }: RequestRecord,
  { log, metrics }: { readonly log: Log; readonly metrics: Metrics },
): void {
  if (failuresLeftOut === 0) return;
  metrics.countRefusal('failures');
  if (failuresLogged > 0) log.warn({ requestId }, `and ${failuresLeftOut} more failures of this request`);
}
