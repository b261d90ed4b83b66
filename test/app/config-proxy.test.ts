import { describe, expect, test } from 'vitest';
import { ConfigError, type Environment, readConfig } from '../../src/app/config.ts';

const ON = { NODE_USE_ENV_PROXY: '1' };
const PROXY = 'http://proxy:3128/';
const HTTPS = 'https://service.example/base';
const HTTP = 'http://service.example/base';

function proxyOf(env: Environment, UPSTREAM_URL = HTTPS): string | null {
  return readConfig({ UPSTREAM_URL, ...env }, 'serve').upstream?.proxy?.href ?? null;
}

describe('the proxy for connections to the service', () => {
  test.each<readonly [string, Environment, string | null]>([
    [HTTPS, { HTTPS_PROXY: PROXY }, PROXY],
    [HTTPS, { https_proxy: PROXY, HTTPS_PROXY: 'http://other/' }, PROXY],
    [HTTPS, { HTTP_PROXY: PROXY }, PROXY],
    [HTTPS, { HTTP_PROXY: 'http://other/', HTTPS_PROXY: PROXY }, PROXY],
    [HTTP, { HTTP_PROXY: PROXY }, PROXY],
    [HTTP, { http_proxy: PROXY, HTTP_PROXY: 'http://other/' }, PROXY],
    [HTTP, { HTTPS_PROXY: PROXY }, null],
    [HTTP, {}, null],
  ])('for %s with %j is %s', (address, env, proxy) => {
    expect(proxyOf({ ...ON, ...env }, address)).toBe(proxy);
  });

  test('is used only if Node is configured to use the proxy variables', () => {
    expect(proxyOf({ HTTPS_PROXY: PROXY })).toBeNull();
    expect(proxyOf({ HTTPS_PROXY: PROXY, NODE_USE_ENV_PROXY: '0' })).toBeNull();
    expect(proxyOf({ HTTPS_PROXY: PROXY, NODE_OPTIONS: '--use-env-proxy' })).toBe(PROXY);
  });

  test('is named among the variables without effect if it is set but not used', () => {
    const ignored = (env: Environment): readonly string[] =>
      readConfig({ UPSTREAM_URL: HTTPS, HTTP_PROXY: PROXY, ...env }, 'serve').ignoredVariables;
    expect(ignored({})).toEqual([expect.stringMatching(/^proxy: HTTP_PROXY is set, .*; if .*NODE_USE_ENV_PROXY=1/)]);
    expect(ignored(ON)).toEqual([]);
    expect(ignored({ NO_PROXY: 'service.example' })).toEqual([]);
  });

  test.each([
    '*',
    'service.example',
    'SERVICE.example',
    'example',
    '.example',
    '*.example',
    'a.example, service.example',
    'a.example service.example:443',
    '*:443',
  ])('is not used with NO_PROXY=%s', (NO_PROXY) => {
    expect(proxyOf({ ...ON, HTTPS_PROXY: PROXY, NO_PROXY })).toBeNull();
  });

  test.each(['', 'other.example', 'vice.example', '*.service.example', 'service.example:80', '*:80', ','])(
    'is used with NO_PROXY=%j',
    (NO_PROXY) => {
      expect(proxyOf({ ...ON, HTTPS_PROXY: PROXY, NO_PROXY })).toBe(PROXY);
    },
  );

  test.each(['::1', '[::1]', '[::1]:8080'])('is not used for an IPv6 address in NO_PROXY: %s', (NO_PROXY) => {
    expect(proxyOf({ ...ON, HTTP_PROXY: PROXY, NO_PROXY }, 'http://[::1]:8080/')).toBeNull();
  });

  test.each(['proxy:3128', 'socks5://proxy', 'http://'])('is refused if it is %s', (HTTPS_PROXY) => {
    expect(() => proxyOf({ ...ON, HTTPS_PROXY })).toThrow(
      new ConfigError(['HTTPS_PROXY: expected the http or https address of a proxy, such as http://proxy:3128']),
    );
  });
});
