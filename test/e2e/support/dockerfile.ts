export interface Instruction {
  /** Upper-case. */
  readonly name: string;
  /** Flags such as `--from=build`. */
  readonly flags: Readonly<Record<string, string>>;
  /** The arguments, on one line. */
  readonly text: string;
}

export interface Stage {
  readonly name: string | null;
  readonly image: string;
  readonly instructions: readonly Instruction[];
}

/** Reads a Dockerfile without heredocs: its stages in order. */
export function parseDockerfile(text: string): readonly Stage[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: { name: string | null; image: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    const { flags, text: words } = splitFlags(rest);
    if (name.toUpperCase() === 'FROM') {
      const [image = '', , stage = null] = words.split(/\s+/);
      stages.push({ name: stage, image, instructions: [] });
    } else {
      const stage = stages.at(-1);
      if (!stage) throw new Error(`${name} comes before the first FROM.`);
      stage.instructions.push({ name: name.toUpperCase(), flags, text: words });
    }
  }
  return stages;
}

/** The last instruction of this name, as the words of its exec form. */
export function execForm({ instructions }: Stage, name: string): readonly string[] {
  const text = instructions.findLast((instruction) => instruction.name === name)?.text ?? '[]';
  return JSON.parse(text.replace(/^CMD /, '')) as string[];
}

/** The variables that ENV sets. */
export function environment({ instructions }: Stage): Readonly<Record<string, string>> {
  const words = instructions.filter(({ name }) => name === 'ENV').flatMap(({ text }) => text.split(/\s+/));
  return Object.fromEntries(words.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]));
}

function splitFlags(text: string): { readonly flags: Readonly<Record<string, string>>; readonly text: string } {
  const flags: Record<string, string> = {};
  let rest = text;
  for (let found = /^--([\w-]+)=(\S+)\s+/.exec(rest); found; found = /^--([\w-]+)=(\S+)\s+/.exec(rest)) {
    flags[found[1] ?? ''] = found[2] ?? '';
    rest = rest.slice(found[0].length);
  }
  return { flags, text: rest };
}
