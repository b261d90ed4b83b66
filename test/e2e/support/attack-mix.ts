import { connect, type Socket } from 'node:net';
import { createCaller } from './graphql-caller.ts';
import { HOSTILE_ANSWERS } from './hostile-answers.ts';

/** A gateway and the attacker's credentials there. */
export interface AttackTarget {
  readonly address: URL;
  readonly authorization: string;
  /** Credentials whose creates get hostile answers of the service; null for a gateway without a service. */
  readonly hostileAuthorization: string | null;
}

interface LargeTask extends AttackTarget {
  /** One of the attacker's large tasks. */
  readonly taskId: string;
}

/** Occupies memory or connections; resolves with the sockets that hold them. */
type Occupation = (target: LargeTask) => Promise<readonly Socket[]>;
/** Sends a bounded number of requests; resolves when each has been answered or refused. */
type Burst = (target: LargeTask) => Promise<unknown>;

const LARGE_TASKS = 40;
const LARGE_PARAMETERS = JSON.stringify('x'.repeat(900_000));
const PAGE = '{ accountTasks(first: 100) { edges { node { parameters detail } } } }';
const ENTITIES = 'query ($r: [_Any!]!) { _entities(representations: $r) { ... on AccountTask { parameters } } }';
const BATCH = 'mutation ($i: [CreateAccountTaskItem!]!) { createAccountTasks(inputs: $i) { __typename } }';
const METRICS = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
const LAST_METRICS = METRICS.replace('Host', 'Connection: close\r\nHost');
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

const OCCUPATIONS: readonly Occupation[] = [
  function neverReadAnswers(target) {
    const body = JSON.stringify({ query: PAGE });
    return times(4, async () => {
      const socket = open(target);
      socket.write(toPost('/graphql', body, body.length, target.authorization));
      await firstOf(socket, 'readable', 'close');
      return socket;
    });
  },
  function neverEndBodies(target) {
    return times(30, async (number) => {
      const [bytes, authorization] = number % 2 === 0 ? [900_000, target.authorization] : [60_000, null];
      const socket = open(target).resume();
      const written = Promise.withResolvers<void>();
      socket.write(toPost('/graphql', ' '.repeat(bytes - 1), bytes, authorization), () => written.resolve());
      await Promise.race([written.promise, firstOf(socket, 'close')]);
      return socket;
    });
  },
  function sendNothing(target) {
    return times(100, async () => {
      const socket = open(target).resume();
      await firstOf(socket, 'connect', 'close');
      return socket;
    });
  },
];

const BURSTS: readonly Burst[] = [
  function requestManyEntities(target) {
    const known = Array.from({ length: 1_000 }, () => ({ __typename: 'AccountTask', id: target.taskId }));
    return Promise.all([
      ask(target, ENTITIES, { r: known }),
      ask(target, ENTITIES, { r: Array.from({ length: 5 }, () => known).flat() }),
      ask({ ...target, authorization: null }, ENTITIES, { r: known }),
      ask({ ...target, authorization: null }, ENTITIES, { r: Array.from({ length: 450_000 }, () => 1) }),
    ]);
  },
  function sendHugeLists(target) {
    return Promise.all([
      ask(target, BATCH, { i: Array.from({ length: 10_000 }, () => ({ input: null })) }),
      ask(target, BATCH, { i: Array.from({ length: 300_000 }, () => 1) }),
      ask(target, 'query ($n: Int) { accountTasks(first: $n) { edges { cursor } } }', { n: 1_000_000 }),
    ]);
  },
  (target) => times(2, () => ask(target, PAGE)),
  function requestLargeFieldsUnderManyAliases(target) {
    const aliases = Array.from({ length: 95 }, (_, n) => `a${n}: accountTask(id: "${target.taskId}") { parameters }`);
    return ask(target, `{ ${aliases.join(' ')} }`);
  },
  (target) => times(4, () => exchange(target, METRICS.repeat(150) + LAST_METRICS)),
  (target) => times(200, () => read(fetch(new URL('ready', target.address)))),
  function sendBigForms(target) {
    const body = Array.from({ length: 15_000 }, (_, n) => `n${n % 10}=`).join('&');
    return times(4, () => read(fetch(new URL('Token', target.address), { method: 'POST', body, headers: FORM })));
  },
  async function receiveHostileAnswers({ address, hostileAuthorization }) {
    if (hostileAuthorization === null) return;
    const caller = createCaller(hostileAuthorization);
    const createAll = (parameters: string) => times(HOSTILE_ANSWERS.length, () => caller.create(address, parameters));
    // The bound of an answer grows with its request.
    const verdicts = [...(await createAll('{}')), ...(await createAll(LARGE_PARAMETERS))];
    if (verdicts.some(({ kind }) => kind === 'created')) throw new Error('A hostile answer was taken for a task.');
  },
  ({ address, authorization }) => times(4, () => createCaller(authorization).create(address, LARGE_PARAMETERS)),
];

/** Runs every attack at once, `rounds` times. It ignores how the attacks are refused. */
export async function attack(target: AttackTarget, rounds: number): Promise<void> {
  const { address, authorization } = target;
  const large = await times(LARGE_TASKS, () => createCaller(authorization).create(address, LARGE_PARAMETERS));
  const taskId = large.find((verdict) => verdict.kind === 'created')?.id;
  if (taskId === undefined) throw new Error(`The attacker has no task: ${JSON.stringify(large[0])}`);
  for (let round = 0; round < rounds; round += 1) {
    const occupied = await Promise.all(OCCUPATIONS.map((occupy) => occupy({ ...target, taskId })));
    await Promise.all(BURSTS.map((burst) => burst({ ...target, taskId })));
    for (const socket of occupied.flat()) socket.destroy();
  }
}

function times<T>(count: number, work: (number: number) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: count }, (_, number) => work(number)));
}

interface Caller {
  readonly address: URL;
  readonly authorization: string | null;
}

function ask({ address, authorization }: Caller, query: string, variables: object = {}): Promise<void> {
  const headers = { 'Content-Type': 'application/json', ...(authorization && { Authorization: authorization }) };
  const body = JSON.stringify({ query, variables });
  return read(fetch(new URL('graphql', address), { method: 'POST', headers, body }));
}

/** Reads and discards an answer until its end or that of its connection. */
async function read(answering: Promise<Response>): Promise<void> {
  try {
    await (await answering).body?.pipeTo(new WritableStream());
  } catch {
    // The gateway refused by closing the connection.
  }
}

function exchange(target: LargeTask, bytes: string): Promise<void> {
  const socket = open(target).resume();
  socket.write(bytes);
  return firstOf(socket, 'close');
}

function open({ address }: AttackTarget): Socket {
  const socket = connect(Number(address.port), address.hostname);
  // The gateway refused by closing the connection.
  return socket.on('error', () => socket.destroy());
}

function firstOf(socket: Socket, ...events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    for (const event of events) socket.once(event, () => resolve());
  });
}

function toPost(path: string, body: string, length: number, authorization: string | null): string {
  const head = [`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Type: application/json', `Content-Length: ${length}`];
  if (authorization !== null) head.push(`Authorization: ${authorization}`);
  return [...head, '', body].join('\r\n');
}
