import { z } from "zod";
import { address } from "../../web-address.ts";
import { engineKind } from "../kind.ts";

const CHAT = "wss://api.hume.ai/v0/evi/chat";

export const evi = engineKind({
  name: "evi",
  title: "Hume EVI",
  variables: {
    HUME_API_KEY: z.string().optional(),
    HUME_CONFIG_ID: z.uuid("is not a configuration id; copy it from Hume, or leave it out").optional(),
    HUME_WEBHOOK_SECRET: z
      .string()
      .min(16, "is too short to sign with; copy the webhook signing key from Hume, or leave it out")
      .optional(),
    EVI_URL: address("wss", "ws", CHAT).default(CHAT),
  },
  needs: ["HUME_API_KEY"],
  secrets: ["HUME_API_KEY", "HUME_WEBHOOK_SECRET"],
  olderNames: { HUME_AI_API_KEY: "HUME_API_KEY" },
  /** `webhookSecret`: the account's webhook signing key; null: its webhooks are not taken. */
  settings: ({ HUME_API_KEY, HUME_CONFIG_ID, HUME_WEBHOOK_SECRET, EVI_URL }) => ({
    apiKey: HUME_API_KEY as string,
    configId: HUME_CONFIG_ID ?? null,
    eviUrl: EVI_URL,
    webhookSecret: HUME_WEBHOOK_SECRET ?? null,
  }),
  describe: ({ eviUrl }) => `Hume EVI at ${new URL(eviUrl).host}`,
  async open({ eviUrl, webhookSecret, ...settings }, { pool, clock, log, publicUrl, onUnnoticedEnd }) {
    const [{ createEviEngine }, { HUME_WEBHOOKS_PATH, openHumeWebhooks }] = await Promise.all([
      import("./evi.ts"),
      import("./webhooks.ts"),
    ]);
    // Hume takes https addresses only, the emulated one any; nothing is told to one that nobody signs for.
    const reaches = publicUrl.startsWith("https:") || eviUrl.startsWith("ws:");
    const webhooks = webhookSecret !== null && reaches ? `${publicUrl}${HUME_WEBHOOKS_PATH}` : null;
    const door = openHumeWebhooks({ pool, clock, log, secret: webhookSecret, onUnnoticedEnd });
    return {
      engine: createEviEngine({ ...settings, url: eviUrl, clock, configs: { pool, webhooks } }),
      door: door.door,
      close: () => door.close(),
    };
  },
});
