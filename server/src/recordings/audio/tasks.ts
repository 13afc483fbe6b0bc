import { type Comparison, compare } from "./compare.ts";
import type { AudioFile } from "./decode.ts";
import { type Inspected, inspect } from "./inspect.ts";
import { type Redacted, redact, type Stretch } from "./redact.ts";
import { type Rendered, renderJournal } from "./render.ts";
import { type Decoded, toWav } from "./to-wav.ts";

/** What an audio thread can be asked for. Files are named, never sent: sound crosses no thread border. */
export interface Jobs {
  inspect: { asked: AudioFile; done: Omit<Inspected, "levels" | "clips"> };
  /** `a` is the one whose clock the findings are told in. */
  compare: { asked: { a: AudioFile; b: AudioFile }; done: Comparison };
  redact: { asked: { source: AudioFile; stretches: readonly Stretch[]; path: string }; done: Redacted };
  wav: { asked: { source: AudioFile; path: string }; done: Decoded };
  render: { asked: { journal: string; path: string }; done: Rendered };
}
export type JobName = keyof Jobs;
export type Job = { [Name in JobName]: { name: Name } & Jobs[Name]["asked"] }[JobName];

export interface Question {
  readonly id: number;
  readonly job: Job;
}
export interface Failed {
  readonly message: string;
  readonly stack: string;
  /** Is the file to blame? */
  readonly unreadable: boolean;
  readonly code: string | null;
}
export type Answer = { readonly id: number } & ({ readonly done: Jobs[JobName]["done"] } | { readonly failed: Failed });

export function runJob(job: Job): Promise<Jobs[JobName]["done"]> {
  switch (job.name) {
    case "inspect":
      return inspect(job).then(({ facts, peaks }) => ({ facts, peaks }));
    case "compare":
      return inspect(job.a).then(async (a) => compare(a, await inspect(job.b)));
    case "redact":
      return redact(job.source, job.stretches, job.path);
    case "wav":
      return toWav(job.source, job.path);
    case "render":
      return renderJournal(job.journal, job.path);
  }
}
