import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { createCohort } from '../event-loop/cohort.ts';

const NOTHING = Buffer.alloc(0);
const arrived = createCohort();

/**
 * The body of a request; null as soon as it is known to be larger than `maxBytes`, whatever its headers say.
 * What is too much is read and dropped, so that the caller gets to read the answer instead of a reset connection.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    request.resume();
    return Promise.resolve(null);
  }
  return new Promise((resolve, reject) => {
    /** Most bodies come in one piece. */
    let first: Buffer | null = null;
    let others: Buffer[] | null = null;
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) resolve(null);
      else if (first === null) first = chunk;
      else (others ??= []).push(chunk);
    });
    const join = (): Buffer => (others ? Buffer.concat([first ?? NOTHING, ...others]) : (first ?? NOTHING));
    let isWhole = false;
    request.on('end', () => {
      isWhole = true;
      arrived.join(() => {
        try {
          resolve(join());
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on('error', (error) => {
      // What has arrived in full is to be answered, even where its caller leaves in the same turn.
      if (!isWhole) reject(error);
    });
  });
}
