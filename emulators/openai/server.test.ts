import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openPhraseBook } from "../speech/phrases.ts";
import { type OpenAi, startOpenAi } from "./server.ts";
import { type Client, connect } from "./test/client.ts";
import { typesOf } from "./test/talk.ts";

let openai: OpenAi;
let client: Client;

beforeAll(async () => {
  openai = await startOpenAi({ port: 0, apiKey: "key", listener: openPhraseBook([]), log: () => undefined });
});
afterEach(() => client?.socket.terminate());
afterAll(() => openai.close());

describe("the handshake", () => {
  test("a missing key is refused with 401, a wrong one by an error and close 3000", async () => {
    await expect(connect(openai.url, { headers: {} })).rejects.toThrow("401");
    client = await connect(openai.url, { headers: { authorization: "Bearer other" } });
    expect(await client.closed).toEqual({ code: 3000, reason: "invalid_request_error.invalid_api_key" });
    expect(client.messages).toMatchObject([{ type: "error", error: { code: "invalid_api_key" } }]);
  });

  test("the beta header kills the session: error, then close 4000", async () => {
    client = await connect(openai.url, { headers: { authorization: "Bearer key", "OpenAI-Beta": "realtime=v1" } });
    expect((await client.closed).code).toBe(4000);
    expect(typesOf(client)).toEqual(["error"]);
    expect(client.messages[0].error.code).toBe("beta_api_shape_disabled");
  });

  test("an unknown model is refused", async () => {
    client = await connect(openai.url, { model: "gpt-nothing" });
    expect((await client.closed).reason).toContain("model_not_found");
  });

  test("session.created comes unprompted, with the whole default session", async () => {
    client = await connect(openai.url);
    const { session: made } = await client.until("session.created");
    expect(made).toMatchObject({
      type: "realtime",
      model: "gpt-realtime-2.1",
      output_modalities: ["audio"],
      audio: { input: { format: { rate: 24_000 }, transcription: null }, output: { format: { type: "audio/pcm", rate: 24_000 } } },
    });
    expect(made.expires_at * 1_000 - Date.now()).toBeGreaterThan(59 * 60_000);
  });
});
