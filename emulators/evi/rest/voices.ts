import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { voices } from "../../speech/voice.ts";
import { PageQuery, pageOf } from "./pages.ts";

const Query = PageQuery.extend({ provider: z.enum(["HUME_AI", "CUSTOM_VOICE"]) });

/** The voices there are to choose from, as Hume's package lists them: those of the emulated world are the library; the account has none of its own. */
export function voiceRoute(app: FastifyInstance): void {
  app.get("/v0/tts/voices", (request) => {
    const query = Query.parse(request.query);
    const { head, items } = pageOf(query.provider === "HUME_AI" ? voices : [], query);
    return { ...head, voices_page: items.map((name) => ({ id: name, name, provider: "HUME_AI" })) };
  });
}
