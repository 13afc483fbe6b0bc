import type { AgentSettings } from "@earshot/contract/agent";
import type { HttpTool } from "@earshot/contract/tool";
import { toolsOf } from "../agents/engine-side.ts";
import { fill } from "../agents/prompt.ts";
import { recordEvent } from "../calls/events.ts";
import { type InCallParts, pressKeys, transferCall } from "../calls/in-call.ts";
import { loadForBridge } from "../calls/load.ts";
import { latestTransfer } from "../calls/transfers.ts";
import { mayBeDone } from "../carrier/failures.ts";
import { Failure } from "../failure.ts";
import type { CallId } from "../ids.ts";
import { type Arguments, readArguments } from "./arguments.ts";
import { callHttpTool } from "./http.ts";
import { notKnown, type ToolResult } from "./result.ts";
import { openSecrets } from "./secrets.ts";

/** A tool an engine wants to be used. */
export interface ToolUse {
  /** The engine's own; the same again is the same use. */
  readonly id: string;
  readonly name: string;
  /** JSON, as the engine wrote it. */
  readonly args: string;
}

/** What the bridge of the call knows about the right moment. */
export interface Moment {
  /** Aborted when the call is over. */
  readonly signal: AbortSignal;
  /** Resolves when the caller has heard what the agent has said so far. */
  quiet(): Promise<void>;
  /** Resolves when the caller, having been elsewhere, is on the line again. */
  back(): Promise<void>;
}

export interface ToolsParts extends InCallParts {
  /** Opens what is sealed of secret headers; null: the house has no key. */
  readonly key: Buffer | null;
  /** May tools be on this machine, and without TLS? In the sandbox only. */
  readonly local: boolean;
}

/** No more of one call at once, and in all: an engine gone mad must not become somebody else's flood. */
const MOST_AT_ONCE = 4;
const MOST_IN_ALL = 100;
/** Whatever a tool waits for, the engine has its answer by then. A transfer rings for 45 s. */
const DEADLINE_MS = 90_000;
/** The longest sentence that is waited for. */
const SENTENCE_MS = 30_000;

export interface Tools {
  /**
   * Does what an engine asks for in a call, and says what came of it. The use is on the timeline before anything is done; the same use asked
   * again, by whichever process, is not done again. Never throws.
   */
  use(call: CallId, asked: ToolUse, moment: Moment): Promise<ToolResult>;
}

/** The tools of all calls of this process. */
export function openTools(parts: ToolsParts): Tools {
  const counts = new Map<CallId, { running: number; total: number }>();
  return {
    async use(call, asked, moment) {
      const count = counts.get(call) ?? { running: 0, total: 0 };
      if (!counts.has(call)) {
        counts.set(call, count);
        moment.signal.addEventListener("abort", () => counts.delete(call), { once: true });
      }
      if (count.running >= MOST_AT_ONCE) return refused("Too many tools are running in this call already. Wait for their results.");
      if (count.total >= MOST_IN_ALL) return refused("This call has used its tools too often. Go on without them.");
      count.running++;
      count.total++;
      try {
        return await inTime(useTool(parts, call, asked, moment));
      } catch (error) {
        if (mayBeDone(error)) return refused(`${(error as Failure).message} Whether it was done is not known. Do not repeat it.`);
        if (error instanceof Failure) return refused(`${error.message} Nothing was done.`);
        parts.log.error({ err: error, call, tool: asked.name.slice(0, 64) }, "a tool could not be used");
        return refused("The tool cannot be used at this moment.");
      } finally {
        count.running--;
      }
    },
  };
}

