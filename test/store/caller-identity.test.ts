import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toIdentity } from '../../src/store/caller-identity.ts';

const EXPIRES_AT_MS = Date.UTC(2027, 0, 1);

function forwarded(authorization: string, subject?: string) {
  const verified = subject === undefined ? {} : { verified: { subject, expiresAtMs: EXPIRES_AT_MS } };
  return toIdentity({ kind: 'forwarded', authorization, ...verified });
}

function scopeOf(authorization: string): string {
  return `authorization:${createHash('sha256').update(authorization).digest('base64url')}`;
}

describe('an Authorization header that only the service can verify', () => {
  test.each(['bearer x', 'BEARER x', 'Bearer   x', 'bEaReR\tx'])(
    'the header %j identifies the same caller as "Bearer x"',
    (authorization) => {
      expect(forwarded(authorization).scope).toBe(forwarded('Bearer x').scope);
    },
  );

  test.each(['Bearer X', 'Bearer x y', 'Basic x', 'Bearerx', 'Bearer'])(
    'the header %j identifies another caller than "Bearer x"',
    (authorization) => {
      expect(forwarded(authorization).scope).not.toBe(forwarded('Bearer x').scope);
    },
  );

  test.each(['Bearer x', 'Basic eDp5', 'Digest username="a", uri="/"', 'token'])(
    'the header %j has the scope of its hash, so that its keys survive an upgrade',
    (authorization) => {
      expect(forwarded(authorization).scope).toBe(scopeOf(authorization));
    },
  );
});

describe('a JWT that this gateway has verified', () => {
  test('a verified JWT has the scope of its subject, forwarded or not', () => {
    const { scope } = forwarded('bearer a.b.c', 'user-17');
    expect(scope).toBe(toIdentity({ kind: 'subject', subject: 'user-17' }).scope);
    expect(forwarded('Bearer d.e.f', 'user-17').scope).toBe(scope);
  });

  test('a JWT of another subject identifies another caller', () => {
    expect(forwarded('Bearer a.b.c', 'user-18').scope).not.toBe(forwarded('Bearer a.b.c', 'user-17').scope);
  });
});

test('no scope contains a credential in clear text', () => {
  expect(JSON.stringify(forwarded('Bearer a.secret.token', 'user-17'))).not.toMatch(/secret|user-17/);
});
