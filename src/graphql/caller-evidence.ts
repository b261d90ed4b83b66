import type { GatewayContext } from '../schema/context.ts';
import { type RequestRecord, toOutcome } from '../telemetry/request-record.ts';

/**
 * Whether a request without errors has come from somebody who is known: the gateway has checked the credentials itself, or
 * the service has created something for them.
 */
export async function isCallerKnown(context: GatewayContext, record: RequestRecord | undefined): Promise<boolean> {
  if (record && toOutcome(record) === 'CREATED') return true;
  try {
    const caller = await context.askedCaller();
    return caller !== undefined && caller.kind !== 'forwarded';
  } catch {
    return false;
  }
}