async function useTool(parts: ToolsParts, call: CallId, asked: ToolUse, moment: Moment): Promise<ToolResult> {
  const { pool, clock } = parts;
  const known = await loadForBridge(pool, call);
  const settings = known?.agent?.settings;
  const schema = settings && toolsOf(settings).find(({ name }) => name === asked.name)?.parameters;
  const args = schema ? readArguments(schema, asked.args) : { wrong: "There is no such tool in this call." };
  const name = asked.name.slice(0, 64);
  const detail = { tool: name, use: asked.id, arguments: "is" in args ? args.is : asked.args.slice(0, 2_000) };
  const isNew = await recordEvent(pool, {
    call,
    at: clock.now(),
    kind: "tool.called",
    actor: "agent",
    said: `The agent uses the tool ${name}.`,
    detail,
    once: `tool:${asked.id}`,
  });
  if (!isNew) return usedBefore(parts, call, asked);
  if ("wrong" in args) return refused(args.wrong);
  if (moment.signal.aborted || known === null || settings === undefined) return refused("The call is over.");
  const tool = settings.tools.find((one) => (one.kind === "http" ? one.name : one.kind) === asked.name);
  switch (tool?.kind) {
    case "http":
      return useHttp(parts, call, asked, tool, args.is, moment);
    case "send_dtmf":
      await patiently(moment.quiet(), SENTENCE_MS);
      await pressKeys(parts, call, String(args.is.digits), "agent");
      return { ok: true, text: "The keys were sent." };
    case "transfer":
      return transfer(parts, call, settings, tool.announcement, { ...known.variables, reason: reasonIn(args.is) }, moment);
    case "hang_up":
    case undefined:
      return refused("There is no such tool in this call.");
  }
}

async function useHttp(
  { pool, key, local }: ToolsParts,
  call: CallId,
  { id }: ToolUse,
  tool: HttpTool,
  args: Arguments,
  { signal }: Moment,
): Promise<ToolResult> {
  const secrets = await openSecrets(pool, tool, key);
  if ("wrong" in secrets) return refused(secrets.wrong);
  return callHttpTool(tool, args, { call, use: id, secrets: secrets.are, local, signal });
}

/** After the sentence that announces it. The result is known when the caller is with the person, or back with the agent. */
async function transfer(
  parts: ToolsParts,
  call: CallId,
  { transfer_number: number }: AgentSettings,
  announcement: string | null,
  variables: Readonly<Record<string, string | number | boolean>>,
  moment: Moment,
): Promise<ToolResult> {
  if (number === null) return refused("There is nobody to transfer to.");
  await patiently(moment.quiet(), SENTENCE_MS);
  if (moment.signal.aborted) return refused("The call is over.");
  const back = moment.back();
  const words = announcement === null ? "" : fill(announcement, variables).trim();
  await transferCall(parts, call, { number, announcement: words === "" ? null : words }, "agent");
  const over = new Promise<void>((resolve) => moment.signal.addEventListener("abort", () => resolve(), { once: true }));
  await (moment.signal.aborted ? undefined : Promise.race([back, over]));
  const outcome = (await latestTransfer(parts.pool, call))?.result ?? "cancelled";
  if (outcome === "connected") return { ok: true, text: "The caller is with the person now.", outcome };
  return {
    ok: false,
    text: `Nobody could be reached (${outcome.replaceAll("_", " ")}). The caller is with you again: say so and offer something else.`,
    outcome,
  };
}

/** What came of a use that another process, or an earlier session of the engine, asked for. */
async function usedBefore({ pool }: ToolsParts, call: CallId, { id }: ToolUse): Promise<ToolResult> {
  const { rows } = await pool.query<{ ok: boolean | null; result: string | null }>(
    `select (detail->>'ok')::boolean as ok, detail->>'result' as result from events where call_id = $1 and kind = 'tool.answered' and detail->>'use' = $2
      order by at limit 1`,
    [call, id],
  );
  const before = rows[0];
  if (before?.result != null) return { ok: before.ok === true, text: before.result };
  return notKnown;
}

const refused = (text: string): ToolResult => ({ ok: false, text });

/** A reason is spoken to the person by the carrier: no marks that a voice might obey. */
const reasonIn = ({ reason }: Arguments): string =>
  String(reason ?? "")
    .replace(/[<>{}\p{Cc}]/gu, " ")
    .trim();

async function patiently(moment: Promise<void>, mostMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([moment, new Promise<void>((resolve) => (timer = setTimeout(resolve, mostMs)))]);
  clearTimeout(timer);
}

async function inTime(result: Promise<ToolResult>): Promise<ToolResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ToolResult>((resolve) => {
    timer = setTimeout(() => resolve(refused("It took too long; whether it was done is not known.")), DEADLINE_MS);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}
