import { afterEach, expect, it } from "vitest";
import type { Network } from "./network.ts";
import { type App, apiKey, applicationId, ask, publicKey, startApp, startTestNetwork } from "./test-app.ts";

let app: App;
let network: Network;
afterEach(async () => {
  await network.close();
  await app.close();
});

const basic = (secret: string): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${apiKey}:${secret}`).toString("base64")}`,
});
const path = `/v2/applications/${applicationId}`;

it("shows the application with its webhooks to whoever has key and secret", async () => {
  app = await startApp();
  network = await startTestNetwork(app, { apiSecret: "a secret" });
  const { status, body } = await ask(network, "GET", path, undefined, basic("a secret"));
  expect(status).toBe(200);
  expect(body).toMatchObject({
    id: applicationId,
    keys: { public_key: publicKey },
    capabilities: {
      voice: {
        webhooks: {
          answer_url: { address: `${app.url}/answer`, http_method: "GET" },
          event_url: { address: `${app.url}/event`, http_method: "POST" },
        },
        signed_callbacks: true,
      },
    },
  });
  expect(await ask(network, "GET", path, undefined, basic("another"))).toMatchObject({ status: 401 });
  expect(await ask(network, "GET", path)).toMatchObject({ status: 401 });
  const { body: numbers } = await ask(network, "GET", "/account/numbers", undefined, basic("a secret"));
  expect(numbers).toMatchObject({ count: 1, numbers: [{ msisdn: "12025550100", app_id: applicationId }] });
});

it("sends inbound calls where the application was changed to, and unsigned when told to", async () => {
  app = await startApp((seen) => (seen.path === "/new-answer" ? { body: [{ action: "wait", timeout: 0.1 }] } : undefined));
  network = await startTestNetwork(app, { apiSecret: "a secret" });
  const change = {
    name: "Ours",
    capabilities: {
      voice: {
        webhooks: {
          answer_url: { address: `${app.url}/new-answer`, http_method: "POST", connection_timeout: 500, socket_timeout: 3_000 },
          event_url: { address: `${app.url}/new-event`, http_method: "POST" },
        },
        signed_callbacks: false,
      },
    },
  };
  expect(await ask(network, "PUT", path, change, basic("a secret"))).toMatchObject({
    status: 200,
    body: { name: "Ours", id: applicationId },
  });
  await ask(network, "POST", "/emulator/calls", { from: "+12025550101" });
  const asked = await app.requests.first((seen) => seen.path === "/new-answer");
  expect(asked.method).toBe("POST");
  expect(asked.headers.authorization).toBeUndefined();
  await app.requests.first((seen) => seen.path === "/new-event" && seen.body.status === "completed");
});

it("refuses settings out of range", async () => {
  app = await startApp();
  network = await startTestNetwork(app, { apiSecret: "a secret" });
  const slow = { name: "Ours", capabilities: { voice: { webhooks: { answer_url: { address: `${app.url}/a`, socket_timeout: 60_000 } } } } };
  const { status, body } = await ask(network, "PUT", path, slow, basic("a secret"));
  expect(status).toBe(400);
  expect(body.invalid_parameters[0].name).toBe("capabilities.voice.webhooks.answer_url.socket_timeout");
});
