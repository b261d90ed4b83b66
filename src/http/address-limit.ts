import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientAddresses } from './client-address.ts';
import type { Limit } from '../telemetry/metrics.ts';
import { RequestRefusal } from './request-refusal.ts';

export interface AddressLimitOptions {
  /** Connections of one address; for a client behind a trusted proxy, its requests in flight. */
  readonly max: number;
  readonly addresses: ClientAddresses;
  /** Called for each connection that is closed. */
  readonly onRefused: (limit: Limit) => void;
}

/** Limits how much of the server one client address may use. */
export interface AddressLimit {
  /** Closes connections beyond the limit. Loopback and trusted proxies may have any number. */
  guard(server: Server): void;
  /** Counts the request of a client behind a trusted proxy; gives the refusal where there are too many. */
  begin(request: IncomingMessage): RequestRefusal | null;
  /** The request that `begin` let through has ended. */
  end(request: IncomingMessage): void;
}

export function createAddressLimit({ max, addresses, onRefused }: AddressLimitOptions): AddressLimit {
  const connections = createCounts(max);
  const requests = createCounts(max);
  const counted = new Map<IncomingMessage, string>();
  return {
    guard(server) {
      server.on('connection', (socket: Socket) => {
        const { remoteAddress = '' } = socket;
        if (addresses.isShared(remoteAddress)) return;
        const key = addresses.toKey({ socket, headers: {} });
        if (connections.add(key)) {
          socket.once('close', () => connections.remove(key));
          return;
        }
        onRefused('address_connections');
        socket.destroy();
      });
    },
    begin(request) {
      if (!addresses.isForwarded(request)) return null;
      const key = addresses.toKey(request);
      if (!requests.add(key)) {
        return new RequestRefusal('Too many requests of this address are in flight. Nothing was sent.', {
          status: 429,
          code: 'OVERLOADED',
          retryable: true,
          limit: 'address_requests',
        });
      }
      counted.set(request, key);
      return null;
    },
    end(request) {
      const key = counted.get(request);
      if (key !== undefined && counted.delete(request)) requests.remove(key);
    },
  };
}

/** Numbers by key, each at most `max`; a key of which there is nothing is not kept. */
function createCounts(max: number) {
  const counts = new Map<string, number>();
  return {
    add(key: string): boolean {
      const count = counts.get(key) ?? 0;
      if (count >= max) return false;
      counts.set(key, count + 1);
      return true;
    },
    remove(key: string): void {
      const count = counts.get(key) ?? 0;
      if (count > 1) counts.set(key, count - 1);
      else counts.delete(key);
    },
  };
}
