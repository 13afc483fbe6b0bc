import { page } from "@earshot/contract/call";
import { AskDeletion, AskRedaction, Keeping, KeepRule, PlaceHold, SetKeepRule } from "@earshot/contract/keeping";
import { getAgent } from "../agents/store.ts";
import { CallUnknown } from "../calls/failures.ts";
import { readCallBriefly } from "../calls/read.ts";
import { inTransaction, type Sql } from "../db/pool.ts";
import type { AgentId, CallId } from "../ids.ts";
import { type AuditAction, recordAudit } from "../people/audits.ts";
import { askDeletion } from "../recordings/keeping/deletion.ts";
import { hold, liftHold } from "../recordings/keeping/holds.ts";
import { JOURNAL_DAYS } from "../recordings/keeping/journals.ts";
import { keepingOf } from "../recordings/keeping/read.ts";
import { askRedaction } from "../recordings/keeping/redaction.ts";
import { keepRules, setKeepRule } from "../recordings/keeping/retention.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";
import { OfCall } from "./parameters.ts";

/** Holding, deleting and redacting a call's parts, and how long they are kept. */
export function keepingRoutes(door: Door, { pool, clock, jobs }: DoorParts): void {
  const manage = { config: { access: { needs: "keeping.manage" as const } } };
  const ofCall = { tags: ["keeping"], params: OfCall };

  /** One deed in one transaction with its audit; answers with what is decided now. The work itself is done by the jobs. */
  const decide = async (
    call: CallId,
    actor: ReturnType<typeof credentialIn>["actor"],
    action: AuditAction,
    deed: (sql: Sql, asked: { readonly by: string; readonly at: Date }) => Promise<unknown>,
  ): Promise<Keeping> => {
    const decided = await inTransaction(pool, async (sql) => {
      const at = clock.now();
      await deed(sql, { by: actor, at });
      await recordAudit(sql, { at, actor, action, call });
      return keepingOf(sql, call);
    });
    jobs.wake();
    return decided;
  };

  door.get(
    "/api/calls/:id/keeping",
    {
      config: { access: { needs: "calls.read" } },
      schema: { ...ofCall, summary: "Hold, deletions, redactions and consent of a call", response: { 200: Keeping } },
    },
    async ({ params }) => {
      if (!(await readCallBriefly(pool, params.id))) throw new CallUnknown(params.id);
      return keepingOf(pool, params.id);
    },
  );

  door.put(
    "/api/calls/:id/hold",
    { ...manage, schema: { ...ofCall, summary: "Put on hold: nothing of it is deleted", body: PlaceHold, response: { 200: Keeping } } },
    async (request) =>
      decide(request.params.id, credentialIn(request).actor, "call.held", (sql, asked) =>
        hold(sql, request.params.id, { ...asked, why: request.body.why }),
      ),
  );

  door.delete(
    "/api/calls/:id/hold",
    { ...manage, schema: { ...ofCall, summary: "Lift the hold; deletions that waited go on", response: { 200: Keeping } } },
    async (request) => {
      const { id } = request.params;
      if (!(await readCallBriefly(pool, id))) throw new CallUnknown(id);
      return decide(id, credentialIn(request).actor, "call.released", (sql, asked) => liftHold(sql, id, asked));
    },
  );

  door.post(
    "/api/calls/:id/deletions",
    {
      ...manage,
      schema: {
        ...ofCall,
        summary: "Delete parts of a call for good",
        body: AskDeletion,
        response: { 202: Keeping.describe("Asked for; the deletion has its signed receipt when it is done.") },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { what, because } = request.body;
      const decided = await decide(id, credentialIn(request).actor, "deletion.asked", (sql, asked) =>
        askDeletion(sql, id, { ...asked, what: [...new Set(what)], because }),
      );
      return reply.code(202).send(decided);
    },
  );

  door.post(
    "/api/calls/:id/redactions",
    {
      ...manage,
      schema: {
        ...ofCall,
        summary: "Put a tone over a stretch of a call, and take its words out",
        body: AskRedaction,
        response: { 202: Keeping },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { from_ms: fromMs, to_ms: toMs, side, original, why } = request.body;
      const decided = await decide(id, credentialIn(request).actor, "redaction.asked", (sql, asked) =>
        askRedaction(sql, id, { ...asked, fromMs, toMs, side, original, why }),
      );
      return reply.code(202).send(decided);
    },
  );

  const rules = async () => {
    const items: KeepRule[] = (await keepRules(pool)).map(({ agent, what, days }) => ({ agent_id: agent, what, days }));
    // Journals have a rule whether somebody made one or not.
    if (!items.some(({ agent_id, what }) => agent_id === null && what === "journal"))
      items.unshift({ agent_id: null, what: "journal", days: JOURNAL_DAYS });
    return { items, next: null };
  };

  door.get(
    "/api/keep-rules",
    {
      config: { access: { needs: "calls.read" } },
      schema: {
        summary: "How long audio, transcripts and journals are kept; what is not named is kept for ever",
        tags: ["keeping"],
        response: { 200: page(KeepRule) },
      },
    },
    rules,
  );

  door.put(
    "/api/keep-rules",
    { ...manage, schema: { summary: "Set a rule, or end it", tags: ["keeping"], body: SetKeepRule, response: { 200: page(KeepRule) } } },
    async (request) => {
      const { agent_id, what, days } = request.body;
      const { actor } = credentialIn(request);
      await inTransaction(pool, async (sql) => {
        const agent = agent_id as AgentId | null;
        if (agent !== null) await getAgent(sql, agent);
        await setKeepRule(sql, { agent, what, days }, actor, clock.now());
        await recordAudit(sql, { at: clock.now(), actor, action: "keep_rule.set", detail: { agent: agent_id, what, days } });
      });
      return rules();
    },
  );
}
