import type pg from "pg";
import type { Clock } from "../../clock.ts";
import { EngineHasNot } from "../failures.ts";
import type { Engine, EngineAbilities, EngineEvent, PreparedAgent } from "../port.ts";
import { type Chats, openResumed } from "./chat.ts";
import { checkAgent } from "./check.ts";
import { type Configured, untrueWithout } from "./config-body.ts";
import { openConfigs } from "./configs.ts";
import { endingOf } from "./endings.ts";
import { historyOf } from "./history.ts";
import { lateConnection } from "./late.ts";
import { eviManner } from "./manner.ts";
import { humeRest } from "./rest.ts";
import { reconstructionsOf } from "./rest-audio.ts";
import { ownConfig } from "./settings.ts";
import { CHAT_MS } from "./talk.ts";

export const eviAbilities: EngineAbilities = {
  name: "evi",
  inRates: [16_000, 8_000, 24_000],
  outRates: [16_000, 8_000, 24_000, 48_000],
  turns: true,
  paced: false,
  verbatim: true,
  interim: true,
  emotions: "both",
  wantsPlayed: false,
  resume: true,
  maxMs: CHAT_MS,
};

/** Calls whose last chat broke off with something unread, remembered until they go on. */
const MOST_REMEMBERED = 1_000;

export interface EviParts {
  /** wss://api.hume.ai/v0/evi/chat, or the emulator's. */
  readonly url: string;
  readonly apiKey: string;
  readonly configId: string | null;
  readonly clock: Clock;
  /** Where it is remembered which Config is which agent's, and where Hume shall tell of chats; absent: agents have no Configs of their own. */
  readonly configs?: { readonly pool: pg.Pool; readonly webhooks: string | null };
}

/** An agent's Config is waited for so long while it rings; then the call goes without. */
const CONFIG_WITHIN_MS = 2_000;

/** Hume EVI as an engine: one WebSocket a session (hume-evi §1-4), read without the vendor's client for the reasons in its §0. */
export function createEviEngine(parts: EviParts): Engine {
  const rest = humeRest(parts);
  const configs = parts.configs === undefined ? null : openConfigs({ ...parts, ...parts.configs, rest });
  /** Keys and whispers a call's last chat was told and did not read: its next chat is told them again. */
  const unread = new Map<string, readonly string[]>();
  const chatParts: Chats = {
    ...parts,
    abilities: eviAbilities,
    unreadOf(call) {
      const told = unread.get(call) ?? [];
      unread.delete(call);
      return told;
    },
    leaveUnread(call, told) {
      unread.set(call, told);
      if (unread.size > MOST_REMEMBERED) unread.delete(unread.keys().next().value as string);
    },
  };
  return {
    abilities: eviAbilities,
    manner: eviManner(parts.configId !== null),
    reconstructions: reconstructionsOf(rest),
    history: (sessions, signal) => historyOf(rest, sessions, signal),
    check: (agent, signal) => checkAgent(rest, parts.configId, agent, signal),
    ...(configs !== null && {
      async prepare(agent: PreparedAgent) {
        await configs.ensure(agent);
      },
    }),
    open(session, listener, tap) {
      const { agent } = session;
      if (configs === null || agent === null)
        return openResumed(chatParts, { session, config: ownConfig(parts.configId, session) }, listener, tap);
      const wanted = { agent, manners: session.manners, options: session.options, language: session.language };
      const known = configs.known(wanted);
      const forget = (): void => (known === null ? undefined : configs.forget(known));
      if (known !== null) return openResumed(chatParts, { session, config: known, forget }, listener, tap);
      const late = lateConnection(eviAbilities, () => listener({ what: "ended", ...endingOf(1000, null, true) }));
      soonEnough(configs.ensure(wanted)).then(
        (config) => late.open(() => openResumed(chatParts, { session, config, forget: () => configs.forget(config) }, listener, tap)),
        (error: Error) =>
          late.open(() => {
            listener(withoutConfig(wanted, error));
            // An own Config that is not there any more would end the chat before it began.
            const config = error instanceof EngineHasNot ? null : ownConfig(parts.configId, session);
            return openResumed(chatParts, { session, config }, listener, tap);
          }),
      );
      return late.connection;
    },
  };
}

/** What is not true in this call, as an event of it. */
function withoutConfig(agent: Configured, { message }: Error): EngineEvent {
  const untrue = untrueWithout(agent);
  const what = untrue.length === 0 ? "its settings are EVI's own, which are the same" : `not true in this call: ${untrue.join(", ")}`;
  return { what: "trouble", code: "config_missing", text: `The agent's Config at Hume could not be had (${message}); ${what}.` };
}

async function soonEnough<T>(wanted: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${CONFIG_WITHIN_MS} ms`)), CONFIG_WITHIN_MS);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}
