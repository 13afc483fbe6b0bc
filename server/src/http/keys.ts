import { ApiKey, MadeApiKey, MakeApiKey } from "@earshot/contract/api-key";
import { page } from "@earshot/contract/call";
import { listApiKeys, makeApiKey, revokeApiKey } from "../people/api-keys.ts";
import { recordAudit } from "../people/audits.ts";
import { credentialIn } from "./access.ts";
import type { Door, DoorParts } from "./door.ts";
import type { LiveFeed } from "./live-feed.ts";
import { ById } from "./parameters.ts";

/** API keys: shown once, listed by their first characters, ended for good. */
export function keyRoutes(door: Door, { pool, clock }: DoorParts, feed: LiveFeed): void {
  const access = { needs: "keys.manage" } as const;

  door.get(
    "/api/keys",
    { config: { access }, schema: { summary: "List API keys", tags: ["keys"], response: { 200: page(ApiKey) } } },
    async () => ({ items: await listApiKeys(pool), next: null }),
  );

  door.post(
    "/api/keys",
    {
      config: { access },
      schema: {
        summary: "Make an API key",
        tags: ["keys"],
        body: MakeApiKey,
        response: { 201: MadeApiKey.describe("The only time the key is shown.") },
      },
    },
    async (request, reply) => {
      const { key, made } = await makeApiKey(pool, request.body, clock);
      await recordAudit(pool, {
        at: clock.now(),
        actor: credentialIn(request).actor,
        action: "key.made",
        detail: { key: made.id, role: made.role },
      });
      return reply.code(201).send({ ...made, key });
    },
  );

  door.delete(
    "/api/keys/:id",
    {
      config: { access },
      schema: { summary: "Revoke an API key", tags: ["keys"], params: ById, response: { 200: ApiKey.describe("Revoked, now or before.") } },
    },
    async (request) => {
      const { id } = request.params;
      const revoked = await revokeApiKey(pool, id, clock);
      feed.endIf((credential) => credential.by === "key" && credential.key === id);
      await recordAudit(pool, { at: clock.now(), actor: credentialIn(request).actor, action: "key.revoked", detail: { key: id } });
      return revoked;
    },
  );
}
