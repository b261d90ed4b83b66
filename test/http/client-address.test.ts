import { describe, expect, test } from 'vitest';
import { createClientAddresses } from '../../src/http/client-address.ts';

const request = (remoteAddress: string, forwardedFor?: string) => ({
  remoteAddress,
  headers: forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor },
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::6', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8::2:3:4:5:6', '2001:db8:0:2'],
  ['2001:db8::', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['', ''],
])('the address %s counts as %s', (address, key) => {
  expect(createClientAddresses([]).toKey(request(address))).toBe(key);
});

describe('X-Forwarded-For', () => {
  const addresses = createClientAddresses(['10.0.0.0/8', '2001:db8:ffff::/48', '192.0.2.1']);

  test.each([
    ['10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['::ffff:10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['2001:db8:ffff::9', '2001:db8:1:2:3::4', '2001:db8:1:2'],
    ['192.0.2.1', '198.51.100.7:40000', '198.51.100.7'],
    ['192.0.2.1', '[2001:db8:1:2::4]:40000', '2001:db8:1:2'],
    ['10.0.0.1', 'invented, 203.0.113.1, 198.51.100.7', '198.51.100.7'],
    ['10.0.0.1', '203.0.113.1, 198.51.100.7, 10.0.0.2, 192.0.2.1', '198.51.100.7'],
    ['10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['10.0.0.1', 'unknown', '10.0.0.1'],
    ['10.0.0.1', 'unknown, 10.0.0.2', '10.0.0.2'],
    ['10.0.0.1', '', '10.0.0.1'],
  ])('from the trusted proxy %s, with %j, names the client %s', (proxy, forwardedFor, key) => {
    expect(addresses.toKey(request(proxy, forwardedFor))).toBe(key);
  });

  test.each(['192.0.2.2', '127.0.0.1', ''])('from "%s", which is not a trusted proxy, is ignored', (peer) => {
    expect(addresses.toKey(request(peer, '198.51.100.7'))).toBe(peer);
    expect(addresses.isForwarded(request(peer, '198.51.100.7'))).toBe(false);
  });

  test('is absent if a trusted proxy sends its own request', () => {
    expect(addresses.isForwarded(request('10.0.0.1'))).toBe(false);
    expect(addresses.toKey(request('10.0.0.1'))).toBe('10.0.0.1');
  });
});

test('loopback and trusted proxies are shared by many clients', () => {
  const { isShared } = createClientAddresses(['10.0.0.0/8', '2001:db8::1']);
  const shared = ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '10.255.0.1', '2001:db8::1'];
  expect(shared.filter(isShared)).toEqual(shared);
  expect(['192.0.2.1', '2001:db8::2', '11.0.0.1', '', 'fe80::1%eth0'].filter(isShared)).toEqual([]);
});
