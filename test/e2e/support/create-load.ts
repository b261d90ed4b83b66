import type { GraphqlCaller, ListedTask, Verdict } from './graphql-caller.ts';
import { SAMPLE_INPUT } from '../../support/running-gateway.ts';

/** One create of a load and its acknowledgements. */
export interface LoadedCreate {
  /** Unique within the load. */
  readonly parameters: string;
  /** The idempotency key; null for a create that is sent only once. */
  readonly key: string | null;
  /** Every ID it was acknowledged with. */
  readonly ids: Set<string>;
}

/** The result of comparing a load with the listed tasks. Each entry is the parameters of a create. */
export interface LoadFindings {
  readonly acknowledged: number;
  /** Acknowledged but not listed. */
  readonly lost: readonly string[];
  /** Listed more than once, or acknowledged as two tasks. */
  readonly doubled: readonly string[];
  /** Listed with other values than were sent. */
  readonly damaged: readonly string[];
}

export interface CreateLoad {
  /**
   * Sends creates concurrently: first the unanswered ones with a key, then new ones. After `answers` answers it calls
   * `onEnough` and stops; it resolves when no create is in flight.
   */
  run(address: URL, answers: number, onEnough: () => void): Promise<void>;
  /** Repeats the unanswered creates with a key until each has an answer. */
  finish(address: URL): Promise<void>;
  compare(tasks: readonly ListedTask[]): LoadFindings;
  readonly creates: readonly LoadedCreate[];
}

const CALLERS = 6;
const MAX_PARAMETERS_LENGTH = 8_000;

/** Creates a load in which every second create has an idempotency key. */
export function createLoad(caller: GraphqlCaller): CreateLoad {
  const creates: LoadedCreate[] = [];
  const unanswered: LoadedCreate[] = [];

  const next = (): LoadedCreate => unanswered.shift() ?? addCreate(creates);
  const send = async (address: URL, create: LoadedCreate): Promise<boolean> => {
    const verdict = await caller.create(address, create.parameters, create.key);
    if (verdict.kind === 'unanswered' && create.key !== null) unanswered.push(create);
    note(create, verdict);
    return verdict.kind !== 'unanswered';
  };

  return {
    creates,
    async run(address, answers, onEnough) {
      let answered = 0;
      await inParallel(async () => {
        while (answered < answers) {
          if (!(await send(address, next()))) return;
          answered += 1;
          if (answered === answers) onEnough();
        }
      });
    },
    finish: (address) =>
      inParallel(async () => {
        for (let create = unanswered.shift(); create; create = unanswered.shift()) await send(address, create);
      }),
    compare: (tasks) => compareWith(creates, tasks),
  };
}

function addCreate(creates: LoadedCreate[]): LoadedCreate {
  const number = creates.length;
  const text = 'x'.repeat((number * 997) % MAX_PARAMETERS_LENGTH);
  const create = {
    parameters: JSON.stringify({ number, text }),
    key: number % 2 === 0 ? `key-${number}` : null,
    ids: new Set<string>(),
  };
  creates.push(create);
  return create;
}

function note({ ids, parameters }: LoadedCreate, verdict: Verdict): void {
  if (verdict.kind === 'created') ids.add(verdict.id);
  if (verdict.kind === 'failed')
    throw new Error(`${parameters.slice(0, 20)} failed: ${verdict.failure} ${verdict.message}`);
}

export function compareWith(creates: readonly LoadedCreate[], tasks: readonly ListedTask[]): LoadFindings {
  const byParameters = Map.groupBy(tasks, ({ parameters }) => parameters);
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const sent = new Set(creates.map(({ parameters }) => parameters));
  const isLost = (create: LoadedCreate): boolean =>
    [...create.ids].some((id) => byId.get(id)?.parameters !== create.parameters);
  const isDoubled = ({ parameters, ids }: LoadedCreate): boolean =>
    ids.size > 1 || (byParameters.get(parameters)?.length ?? 0) > 1;
  return {
    acknowledged: creates.filter(({ ids }) => ids.size > 0).length,
    lost: creates.filter(isLost).map(({ parameters }) => parameters),
    doubled: creates.filter(isDoubled).map(({ parameters }) => parameters),
    damaged: tasks.filter((task) => !sent.has(task.parameters) || !isWhole(task)).map(({ parameters }) => parameters),
  };
}

function isWhole(task: ListedTask): boolean {
  const { taskId, frequency, startDate, finishDate, contentType, notification } = SAMPLE_INPUT;
  const asked = { taskId, frequency, startDate, finishDate, contentType, notification };
  const isAsSent = Object.entries(asked).every(([field, value]) => task[field] === value);
  return isAsSent && Object.values(task).every((value) => value !== null && value !== '');
}

async function inParallel(work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: CALLERS }, work));
}
