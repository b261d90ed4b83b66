/** Hides values in the errors of requests that add clients, because graphql-js quotes a bad value and a client's secret is one. */
import type { GraphQLError } from 'graphql';

/** The words for a value that is not quoted. */
const HIDDEN = '[hidden]';

/** A document that adds a client, or tries to. It may not be one that can be parsed. */
const ADDS_CLIENT = /createClient/i;

/** The token, character or escape that a syntax error quotes. The kind of a token is kept. */
const QUOTED_SYNTAX =
  /(?<=\b(?:Name|String|BlockString|Int|Float) )".*"|(?<=\b(?:character|sequence|got|0|String): ).*(?=\.$)/s;

/** The words before the value in any other message. */
const BEFORE_VALUE = /^.*?(?:\bgot (?:invalid value )?|\bhas invalid value |\bfound |\bvalue: |\bValue )/s;

/** The words after the value of a variable: its path, and a reason without another value or up to that value. */
const AFTER_VALUE =
  /(?: at "[\w.[\]]+")?; (?:(?:Field|Expected|Exactly) (?:[\w -]|"[\w![\]]+")+\.(?: Did you mean [\w ,"]+\?)?$|\w+ cannot represent [\w -]+: (?=.))/s;

/** Returns the message of an error of GraphQL's own. It quotes no value if the document of the error adds a client. */
export function toSafeMessage({ message, source }: GraphQLError): string {
  if (!source || !ADDS_CLIENT.test(source.body)) return message;
  if (message.startsWith('Syntax Error: ')) return message.replace(QUOTED_SYNTAX, HIDDEN);
  const [before] = BEFORE_VALUE.exec(message) ?? [];
  if (before === undefined) return message;
  const [after = ''] = AFTER_VALUE.exec(message.slice(before.length)) ?? [];
  return before + HIDDEN + (after.endsWith(': ') ? `${after}${HIDDEN}.` : after || '.');
}
