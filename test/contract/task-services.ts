import type { Call, TaskService } from '../../src/contract/task-service.ts';
import { withUpstreamRecords } from '../../src/store/upstream-records.ts';
import type { WireFormat } from '../../src/wire/codec.ts';
import { onTestFinished } from 'vitest';
import type { DatabaseKind } from '../support/databases.ts';
import { SAMPLE_TASK_ID } from '../../src/app/demo.ts';
import { migratedDatabase, sampleCall, sampleStore } from '../support/sample-account.ts';
import { startRestService } from '../support/rest-service.ts';
import { openTaskService } from '../support/upstream-service.ts';

/** A running backend. */
export interface OpenTaskService {
  readonly tasks: TaskService;
  /** A caller who may create tasks. */
  readonly call: Call;
  /** Another such caller, who shares nothing with the first. */
  readonly otherCall: Call;
}

export interface TaskServiceKind {
  readonly name: string;
  /** True if the backend can read tasks back and supports idempotency keys. */
  readonly remembers: boolean;
  /** True if accounts need a client and TaskIDs must be in a catalogue. */
  readonly hasCatalogue: boolean;
  readonly open: () => Promise<OpenTaskService>;
}

/** A TaskID that every backend knows. */
export const KNOWN_TASK_ID = SAMPLE_TASK_ID;

/** Every backend in every configuration that changes its behaviour. */
export const TASK_SERVICES: readonly TaskServiceKind[] = [
  stored('SQLite'),
  stored('PostgreSQL'),
  sent('json'),
  sent('xml'),
  remembered('json', 'SQLite'),
  remembered('xml', 'PostgreSQL'),
];

function stored(kind: DatabaseKind): TaskServiceKind {
  return {
    name: `the store on ${kind}`,
    remembers: true,
    hasCatalogue: true,
    async open() {
      const { store, database } = await sampleStore(kind);
      return { tasks: store.tasks, call: await sampleCall(database), otherCall: await sampleCall(database) };
    },
  };
}

function sent(format: WireFormat): TaskServiceKind {
  return {
    name: `an upstream in ${format}`,
    remembers: false,
    hasCatalogue: false,
    open: () => openUpstream(format),
  };
}

function remembered(format: WireFormat, kind: DatabaseKind): TaskServiceKind {
  return {
    name: `an upstream in ${format}, recorded on ${kind}`,
    remembers: true,
    hasCatalogue: false,
    async open() {
      const { tasks: sending, ...calls } = await openUpstream(format);
      const database = await migratedDatabase(kind);
      const tasks = withUpstreamRecords(sending, database, {
        leaseMs: 60_000,
        keyExpiryMs: 86_400_000,
        recordDays: null,
        keyWaitMs: 20_000,
        maxPending: 1_000,
        onUnwritten: (what, error) => {
          throw new Error(`The ${what} was not stored.`, { cause: error });
        },
        onLateAnswer: () => {},
      });
      onTestFinished(() => tasks.close());
      return { tasks, ...calls };
    },
  };
}

async function openUpstream(format: WireFormat): Promise<OpenTaskService> {
  const service = await startRestService();
  onTestFinished(() => service.close());
  const tasks = openTaskService(service.url, { format, maxInFlight: 1_000, maxAnswerBytes: 4_194_304 });
  return { tasks, call: forwarded('first'), otherCall: forwarded('second') };
}

function forwarded(token: string): Call {
  return { caller: { kind: 'forwarded', authorization: `Bearer ${token}` }, requestId: 'test' };
}
