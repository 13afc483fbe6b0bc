import { invalid, type Problem } from "./wire.ts";

/** Where a server is met, and how it knows who comes. */
export interface Door {
  readonly path: RegExp;
  readonly key: "any" | "bearer" | "api-key" | "basic";
  /** What must stand in the address besides the model. */
  readonly asks?: readonly string[];
}

/** OpenAI's own, and what stands in for it. */
export const usualDoor: Door = { path: /^(\/openai)?\/v1\/realtime\/?$/, key: "any" };

export const doors = {
  azure: { path: /^\/openai\/v1\/realtime\/?$/, key: "api-key" },
  xai: { path: /^\/v1\/realtime\/?$/, key: "bearer" },
  inworld: { path: /^\/api\/v1\/realtime\/session\/?$/, key: "basic", asks: ["key", "protocol"] },
} as const satisfies Record<string, Door>;

type Json = Record<string, unknown>;
const inside = (json: unknown, key: string): Json => {
  const inner = (json as Json | undefined)?.[key];
  return typeof inner === "object" && inner !== null ? (inner as Json) : {};
};

/**
 * A session as xAI has it written, voice and turn detection at its top, as OpenAI has it; or what is wrong with it: the places of those two and what
 * xAI does not have are refused. A voice of its own is taken and not kept: the emulated mouths are OpenAI's.
 */
export function fromFlat(wish: Json): { readonly session: Json } | { readonly problem: Problem } {
  const { turn_detection: turnDetection, voice, ...rest } = wish;
  const audio = inside(wish, "audio");
  const [input, output] = [inside(audio, "input"), inside(audio, "output")];
  const misplaced = [
    ["audio.input.turn_detection", input.turn_detection],
    ["audio.input.noise_reduction", input.noise_reduction],
    ["audio.output.voice", output.voice],
    ["output_modalities", wish.output_modalities],
  ].find(([, value]) => value !== undefined);
  if (misplaced !== undefined) {
    const param = `session.${misplaced[0]}`;
    return { problem: invalid("unknown_parameter", `Unknown parameter: '${param}'.`, param) };
  }
  if (voice !== undefined && typeof voice !== "string")
    return { problem: invalid("invalid_type", "Invalid type for 'session.voice': expected a string.", "session.voice") };
  const session = {
    ...rest,
    audio: { ...audio, input: { ...input, ...(turnDetection !== undefined && { turn_detection: turnDetection }) }, output },
  };
  return { session };
}

/** A session of ours as xAI shows it. */
export function flat(session: object): Json {
  const audio = inside(session, "audio");
  const { turn_detection: turnDetection, noise_reduction: _, ...input } = inside(audio, "input");
  const { voice, ...output } = inside(audio, "output");
  return { ...session, turn_detection: turnDetection, voice, audio: { input, output } };
}
