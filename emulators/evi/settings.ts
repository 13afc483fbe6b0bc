import { parseArgs } from "node:util";
import { z } from "zod";

/** What the program can be told. */
export const Settings = z.strictObject({
  port: z.coerce.number().int().min(0).max(65_535).default(0),
  apiKey: z.string({ error: "is missing: the key that clients must send" }).min(1),
  phrases: z.string().optional(),
  people: z.string().optional(),
  dump: z.string().optional(),
  webhookKey: z.string().min(1).default("emulated-webhook-signing-key"),
  keepAudioMb: z.coerce.number().min(0).default(64),
  thinkMs: z.coerce.number().min(0).default(350),
  speed: z.coerce.number().positive().default(3),
  unknownConfig: z.enum(["error", "404"]).default("error"),
  withParent: z.boolean().default(false),
});
export type Settings = z.infer<typeof Settings>;

export class BadSettings extends Error {}

const flags = {
  port: "port",
  "api-key": "apiKey",
  phrases: "phrases",
  people: "people",
  dump: "dump",
  "webhook-key": "webhookKey",
  "keep-audio-mb": "keepAudioMb",
  "think-ms": "thinkMs",
  speed: "speed",
  "unknown-config": "unknownConfig",
} as const satisfies Record<string, keyof Settings>;

/**
 * @param env the environment: EARSHOT_ENGINE_API_KEY and EARSHOT_ENGINE_WEBHOOK_KEY may hold the keys instead, since a process's arguments are open to everybody on the machine
 * @throws BadSettings naming every flag that is wrong, one a line
 */
export function readSettings(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): Settings {
  const { values, unknown } = parse(args);
  if (env.EARSHOT_ENGINE_API_KEY) values["api-key"] ??= env.EARSHOT_ENGINE_API_KEY;
  if (env.EARSHOT_ENGINE_WEBHOOK_KEY) values["webhook-key"] ??= env.EARSHOT_ENGINE_WEBHOOK_KEY;
  const given = Object.fromEntries(
    Object.entries(flags).flatMap(([flag, name]) => (values[flag] === undefined ? [] : [[name, values[flag]]])),
  );
  const settings = Settings.safeParse({ ...given, withParent: values["with-parent"] === true });
  const problems = settings.success ? [] : settings.error.issues.map((issue) => `--${flagOf(String(issue.path[0]))}: ${issue.message}`);
  if (unknown) problems.push(unknown);
  if (problems.length > 0 || !settings.success) throw new BadSettings(problems.join("\n"));
  return settings.data;
}

function parse(args: readonly string[]): { values: Record<string, unknown>; unknown: string | null } {
  const options = {
    ...Object.fromEntries(Object.keys(flags).map((flag) => [flag, { type: "string" as const }])),
    "with-parent": { type: "boolean" as const },
  };
  try {
    return { values: parseArgs({ args: [...args], options }).values, unknown: null };
  } catch (problem) {
    return {
      values: parseArgs({ args: [...args], options, strict: false }).values,
      unknown: problem instanceof Error ? problem.message : String(problem),
    };
  }
}

function flagOf(name: string): string {
  return Object.entries(flags).find(([, one]) => one === name)?.[0] ?? name;
}
