import type { IncomingHttpHeaders } from 'node:http';
import { decodeFormText, FORM_TYPE, parseForm, decodeText } from '../wire/text-encoding.ts';
import { mediaTypeName } from '../wire/media-type.ts';

/** The credentials of a client that requests a token. */
export interface TokenRequest {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** An OAuth error. */
export interface TokenRequestError {
  readonly error: 'invalid_request' | 'invalid_client' | 'unsupported_grant_type';
  readonly description: string;
  /** The limit that was exceeded, if it is about a limit. */
  readonly limit?: 'form_fields';
}

/** A request needs four at most, but clients add others. */
const MAX_PARAMETERS = 50;

/** Reads a form of OAuth's client credentials grant. The credentials may be in the form or in HTTP Basic, but not in both. */
export function readTokenRequest(headers: IncomingHttpHeaders, body: Buffer): TokenRequest | TokenRequestError {
  if (mediaTypeName(headers['content-type']) !== FORM_TYPE) {
    return invalidRequest(`The body must be ${FORM_TYPE}, and the Content-Type must say so.`);
  }
  const text = decodeText(body, null);
  const parsed = typeof text === 'string' ? parseForm(text, MAX_PARAMETERS) : text;
  if ('excess' in parsed) return { ...invalidRequest(`The body ${parsed.excess}.`), limit: 'form_fields' };
  if ('problem' in parsed) return invalidRequest(`The body ${parsed.problem}.`);
  const form = new Map(parsed.fields);
  if (form.size < parsed.fields.length) return invalidRequest('A parameter is repeated.');
  const grantType = form.get('grant_type');
  if (!grantType) return invalidRequest('The parameter grant_type is missing.');
  if (grantType !== 'client_credentials') {
    return { error: 'unsupported_grant_type', description: 'The grant_type must be client_credentials.' };
  }
  if (usesBasic(headers)) {
    if (form.has('client_secret'))
      return invalidRequest('The client secret must be sent either in the body or in HTTP Basic, not in both.');
    return (
      readBasic(headers.authorization) ??
      invalidClient('The HTTP Basic credentials are malformed: expected Base64 of <client id>:<client secret>.')
    );
  }
  const clientId = form.get('client_id');
  const clientSecret = form.get('client_secret');
  if (!clientId || !clientSecret) return invalidClient('The parameters client_id and client_secret are required.');
  return { clientId, clientSecret };
}

/** Returns true if the client uses HTTP Basic; then a wrong secret is answered with a challenge (RFC 6749, 5.2). */
export function usesBasic({ authorization = '' }: IncomingHttpHeaders): boolean {
  return /^Basic\b/i.test(authorization);
}

/** Reads HTTP Basic; OAuth form-encodes both parts before it joins them with a colon. */
function readBasic(authorization = ''): TokenRequest | null {
  const [, encoded = ''] = /^Basic +([\w+/-]+=*)$/i.exec(authorization.trim()) ?? [];
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  const clientId = decodeFormText(id ?? '');
  const clientSecret = decodeFormText(secret ?? '');
  return clientId && clientSecret ? { clientId, clientSecret } : null;
}

function invalidRequest(description: string): TokenRequestError {
  return { error: 'invalid_request', description };
}

function invalidClient(description: string): TokenRequestError {
  return { error: 'invalid_client', description };
}
