import { type GatewayAnswer, type RunningGateway, SAMPLE_INPUT } from './running-gateway.ts';

/** One result of a batch, of either type of the union. */
export interface BatchResult {
  readonly __typename: 'CreateAccountTaskPayload' | 'CreateAccountTaskFailure';
  readonly replayed?: boolean;
  readonly accountTask?: { readonly id: string; readonly parameters: string };
  readonly code?: string;
  readonly outcome?: string;
  readonly message?: string;
  readonly requestId?: string;
}

export interface BatchItem {
  readonly input: Readonly<Record<string, unknown>>;
  readonly idempotencyKey?: string | null;
}

const MUTATION = `mutation ($inputs: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $inputs) {
  __typename
  ... on CreateAccountTaskPayload { replayed accountTask { id parameters } }
  ... on CreateAccountTaskFailure { message code outcome errorCode errorReason retryable requestId }
} }`;

/** Sends a batch and returns the complete answer. */
export function sendBatch(
  gateway: RunningGateway,
  inputs: readonly BatchItem[],
  headers?: Record<string, string>,
): Promise<GatewayAnswer> {
  return gateway.graphql({ query: MUTATION, variables: { inputs } }, headers);
}

/** Sends a batch and returns its results. Throws if the batch fails as a whole. */
export async function createBatch(
  gateway: RunningGateway,
  inputs: readonly BatchItem[],
  headers?: Record<string, string>,
): Promise<readonly BatchResult[]> {
  const { json, text } = await sendBatch(gateway, inputs, headers);
  if (!json.data || json.errors) throw new Error(`The batch failed as a whole: ${text}`);
  return json.data['createAccountTasks'] as unknown as readonly BatchResult[];
}

/** An item with the given Parameters. */
export function item(parameters: string, fields: Readonly<Record<string, unknown>> = {}): BatchItem {
  return { input: { ...SAMPLE_INPUT, parameters, ...fields } };
}

/** Items whose Parameters are the numbers from 0. */
export function items(count: number): readonly BatchItem[] {
  return Array.from({ length: count }, (_, index) => item(String(index)));
}
