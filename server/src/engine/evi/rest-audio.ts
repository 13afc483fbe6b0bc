import { z } from "zod";
import { EngineHasNot } from "../failures.ts";
import type { ReconstructedPart, Reconstruction, Reconstructions, SessionRef } from "../port.ts";
import type { HumeRest } from "./rest.ts";
import { chatHead } from "./rest-chats.ts";

/** Audio reconstruction (hume-evi §5.3): asynchronous, one file a chat, begun by the first question. */

const Answer = z.looseObject({
  status: z.string(),
  signed_audio_url: z.string().nullish().catch(null),
  signed_url_expiration_timestamp_millis: z.number().nullish().catch(null),
});

type One =
  | { readonly is: "making" | "failed" | "not kept"; readonly status: string }
  | { readonly is: "ready"; readonly part: ReconstructedPart };

/** Hume's own recordings of chats. The sound of a chat begins with the chat, that is, while the phone still rings. */
export function reconstructionsOf(rest: HumeRest): Reconstructions {
  return {
    async look(sessions, signal) {
      const all: One[] = [];
      for (const session of sessions) all.push(await lookAtOne(rest, session, signal));
      return together(all);
    },
    openRecording: (url, rangeFrom) => rest.openFile(url, rangeFrom),
    mayFetch: (url) => rest.mayFetch(url),
  };
}

async function lookAtOne(rest: HumeRest, { session }: SessionRef, signal?: AbortSignal): Promise<One> {
  let answer: z.infer<typeof Answer>;
  try {
    answer = await rest.read(Answer, "GET", `/v0/evi/chats/${encodeURIComponent(session)}/audio`, undefined, signal);
  } catch (error) {
    if (error instanceof EngineHasNot) return { is: "not kept", status: "unknown" };
    throw error;
  }
  const { status, signed_audio_url: url, signed_url_expiration_timestamp_millis: expires } = answer;
  if (status === "ERROR" || status === "CANCELLED") return { is: "failed", status };
  if (status !== "COMPLETE" || !url) return { is: "making", status };
  const { startedAt } = await chatHead(rest, session, signal);
  return { is: "ready", part: { session, url, expiresAt: expires == null ? null : new Date(expires), startedAt } };
}

/** All of a call's chats as one: nothing is ready before everything is that will be. Pure. */
export function together(all: readonly One[]): Reconstruction {
  if (all.some(({ is }) => is === "making")) return { state: "making" };
  const parts = all.flatMap((one) => (one.is === "ready" ? one.part : []));
  if (parts.length > 0)
    return { state: "ready", parts: parts.sort((a, b) => (a.startedAt?.getTime() ?? 0) - (b.startedAt?.getTime() ?? 0)) };
  const failed = all.find(({ is }) => is === "failed");
  if (failed !== undefined && failed.is !== "ready")
    return { state: "none", because: "failed", text: `Hume could not reconstruct the sound (${failed.status}).` };
  return { state: "none", because: "not_kept", text: "Hume kept no sound of it: without data retention there is none." };
}
