import { load, type LoadResult, type Question } from './load.ts';
import { median, quantile } from './numbers.ts';
import type { Program } from './program.ts';

export interface Slice extends LoadResult {
  readonly cpuPerThousandMs: number;
}

/** A measured program, with its slices in the order of the rounds. */
export interface Measured {
  readonly name: string;
  readonly program: Program;
  readonly slices: Slice[];
}

export interface Contestant {
  readonly program: Program;
  readonly question: Question;
}

export interface SliceOptions {
  readonly connections: number;
  readonly rounds: number;
  readonly sliceMs: number;
  /** Requests before the measurement: a program that is still being compiled costs twice as much. */
  readonly warmUpRequests: number;
  /** Called after each slice; throws if the effects of its requests are missing. */
  readonly check?: (name: string, requests: number) => void | Promise<void>;
}

const MAX_WARM_UP_SLICES = 100;

/** Loads the programs in turn, forwards and backwards, so that the slices of a round have the same conditions. */
export async function measure(contestants: readonly Contestant[], options: SliceOptions): Promise<readonly Measured[]> {
  const { connections, rounds, sliceMs, warmUpRequests, check } = options;
  const all = contestants.map((contestant) => ({
    ...contestant,
    name: contestant.program.name,
    slices: [] as Slice[],
  }));
  for (const { program, question } of all) {
    let requests = 0;
    for (let slice = 0; requests < warmUpRequests && slice < MAX_WARM_UP_SLICES; slice += 1)
      requests += (await load(program.url, question, connections, sliceMs)).requests;
    await check?.(program.name, requests);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { program, question, slices } of round % 2 === 0 ? all : all.toReversed()) {
      const before = program.cpuMs();
      const result = await load(program.url, question, connections, sliceMs);
      slices.push({ ...result, cpuPerThousandMs: ((program.cpuMs() - before) / result.requests) * 1000 });
      await check?.(program.name, result.requests);
    }
  }
  return all;
}

/** The median over all rounds of a program's value divided by another's in the same round. */
export function ratio({ slices }: Measured, base: Measured, of: (slice: Slice) => number): number {
  return median(slices.map((slice, round) => of(slice) / of(base.slices[round] as Slice)));
}

export const perSecond = ({ requests, seconds }: Slice): number => requests / seconds;
export const cpu = ({ cpuPerThousandMs }: Slice): number => cpuPerThousandMs;
export const p50 = ({ latenciesMs }: Slice): number => quantile(latenciesMs, 0.5);
export const p99 = ({ latenciesMs }: Slice): number => quantile(latenciesMs, 0.99);
