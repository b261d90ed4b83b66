import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export const ISSUER = 'https://issuer.example/';
export const AUDIENCE = 'account-task-gateway';
export const SUBJECT = 'user-17';

export type KeyPair = Awaited<ReturnType<typeof createKey>>;

export interface Issuer {
  readonly jwksUrl: URL;
  /** Replaces the published keys. */
  publish(...keys: readonly KeyPair[]): void;
  /** Makes it answer with this instead of the keys, or with the keys again if null. */
  fail(answer: { readonly status: number; readonly body: string } | 'never' | null): void;
  /** The number of requests for its keys. */
  readonly fetches: () => number;
  readonly close: () => Promise<void>;
}

/** Creates a key pair with the id that JWTs name it by. */
export async function createKey(kid: string, alg = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, publicKey, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** Starts an issuer that publishes its keys on loopback. */
export async function startIssuer(...keys: readonly KeyPair[]): Promise<Issuer> {
  let published = keys;
  let failure: Parameters<Issuer['fail']>[0] = null;
  let fetches = 0;
  const server = createServer((_, response) => {
    fetches += 1;
    if (failure === 'never') return;
    const { status, body } = failure ?? {
      status: 200,
      body: JSON.stringify({ keys: published.map(({ jwk }) => jwk) }),
    };
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    jwksUrl: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`),
    publish(...others) {
      published = others;
    },
    fail(answer) {
      failure = answer;
    },
    fetches: () => fetches,
    async close() {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}

/** The key that signs a JWT; without `kid` the JWT does not name its key. */
export type SigningKey = Pick<KeyPair, 'alg' | 'privateKey'> & { readonly kid?: string };

/** Signs a JWT of the issuer for the gateway, valid for an hour. `claims` and `header` override members; undefined removes a claim. */
export function signJwt(
  { kid, alg, privateKey }: SigningKey,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const payload = { iss: ISSUER, aud: AUDIENCE, sub: SUBJECT, iat: nowSeconds, exp: nowSeconds + 3600, ...claims };
  return new SignJWT(payload)
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }), ...header })
    .sign(privateKey);
}
