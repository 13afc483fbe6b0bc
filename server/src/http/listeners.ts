import { page } from "@earshot/contract/call";
import { ChangeListener, Listener, MadeListener, MakeListener, Telling } from "@earshot/contract/listener";
import { z } from "zod";
import { ListenerUnknown } from "../outgoing/failures.ts";
import {
  listListeners,
  listTellings,
  makeListener,
  type Listener as OutgoingListener,
  pauseListener,
  removeListener,
  tellAgain,
} from "../outgoing/listeners.ts";
import { recordAudit } from "../people/audits.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";
import { ById } from "./parameters.ts";
import { onePress } from "./press.ts";

/** What the door needs to know of telling other systems. */
export interface Tellings {
  /** May listeners be on this machine? In the sandbox only. */
  readonly local: boolean;
  /** Tell what is due now. */
  wake(): void;
}

/** Other systems that are told what happens: who, what was told, telling again. */
export function listenerRoutes(door: Door, { pool, clock, tellings }: DoorParts): void {
  const options = (summary: string) => ({
    config: { access: { needs: "listeners.manage" as const } },
    schema: { summary, tags: ["listeners"] },
  });
  const find = async (id: string): Promise<Listener> => {
    const found = (await listListeners(pool)).find((one) => one.id === id);
    if (!found) throw new ListenerUnknown(id);
    return shown(found);
  };

  const list = options("List the systems that are told what happens");
  door.get("/api/listeners", { ...list, schema: { ...list.schema, response: { 200: page(Listener) } } }, async () => ({
    items: (await listListeners(pool)).map(shown),
    next: null,
  }));

  const make = options("Tell another system what happens, by signed webhooks");
  door.post(
    "/api/listeners",
    {
      ...make,
      schema: { ...make.schema, body: MakeListener, response: { 201: MadeListener.describe("The only time the secret is shown.") } },
    },
    async (request, reply) => {
      const { actor } = credentialIn(request);
      const at = clock.now();
      const { id, secret } = await makeListener(pool, { ...request.body, by: actor, at, local: tellings.local });
      await recordAudit(pool, { at, actor, action: "listener.made", detail: { listener: id } });
      return reply.code(201).send({ ...(await find(id)), secret });
    },
  );

  const change = options("Pause a listener, or let it hear again what waited meanwhile");
  door.patch(
    "/api/listeners/:id",
    { ...change, schema: { ...change.schema, params: ById, body: ChangeListener, response: { 200: Listener } } },
    async (request) => {
      const { id } = request.params;
      const at = clock.now();
      await pauseListener(pool, id, request.body.paused, at);
      await recordAudit(pool, {
        at,
        actor: credentialIn(request).actor,
        action: "listener.changed",
        detail: { listener: id, paused: request.body.paused },
      });
      tellings.wake();
      return find(id);
    },
  );

  const remove = options("Tell a system nothing more");
  door.delete(
    "/api/listeners/:id",
    { ...remove, schema: { ...remove.schema, params: ById, response: { 200: z.object({ removed: z.literal(true) }) } } },
    async (request) => {
      const { id } = request.params;
      const at = clock.now();
      await removeListener(pool, id, at);
      await recordAudit(pool, { at, actor: credentialIn(request).actor, action: "listener.removed", detail: { listener: id } });
      return { removed: true as const };
    },
  );

  const told = options("What a listener was told, the latest first");
  door.get(
    "/api/listeners/:id/tellings",
    {
      ...told,
      schema: {
        ...told.schema,
        params: ById,
        querystring: z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(100) }),
        response: { 200: page(Telling) },
      },
    },
    async ({ params, query }) => {
      await find(params.id);
      const items = (await listTellings(pool, params.id, query.limit)).map(
        ({ id, kind, call, madeAt, status, attempts, nextAttemptAt, answer, because, toldAt }) => ({
          id,
          kind,
          call_id: call,
          made_at: madeAt.toISOString(),
          status,
          attempts,
          next_attempt_at: nextAttemptAt?.toISOString() ?? null,
          answer,
          because,
          told_at: toldAt?.toISOString() ?? null,
        }),
      );
      return { items, next: null };
    },
  );

  const again = options("Tell it again now, under the same id");
  door.post(
    "/api/tellings/:id/again",
    {
      ...again,
      schema: {
        ...again.schema,
        params: ById,
        body: z.strictObject({}).nullish(),
        response: { 202: z.object({ id: z.uuid() }) },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const at = clock.now();
      const { actor } = credentialIn(request);
      await onePress(
        pool,
        (sql) => tellAgain(sql, id, at),
        () => ({ at, actor, action: "telling.repeated", detail: { telling: id } }),
      );
      tellings.wake();
      return reply.code(202).send({ id });
    },
  );
}

function shown({ id, url, kinds, said, madeAt, pausedAt, waiting, told, dead }: OutgoingListener): Listener {
  return {
    id,
    url,
    kinds: [...kinds],
    said,
    made_at: madeAt.toISOString(),
    paused_at: pausedAt?.toISOString() ?? null,
    waiting,
    told,
    dead,
  };
}
