import { LineRules } from "@earshot/contract/agent";
import { describe, expect, it } from "vitest";
import { agentForCall, changeAgent } from "../agents/store.ts";
import { CarrierHasNot, CarrierRefused, CarrierUnauthorized, CarrierUnreachable } from "../carrier/failures.ts";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import type { CallId, LegId } from "../ids.ts";
import { recordEvent } from "./events.ts";
import { makeSocketToken } from "./socket-token.ts";
import { asked, call, carrier, db, parts, refuse, useTold } from "./test-told.ts";
import { catchUpOnVoicemail, followVoicemailRule, messageTold } from "./voicemail.ts";
import { startWatchdog } from "./watchdog.ts";

useTold();

describe("the rule for machines", () => {
  async function rule(line: object, id: CallId): Promise<void> {
    const { id: agent, settings } = await agentForCall(db.pool, null);
    const { version } = await inTransaction(db.pool, (sql) => changeAgent(sql, agent, { ...settings, line: LineRules.parse(line) }));
    await db.pool.query("update calls set agent_version = $2 where id = $1", [id, version]);
  }

  it("talk does nothing", async () => {
    const { id } = await call();
    await rule({ voicemail: "talk" }, id);
    await followVoicemailRule(parts(), id);
    expect(asked).toEqual([]);
  });

  it("hang up ends the call as voicemail", async () => {
    const { id, leg } = await call();
    await rule({ voicemail: "hang_up" }, id);
    await followVoicemailRule(parts(), id);
    expect(asked).toEqual([["hang up", leg]]);
    expect((await db.pool.query("select hangup_asked_by from calls where id = $1", [id])).rows).toEqual([
      { hangup_asked_by: "us:voicemail" },
    ]);
  });

  it("leave a message does so once, after the beep, when the agent was connected already", async () => {
    const { id } = await call();
    await rule({ voicemail: "leave_message", voicemail_message: "Please call back." }, id);
    await followVoicemailRule(parts(), id);
    await makeSocketToken(db.pool, id);
    await followVoicemailRule(parts(), id);
    expect(asked).toEqual([]);
    await db.pool.query("update calls set beep_at = now() where id = $1", [id]);
    await followVoicemailRule(parts(), id);
    await followVoicemailRule(parts(), id);
    expect(asked).toMatchObject([["message", { text: "Please call back.", record: true }]]);
  });

  /** The agent talks already, and then the machine beeps. */
  async function beeps(): Promise<{ id: CallId; leg: LegId }> {
    const { id, leg } = await call();
    await rule({ voicemail: "leave_message", voicemail_message: "Please call back." }, id);
    await makeSocketToken(db.pool, id);
    await db.pool.query("update calls set beep_at = now() where id = $1", [id]);
    return { id, leg };
  }
  const told = async (id: CallId) =>
    (
      await db.pool.query(
        `select (select array_agg(kind order by at, id) from events where call_id = c.id and kind like 'voicemail%') as kinds,
           message_at is not null as message, hangup_asked_by as by, hangup_because as because from calls c where id = $1`,
        [id],
      )
    ).rows[0];

  it.each([
    ["refuses it", new CarrierRefused("PUT", 400, "Bad Request")],
    ["does not know our credentials", new CarrierUnauthorized("x.test", 401)],
    ["does not have the call", new CarrierHasNot("PUT", 404)],
    ["cannot be reached", new CarrierUnreachable("x.test", "ECONNREFUSED", undefined, false)],
  ])("a message is not said to be left when the carrier %s: the call is hung up", async (_, failure) => {
    const { id, leg } = await beeps();
    refuse("message", failure);
    await followVoicemailRule(parts(), id);
    expect(await told(id)).toEqual({
      kinds: ["voicemail.message_failed"],
      message: false,
      by: "us:voicemail",
      because: `A machine answered; our message could not be left: ${failure.message}`,
    });
    expect(asked.at(-1)).toEqual(["hang up", leg]);
  });

  it.each([
    ["no answer comes", new CarrierUnreachable("x.test", "it took too long")],
    ["the carrier has trouble of its own", new CarrierRefused("PUT", 503, "")],
  ])("whether a message is left is not known when %s, and it is not told again", async (_, failure) => {
    const { id } = await beeps();
    refuse("message", failure);
    await expect(followVoicemailRule(parts(), id)).rejects.toBe(failure);
    await followVoicemailRule(parts(), id);
    expect(asked).toHaveLength(1);
    expect(await told(id)).toEqual({ kinds: ["voicemail.message_unknown"], message: true, by: null, because: null });
  });

  describe("when whether a message is left is not known", () => {
    /** Nobody answered our request; so many seconds later the watchdog looks, where the audio is or is not. */
    async function looked(
      seconds: number,
      carries: boolean,
      meanwhile?: (id: CallId) => Promise<void>,
    ): Promise<{ id: CallId; leg: LegId }> {
      const { id, leg } = await beeps();
      const silence = new CarrierUnreachable("x.test", "it took too long");
      refuse("message", silence);
      await expect(followVoicemailRule(parts(), id)).rejects.toBe(silence);
      await meanwhile?.(id);
      const now = () => new Date(Date.now() + seconds * 1_000);
      const watchdog = startWatchdog({
        ...parts(),
        clock: { ...systemClock, now },
        carries: (call) => carries && call === id,
        everyMs: 1e9,
      });
      await watchdog.tick();
      await watchdog.close();
      return { id, leg };
    }
    const hungUp = { message: false, by: "us:voicemail", because: expect.stringContaining("our message could not be left") };
    const left = { message: true, by: null };

    it("and the machine still hears the agent seconds later, the call is hung up", async () => {
      const { id, leg } = await looked(6, true);
      expect(await told(id)).toMatchObject(hungUp);
      expect(asked.at(-1)).toEqual(["hang up", leg]);
    });

    it("it is given the time to be moved to the message", async () => {
      expect(await told((await looked(3, true)).id)).toMatchObject(left);
    });

    it("and the audio left us, or the carrier told that it moved the call, nobody cuts the message off", async () => {
      expect(await told((await looked(6, false)).id)).toMatchObject(left);
      const at = new Date();
      const moved = (call: CallId) => recordEvent(db.pool, { call, at, kind: "call.moved", actor: "carrier", said: "Moved." });
      expect(await told((await looked(6, true, async (id) => void (await moved(id)))).id)).toMatchObject(left);
      expect(asked.filter((one) => one[0] === "hang up")).toEqual([]);
    });
  });

  it("the timeline says that the carrier was told only when it was", async () => {
    const { id } = await beeps();
    let before: unknown;
    async function leaveMessage(): Promise<void> {
      before = await told(id);
    }
    await followVoicemailRule({ ...parts(), carrier: { ...carrier, leaveMessage } }, id);
    expect(before).toMatchObject({ kinds: null, message: true });
    expect(await told(id)).toMatchObject({ kinds: ["voicemail.message"], message: true });
  });

  it.each([
    ["before anybody followed the rule", null, null, 1],
    ["after the message's turn was taken, and before the carrier was told", "1 second", null, 1],
    ["after the carrier was told", "1 second", "voicemail.message", 0],
  ])("a process that died %s: when the audio comes back, the message is left if it was not", async (_, taken, event, times) => {
    const { id } = await beeps();
    await db.pool.query(
      "update calls set answered_by = 'machine', socket_started_at = now() - interval '9 seconds', message_at = now() - $2::interval where id = $1",
      [id, taken],
    );
    if (event !== null) await recordEvent(db.pool, messageTold(id, new Date()));
    await catchUpOnVoicemail(parts(), id);
    await catchUpOnVoicemail(parts(), id);
    expect(asked).toHaveLength(times);
    expect(await told(id)).toMatchObject({ kinds: ["voicemail.message"], message: true });
  });

  it("the audio that comes first, while the message's turn is just taken, leaves no second message", async () => {
    const { id } = await beeps();
    await db.pool.query(
      "update calls set answered_by = 'machine', socket_started_at = now(), message_at = now() - interval '1 second' where id = $1",
      [id],
    );
    await catchUpOnVoicemail(parts(), id);
    expect(asked).toEqual([]);
  });

  it("the audio of a call that no machine answered asks for nothing", async () => {
    const { id, leg } = await call();
    await rule({ voicemail: "hang_up" }, id);
    await catchUpOnVoicemail(parts(), id);
    expect(asked).toEqual([]);
    await db.pool.query("update calls set answered_by = 'machine' where id = $1", [id]);
    await catchUpOnVoicemail(parts(), id);
    expect(asked).toEqual([["hang up", leg]]);
  });
});
