import type { IncomingHttpHeaders } from 'node:http';
import { mediaTypeName } from '../wire/media-type.ts';

/** A client that asks for a token in its own name, and what it shows for it. */
export interface TokenRequest {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Why a request is no token request, in OAuth's words. */
export interface TokenRequestError {
  readonly error: 'invalid_request' | 'invalid_client' | 'unsupported_grant_type';
  readonly description: string;
  /** The bound that was reached; absent: there is no bound in it. */
  readonly limit?: 'form_fields';
}

/** A request has four at most, and clients add some that mean nothing here. */
const MAX_PARAMETERS = 50;

/** Reads OAuth's client credentials form; the credentials may come in it or as HTTP Basic, but not both. */
export function readTokenRequest(headers: IncomingHttpHeaders, body: Buffer): TokenRequest | TokenRequestError {
  if (mediaTypeName(headers['content-type']) !== 'application/x-www-form-urlencoded') {
    return invalidRequest('The body has to be application/x-www-form-urlencoded.');
  }
  const form = new URLSearchParams(body.toString('utf8'));
  if (form.size > MAX_PARAMETERS)
    return { ...invalidRequest(`There are more than ${MAX_PARAMETERS} parameters.`), limit: 'form_fields' };
  if (new Set(form.keys()).size < form.size) return invalidRequest('A parameter is given twice.');
  const grantType = form.get('grant_type');
  if (!grantType) return invalidRequest('The parameter grant_type is missing.');
  if (grantType !== 'client_credentials') {
    return { error: 'unsupported_grant_type', description: 'The grant_type has to be client_credentials.' };
  }
  if (usesBasic(headers)) {
    if (form.has('client_secret')) return invalidRequest('The client shows its secret in two ways.');
    return readBasic(headers.authorization) ?? invalidClient('The Basic credentials cannot be read.');
  }
  const clientId = form.get('client_id');
  const clientSecret = form.get('client_secret');
  if (!clientId || !clientSecret) return invalidClient('The parameters client_id and client_secret are needed.');
  return { clientId, clientSecret };
}

/** True where the client shows its secret as HTTP Basic: then a wrong one is answered with a challenge (RFC 6749, 5.2). */
export function usesBasic({ authorization = '' }: IncomingHttpHeaders): boolean {
  return /^Basic\b/i.test(authorization);
}

/** OAuth writes both parts as a form does before it joins them with a colon. */
function readBasic(authorization = ''): TokenRequest | null {
  const [, encoded = ''] = /^Basic +([\w+/-]+=*)$/i.exec(authorization.trim()) ?? [];
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  if (!id || !secret) return null;
  try {
    return { clientId: decodeFormText(id), clientSecret: decodeFormText(secret) };
  } catch {
    return null;
  }
}

function decodeFormText(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

function invalidRequest(description: string): TokenRequestError {
  return { error: 'invalid_request', description };
}

function invalidClient(description: string): TokenRequestError {
  return { error: 'invalid_client', description };
}
