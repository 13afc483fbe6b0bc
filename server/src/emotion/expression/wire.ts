import { z } from "zod";

/**
 * What Hume's expression measurement says, as far as we use it (hume-expression §2). The nesting of its messages is documented only in part:
 * the fields we know by name are looked for at the top and one level below.
 */
export type Heard =
  | { readonly type: "scores"; readonly fromMs: number; readonly toMs: number; readonly scores: Readonly<Record<string, number>> }
  | { readonly type: "error"; readonly code: string; readonly text: string }
  | { readonly type: "created" | "closed" | "other" };

/** One of the two lists; each has its own cutoff and meaning, so that only this one becomes scores (hume-expression §0, 5). */
const Expressions = z.array(
  z
    .looseObject({ name: z.string().min(1).max(200), probability: z.number().min(0).max(1) })
    .nullable()
    .catch(null),
);
const Span = z.looseObject({ audio_start_ms: z.number(), audio_end_ms: z.number() });

export function hear(message: string): Heard {
  const json = parse(message);
  if (!isObject(json)) return { type: "other" };
  const found = (name: string): unknown =>
    json[name] ?? Object.values(json).find((value) => isObject(value) && name in value)?.[name as never];
  switch (json.type) {
    case "session.created":
      return { type: "created" };
    case "session.closed":
      return { type: "closed" };
    case "error":
      return { type: "error", code: String(found("code") ?? "error"), text: String(found("message") ?? "The listener reported an error.") };
    case "measurement.result": {
      const span = Span.safeParse({ audio_start_ms: found("audio_start_ms"), audio_end_ms: found("audio_end_ms") });
      const list = Expressions.safeParse(found("expressions"));
      if (!span.success || !list.success) return { type: "other" };
      const scores = Object.fromEntries(list.data.flatMap((one) => (one === null ? [] : [[one.name, one.probability] as const])));
      return { type: "scores", fromMs: span.data.audio_start_ms, toMs: span.data.audio_end_ms, scores };
    }
    default:
      return { type: "other" };
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

function parse(message: string): unknown {
  try {
    return JSON.parse(message);
  } catch {
    return null;
  }
}
