import type { CreateAccountTaskInput } from './generated/documents.ts';

/** The part of `localStorage` or `sessionStorage` that is used. In Node it may keep its texts anywhere. */
export interface KeyStorage {
  getItem(name: string): string | null;
  setItem(name: string, text: string): void;
  removeItem(name: string): void;
}

/** A key from before its first byte leaves until the fate of its write is known. */
export interface KeptKey {
  readonly idempotencyKey: string;
  readonly callerId: string;
  /** Milliseconds since 1970, before the first try. */
  readonly triedAtMs: number;
  /** False if every try so far was refused or not sent. */
  readonly mayExist: boolean;
  /** Present if the task was created or run: calls that began before then belong to that, and others are for a new one. */
  readonly createdAtMs?: number;
}

/** The Web Locks of browsers and Node; absent from pages without TLS. */
interface Locks {
  request(name: string, work: () => Promise<void>): Promise<void>;
}

/** A text in the storage cannot be read, so the key that it held is lost. */
export class LostKeyError extends Error {}

const CREATE_PREFIX = 'account-task-gateway ';
const RUN_PREFIX = 'account-task-gateway-run ';
const GUID = /^[{(]?(\w{8})-?(\w{4})-?(\w{4})-?(\w{4})-?(\w{12})[)}]?$/;
/** Browsers show a tab what another one has stored after a few milliseconds. */
const VISIBLE_MS = 100;
/** Longer than a call waits to see what another one has stored. */
const FORGET_MS = 1_000;

/** A storage that can list its keys, as those of browsers can. */
export type ListedStorage = KeyStorage & { readonly length: number; key(index: number): string | null };

/** Returns the name of an input's key in the storage. It is the input itself, so that the input can be read from it. */
export function toCreateName(input: CreateAccountTaskInput): string {
  const given = Object.entries(input).flatMap(([name, value]) => (value == null ? [] : [name]));
  return `${CREATE_PREFIX}${JSON.stringify(input, given.toSorted())}`;
}

/** Returns the name of the key of a run in the storage, the same for every form of the ID that the gateway accepts. */
export function toRunName(id: string): string {
  return `${RUN_PREFIX}${id.toLowerCase().replace(GUID, '$1-$2-$3-$4-$5')}`;
}

/** Returns the inputs of the creates whose fate is not known yet, so that a page can show them after a reload. */
export function pendingAccountTasks(storage: ListedStorage): readonly CreateAccountTaskInput[] {
  return pendingNames(storage, CREATE_PREFIX).map((text) => JSON.parse(text) as CreateAccountTaskInput);
}

/** Returns the IDs of the account tasks with a run whose fate is not known yet. */
export function pendingTaskRuns(storage: ListedStorage): readonly string[] {
  return pendingNames(storage, RUN_PREFIX);
}

/** Returns the names of unfinished writes, without their prefix. */
function pendingNames(storage: ListedStorage, prefix: string): readonly string[] {
  const names = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '');
  return names
    .filter((name) => name.startsWith(prefix) && parseKey(storage.getItem(name) ?? '')?.createdAtMs === undefined)
    .map((name) => name.slice(prefix.length));
}

/** Forgets the key of an input: from then on a create with this input is a new one, even if an earlier one has created a task. */
export function forgetAccountTask(storage: KeyStorage, input: CreateAccountTaskInput): void {
  storage.removeItem(toCreateName(input));
}

/** Forgets the key of a run: from then on a run of this account task is a new one, even if an earlier one has taken place. */
export function forgetTaskRun(storage: KeyStorage, id: string): void {
  storage.removeItem(toRunName(id));
}

/** Returns the key stored under a name; or null. */
export function readKey(storage: KeyStorage, name: string): KeptKey | null {
  const text = storage.getItem(name);
  if (text === null) return null;
  const kept = parseKey(text);
  if (kept) return kept;
  throw new LostKeyError(`The stored key cannot be read: ${text.slice(0, 100)}`);
}

function parseKey(text: string): KeptKey | null {
  try {
    const kept = JSON.parse(text) as KeptKey | null;
    const { idempotencyKey, callerId, triedAtMs, mayExist } = kept ?? {};
    const isWhole = typeof idempotencyKey === 'string' && typeof callerId === 'string' && typeof mayExist === 'boolean';
    return isWhole && typeof triedAtMs === 'number' ? kept : null;
  } catch {
    return null;
  }
}

/** Stores a key and returns it. */
export function keepKey(storage: KeyStorage, name: string, kept: KeptKey): KeptKey {
  storage.setItem(name, JSON.stringify(kept));
  return kept;
}

/** Makes a key of 128 random bits. `crypto.randomUUID` is absent from pages without TLS. */
export function newIdempotencyKey(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Stores how far the write has come; null to forget its key. Leaves a key that another tab has stored meanwhile. */
export function updateKey(storage: KeyStorage, name: string, before: KeptKey, next: KeptKey | null): void {
  try {
    if (readKey(storage, name)?.idempotencyKey !== before.idempotencyKey) return;
    if (next) keepKey(storage, name, next);
    else storage.removeItem(name);
  } catch {
    // The key stays as it was. The next try asks what became of it, and does nothing twice.
  }
}

/** Marks a key as that of a write that was done, and forgets it once every call that began before has seen that. */
export function endKey(storage: KeyStorage, name: string, kept: KeptKey): void {
  updateKey(storage, name, kept, { ...kept, createdAtMs: Date.now() });
  const timer: unknown = setTimeout(() => updateKey(storage, name, kept, null), FORGET_MS);
  // Node would wait for it.
  (timer as { readonly unref?: () => void }).unref?.();
}

/**
 * Returns what `find` finds, else what `make` has stored. Of several tabs and calls with the same name only one runs `make`; the
 * others wait until they can see what it has stored.
 */
export async function findOrMake<Found>(name: string, find: () => Found | null, make: () => Found): Promise<Found> {
  const found = find();
  if (found !== null) return found;
  const { locks } = (globalThis as { readonly navigator?: { readonly locks?: Locks } }).navigator ?? {};
  if (!locks) return make();
  return new Promise((resolve, reject) => {
    const run = async (): Promise<void> => {
      const earlier = find();
      resolve(earlier ?? make());
      if (earlier === null) await new Promise((visible) => setTimeout(visible, VISIBLE_MS));
    };
    locks.request(name, run).catch(reject);
  });
}
