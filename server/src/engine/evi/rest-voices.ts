import { z } from "zod";
import { EngineHasNot, EngineRefused } from "../failures.ts";
import type { HumeRest } from "./rest.ts";

const Page = z.looseObject({
  voices_page: z.array(z.looseObject({ id: z.string().nullish().catch(null), name: z.string().nullish().catch(null) })),
});

const PAGE = 100;
const MOST_PAGES = 10;

/**
 * Is a `voice_id` neither in Hume's library nor among the account's own voices? False when Hume does not tell: its list of voices belongs to
 * another product (`GET /v0/tts/voices`, as in Hume's own package).
 */
export async function unknownVoice(rest: HumeRest, voice: string, signal: AbortSignal): Promise<boolean> {
  for (const provider of ["CUSTOM_VOICE", "HUME_AI"]) {
    for (let number = 0; ; number++) {
      const found = await voices(rest, `provider=${provider}&page_number=${number}&page_size=${PAGE}`, signal);
      if (found === null || number >= MOST_PAGES || found.some(({ id }) => id === voice)) return false;
      if (found.length < PAGE) break;
    }
  }
  return true;
}

async function voices(rest: HumeRest, query: string, signal: AbortSignal): Promise<z.infer<typeof Page>["voices_page"] | null> {
  try {
    return Page.safeParse(await rest.ask("GET", `/v0/tts/voices?${query}`, undefined, signal)).data?.voices_page ?? null;
  } catch (error) {
    if (error instanceof EngineHasNot || error instanceof EngineRefused) return null;
    throw error;
  }
}
