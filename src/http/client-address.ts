import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, type Socket } from 'node:net';

/** Of a request, what tells its client. */
type Sender = { readonly headers: IncomingHttpHeaders; readonly socket: Pick<Socket, 'remoteAddress'> };

/** The clients of requests, as limits count them. */
export interface ClientAddresses {
  /**
   * The rate-limit key of a request's client: its address, an IPv6 address as its /64 prefix. A trusted proxy's request
   * counts for the address that the proxy received it from.
   */
  readonly toKey: (request: Sender) => string;
  /** True where a trusted proxy says in X-Forwarded-For for which client it asks. */
  readonly isForwarded: (request: Sender) => boolean;
  /** True for loopback and trusted proxies, which connect for many clients. */
  readonly isShared: (address: string) => boolean;
}

const LOOPBACK = ['127.0.0.0/8', '::1'] as const;
const MAPPED = /^::ffff:(?=[\d.]+$)/i;
/** An address with a port, as some proxies write it. */
const WITH_PORT = /^(?:\[([^\]]+)\](?::\d+)?|([\d.]+):\d+)$/;

export function createClientAddresses(trustedProxies: readonly string[]): ClientAddresses {
  const isTrusted = createMatcher(trustedProxies);
  const isLoopback = createMatcher(LOOPBACK);
  const isForwarded = ({ headers, socket }: Sender): boolean =>
    headers['x-forwarded-for'] !== undefined && isTrusted(socket.remoteAddress ?? '');
  return {
    isForwarded,
    isShared: (address) => isLoopback(address) || isTrusted(address),
    toKey(request) {
      let address = request.socket.remoteAddress ?? '';
      if (!isForwarded(request)) return toKey(address);
      // Each proxy adds its peer at the end; what stands before the first untrusted address is the client's to invent.
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

/** True for the addresses that a list of addresses and CIDR blocks contains. */
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

/** An IPv6 address as its /64 prefix with all groups written out; an IPv4 address in either notation as itself. */
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
