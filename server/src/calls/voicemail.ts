import { fill } from "../agents/prompt.ts";
import { mayBeDone } from "../carrier/failures.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";
import { wants } from "../recordings/policy.ts";
import { consentOf } from "./consent.ts";
import { after, MESSAGE_S } from "./deadlines.ts";
import { type NewEvent, recordEvent } from "./events.ts";
import { hangUp } from "./hang-up.ts";
import type { InCallParts } from "./in-call.ts";
import { loadForBridge } from "./load.ts";
import { lockCall, saveCall } from "./store.ts";

/** The carrier was told to leave our message. More is not known: it does not say what a machine kept of it. */
export function messageTold(call: CallId, at: Date): NewEvent {
  const said = "The carrier was told to leave our message with the machine.";
  return { call, at, kind: "voicemail.message", actor: "us", said, once: "voicemail.message" };
}

/**
 * A machine answered, or its beep was heard: does what the agent's rule says. The door does it by itself when the carrier asks for instructions
 * after the beep; here it is for a word that came later than that. Safe to be told twice. A message the carrier does not take is on the timeline, and
 * the call is hung up: nobody talks with a machine. When its answer is lost, the message may be told already, and is not told again: throws the
 * carrier's failure, and the watchdog soon looks where the audio is ({@link isMessageInDoubt}). Throws what a hang-up throws.
 */
export async function followVoicemailRule(parts: InCallParts, call: CallId): Promise<void> {
  const { pool, carrier, clock } = parts;
  const loaded = await loadForBridge(pool, call);
  const line = loaded?.agent?.settings.line;
  if (!loaded?.agent || line === undefined || line.voicemail === "talk") return;
  if (line.voicemail === "hang_up" || line.voicemail_message === null || (carrier !== null && carrier.leaveMessage === undefined))
    return hangUp(parts, call, "us:voicemail");
  const text = fill(line.voicemail_message, loaded.variables);
  const due = await takeMessage(parts, call);
  if (due === null || carrier?.leaveMessage === undefined) return;
  const { language } = loaded.agent.settings;
  const record = wants(loaded.agent.settings, await consentOf(pool, call), "carrier");
  try {
    await carrier.leaveMessage({ call, ...due, text, language, record });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (mayBeDone(error)) {
      const said = `Whether the carrier leaves our message is not known: ${why}`;
      await inTransaction(pool, async (sql) => {
        await recordEvent(sql, { call, at: clock.now(), kind: "voicemail.message_unknown", actor: "carrier", said });
        const soon = after(clock.now(), MESSAGE_S);
        await sql.query("update calls set deadline_at = least(deadline_at, $2) where id = $1 and status <> 'ended'", [call, soon]);
      });
      throw error;
    }
    await giveBackMessage(parts, call, why);
    return hangUp(parts, call, "us:voicemail", {}, `A machine answered; our message could not be left: ${why}`);
  }
  await recordEvent(pool, messageTold(call, clock.now()));
}

/**
 * The call's audio came to us. When it is a machine's, nobody did what the rule says: the process that was to do it died before, or just when it had
 * taken the message's turn; with the message under way the audio would not have come back. Then it is done now. Throws as followVoicemailRule.
 */
export async function catchUpOnVoicemail(parts: InCallParts, call: CallId): Promise<void> {
  const { rowCount } = await parts.pool.query(
    `update calls set message_at = null
      where id = $1 and status = 'in_progress' and answered_by = 'machine' and hangup_asked_at is null
        and (message_at is null or message_at > socket_started_at and not exists (select from events where call_id = $1 and once = 'voicemail.message'))`,
    [call],
  );
  if (rowCount === 1) await followVoicemailRule(parts, call);
}

/** Did the carrier's answer to our message get lost, and did no word come that it moved the caller to it? Then audio that still comes to us says that it did not. */
export async function isMessageInDoubt(sql: Sql, call: CallId): Promise<boolean> {
  const { rows } = await sql.query<{ doubt: boolean }>(
    `select exists (select from events where call_id = $1 and kind = 'voicemail.message_unknown')
        and not exists (select from events where call_id = $1 and kind in ('voicemail.message', 'call.moved')) as doubt`,
    [call],
  );
  return rows[0]?.doubt === true;
}

/** Takes the one turn to leave a message, before the carrier is asked: who comes second finds it taken. Null when none is to be left now. */
async function takeMessage({ pool, clock }: InCallParts, call: CallId): Promise<{ leg: LegId; regionUrl: string | null } | null> {
  return inTransaction(pool, async (sql) => {
    const known = await lockCall(sql, call);
    if (known === null || known.call.phoneLeg === null) return null;
    const { status, messageAt, beepAt } = known.call;
    if (status !== "in_progress" || messageAt !== null || beepAt === null) return null;
    const { rows } = await sql.query<{ asked: boolean; region_url: string | null }>(
      "select exists (select from socket_tokens where call_id = $1) as asked, (select region_url from calls where id = $1) as region_url",
      [call],
    );
    if (!rows[0]?.asked) return null;
    await saveCall(sql, known, { ...known, call: { ...known.call, messageAt: clock.now() } });
    return { leg: known.call.phoneLeg, regionUrl: rows[0].region_url };
  });
}

/** The carrier did not take it: no message is left, and nothing may say that one was. */
async function giveBackMessage({ pool, clock }: InCallParts, call: CallId, why: string): Promise<void> {
  await inTransaction(pool, async (sql) => {
    const known = await lockCall(sql, call);
    if (known === null) return;
    await saveCall(sql, known, { ...known, call: { ...known.call, messageAt: null } });
    const said = `The carrier did not take our message for the machine: ${why}`;
    await recordEvent(sql, { call, at: clock.now(), kind: "voicemail.message_failed", actor: "carrier", said });
  });
}
