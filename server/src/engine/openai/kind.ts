import { z } from "zod";
import { address } from "../../web-address.ts";
import { engineKind } from "../kind.ts";
import { dialectNames } from "./dialects.ts";

const REALTIME = "wss://api.openai.com/v1/realtime";

export const openai = engineKind({
  name: "openai",
  title: "OpenAI Realtime",
  variables: {
    OPENAI_API_KEY: z.string().optional(),
    OPENAI_REALTIME_URL: address("wss", "ws", REALTIME).default(REALTIME),
    /** Unless an agent names another. */
    OPENAI_REALTIME_MODEL: z.string().default("gpt-realtime-2.1"),
    /** Which server of the protocol it is. */
    OPENAI_REALTIME_DIALECT: z
      .enum(dialectNames, `is not a known server of the protocol; give one of ${dialectNames.join(", ")}, or leave it out for openai`)
      .default("openai"),
  },
  needs: ["OPENAI_API_KEY"],
  secrets: ["OPENAI_API_KEY"],
  settings: ({ OPENAI_API_KEY, OPENAI_REALTIME_URL, OPENAI_REALTIME_MODEL, OPENAI_REALTIME_DIALECT }) => ({
    apiKey: OPENAI_API_KEY as string,
    realtimeUrl: OPENAI_REALTIME_URL,
    model: OPENAI_REALTIME_MODEL,
    dialect: OPENAI_REALTIME_DIALECT,
  }),
  describe: ({ realtimeUrl, model }) => `OpenAI Realtime (${model}) at ${new URL(realtimeUrl).host}`,
  async open({ realtimeUrl, ...settings }, { clock }) {
    const { createOpenAiEngine } = await import("./openai.ts");
    return { engine: createOpenAiEngine({ ...settings, url: realtimeUrl, clock }) };
  },
});
