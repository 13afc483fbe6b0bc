import { randomBytes } from "node:crypto";
import type { AgentTool, HttpTool } from "@earshot/contract/tool";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { inTransaction } from "../db/pool.ts";
import { openSecrets, withSecretsKept } from "./secrets.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

const key = randomBytes(32);
const tool = (more: Partial<HttpTool>): HttpTool => ({
  kind: "http",
  name: "look_up",
  description: "Looks up.",
  parameters: { type: "object" },
  url: "https://orders.example.com/v1/find",
  method: "POST",
  headers: [],
  secret_headers: [{ name: "Authorization", value: "Bearer s3cret" }],
  timeout_ms: 5_000,
  ...more,
});
const keep = async (tools: AgentTool[], by: Buffer | null = key) =>
  (await inTransaction(db.pool, (sql) => withSecretsKept(sql, tools, { by: "user:x", at: new Date(), key: by }))) as HttpTool[];

it("a secret is put away once, sealed, and read again for its own host only", async () => {
  const [kept] = await keep([tool({})]);
  expect(JSON.stringify(kept)).not.toContain("s3cret");
  const { rows } = await db.pool.query("select origin, header, sealed, value from tool_secrets");
  expect(rows).toMatchObject([{ origin: "https://orders.example.com", header: "authorization", sealed: true }]);
  expect(rows[0].value.toString("latin1")).not.toContain("s3cret");
  expect(await openSecrets(db.pool, kept as HttpTool, key)).toEqual({ are: { authorization: "Bearer s3cret" } });
  const elsewhere = { ...(kept as HttpTool), url: "https://orders.example.net/v1/find" };
  expect(await openSecrets(db.pool, elsewhere, key)).toHaveProperty("wrong");
});

it("saved again it stays; with another host or header its value must be given anew", async () => {
  const [kept] = (await keep([tool({})])) as [HttpTool];
  expect(await keep([{ ...kept, url: "https://orders.example.com/v2/find" }])).toMatchObject([{ secret_headers: kept.secret_headers }]);
  const [header] = kept.secret_headers as [{ name: string; secret: string }];
  for (const stolen of [
    { ...kept, url: "https://thief.example.com/" },
    { ...kept, url: "http://orders.example.com/" },
    { ...kept, url: "https://orders.example.com:8443/" },
    { ...kept, secret_headers: [{ ...header, name: "X-Echo" }] },
  ])
    await expect(keep([{ kind: "hang_up" }, stolen])).rejects.toMatchObject({
      code: "TOOL_SECRET_UNKNOWN",
      fields: [{ field: "tools.1.secret_headers.0" }],
    });
});

it("without a key it lies as it is; with the wrong one it cannot be read", async () => {
  const [plain] = (await keep([tool({})], null)) as [HttpTool];
  expect(await openSecrets(db.pool, plain, null)).toEqual({ are: { authorization: "Bearer s3cret" } });
  expect(await openSecrets(db.pool, plain, key)).toEqual({ are: { authorization: "Bearer s3cret" } });
  const [sealed] = (await keep([tool({})])) as [HttpTool];
  for (const wrong of [null, randomBytes(32)]) expect(await openSecrets(db.pool, sealed, wrong)).toHaveProperty("wrong");
});

it("what is sealed for one secret does not open another", async () => {
  const [one] = (await keep([tool({})])) as [HttpTool];
  const [other] = (await keep([tool({ secret_headers: [{ name: "Authorization", value: "Bearer other" }] })])) as [HttpTool];
  const id = (of: HttpTool) => (of.secret_headers[0] as { secret: string }).secret;
  await db.pool.query("update tool_secrets set value = (select value from tool_secrets where id = $1) where id = $2", [id(one), id(other)]);
  expect(await openSecrets(db.pool, other, key)).toHaveProperty("wrong");
});
