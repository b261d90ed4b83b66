import type { IncomingHttpHeaders, Server } from 'node:http';
import { BlockList, isIP, type Socket } from 'node:net';
import type { Limit } from '../telemetry/metrics.ts';
import { RequestRefusal } from './answer.ts';

/** The parts of a request that identify its client. */
export interface Sender {
  readonly headers: IncomingHttpHeaders;
  /** The peer of the connection; empty if it is unknown. */
  readonly remoteAddress: string;
}

/** Identifies the clients of requests for limits. */
export interface ClientAddresses {
  /**
   * The rate-limit key of a request's client: its address, an IPv6 address as its /64 prefix. A trusted proxy's request
   * counts for the address that the proxy received it from.
   */
  readonly toKey: (request: Sender) => string;
  /** Returns true if a trusted proxy names the client in X-Forwarded-For. */
  readonly isForwarded: (request: Sender) => boolean;
  /** Returns true for loopback and trusted proxies, which connect for many clients. */
  readonly isShared: (address: string) => boolean;
}

const LOOPBACK = ['127.0.0.0/8', '::1'] as const;
const MAPPED = /^::ffff:(?=[\d.]+$)/i;
/** An address with a port, as some proxies write it. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/;

export function createClientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  const isTrusted = createMatcher(trustedProxies);
  const isLoopback = createMatcher(LOOPBACK);
  const isForwarded = ({ headers, remoteAddress }: Sender): boolean =>
    headers['x-forwarded-for'] !== undefined && isTrusted(remoteAddress);
  return {
    isForwarded,
    isShared: (address) => isLoopback(address) || isTrusted(address),
    toKey(request) {
      let address = request.remoteAddress;
      if (!isForwarded(request)) return toKey(address);
      // Each proxy appends its peer. The client can forge everything before the last untrusted address.
      for (const entry of request.headers['x-forwarded-for']?.toString().split(',').toReversed() ?? []) {
        const [, v6, v4] = WITH_PORT.exec(entry.trim()) ?? [];
        const previous = v6 ?? v4 ?? entry.trim();
        if (isIP(previous) === 0) break;
        address = previous;
        if (!isTrusted(address)) break;
      }
      return toKey(address);
    },
  };
}

/** Returns a function that matches the addresses in a list of addresses and CIDR blocks. */
function createMatcher(entries: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
  }
  return (address) => {
    const family = isIP(address);
    return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Returns the /64 prefix of an IPv6 address, with all groups written out, or an IPv4 address as it is. */
function toKey(address: string): string {
  const plain = address.replace(MAPPED, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::', 2);
  const groups = toGroups(head);
  const last = tail === undefined ? [] : toGroups(tail);
  const zeros = Array.from({ length: 8 - groups.length - last.length }, () => '0');
  return [...groups, ...zeros, ...last].slice(0, 4).join(':');
}

function toGroups(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}

export interface AddressLimitOptions {
  /** The connections of one address or, for a client behind a trusted proxy, its requests in flight. */
  readonly max: number;
  readonly addresses: ClientAddresses;
  /** Called for each connection that is closed. */
  readonly onRefused: (limit: Limit) => void;
}

/** Limits the connections and requests of one client address. */
export interface AddressLimit {
  /** Closes connections beyond the limit. Loopback and trusted proxies may have any number. */
  guard(server: Server): void;
  /** Counts the request of a client behind a trusted proxy; returns a refusal if there are too many. */
  begin(request: Sender): RequestRefusal | null;
  /** Uncounts a request that `begin` has counted. */
  end(request: Sender): void;
}

export function createAddressLimit({ max, addresses, onRefused }: AddressLimitOptions): AddressLimit {
  const connections = createCounts(max);
  const requests = createCounts(max);
  const counted = new Map<Sender, string>();
  return {
    guard(server) {
      server.on('connection', (socket: Socket) => {
        const { remoteAddress = '' } = socket;
        if (addresses.isShared(remoteAddress)) return;
        const key = addresses.toKey({ remoteAddress, headers: {} });
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
        return new RequestRefusal('Too many requests from this address are in flight. Nothing was sent.', {
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

/** Counts by key, up to `max` each. */
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
