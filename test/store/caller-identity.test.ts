import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toIdentity } from '../../src/store/caller-identity.ts';

const EXPIRES_AT_MS = Date.UTC(2027, 0, 1);

function forwarded(authorization: string, subject?: string) {
  const verified = subject === undefined ? {} : { verified: { subject, expiresAtMs: EXPIRES_AT_MS } };
  return toIdentity({ kind: 'forwarded', authorization, ...verified });
}

/** The scope of version 0.1. */
function verbatimScope(authorization: string): string {
  return `authorization:${createHash('sha256').update(authorization).digest('base64url')}`;
}

describe('an Authorization header that only the service can verify', () => {
  test.each(['bearer x', 'BEARER x', 'Bearer   x', 'bEaReR\tx'])(
    'the header %j identifies the same caller as "Bearer x"',
    (authorization) => {
      expect(forwarded(authorization).scopes[0]).toBe(forwarded('Bearer x').scopes[0]);
    },
  );

  test.each(['Bearer X', 'Bearer x y', 'Basic x', 'Bearerx', 'Bearer'])(
    'the header %j identifies another caller than "Bearer x"',
    (authorization) => {
      expect(forwarded(authorization).scopes[0]).not.toBe(forwarded('Bearer x').scopes[0]);
    },
  );

  test.each(['Bearer x', 'Basic eDp5', 'Digest username="a", uri="/"', 'token'])(
    'the header %j has only the scope of version 0.1',
    (authorization) => {
      expect(forwarded(authorization).scopes).toEqual([verbatimScope(authorization)]);
    },
  );

  test('a header with an unusual spelling has its own scope, then that of version 0.1', () => {
    expect(forwarded('bearer x').scopes).toEqual([verbatimScope('Bearer x'), verbatimScope('bearer x')]);
  });
});

describe('a JWT that this gateway has verified', () => {
  test('a verified JWT has the scope of its subject, forwarded or not, then the scopes of version 0.1', () => {
    const { scopes } = forwarded('bearer a.b.c', 'user-17');
    expect(scopes).toEqual([
      ...toIdentity({ kind: 'subject', subject: 'user-17' }).scopes,
      verbatimScope('Bearer a.b.c'),
      verbatimScope('bearer a.b.c'),
    ]);
    expect(forwarded('Bearer d.e.f', 'user-17').scopes[0]).toBe(scopes[0]);
  });

  test('a JWT of another subject identifies another caller', () => {
    expect(forwarded('Bearer a.b.c', 'user-18').scopes[0]).not.toBe(forwarded('Bearer a.b.c', 'user-17').scopes[0]);
  });
});

test('no scope contains a credential in clear text', () => {
  expect(JSON.stringify(forwarded('Bearer a.secret.token', 'user-17'))).not.toMatch(/secret|user-17/);
});
