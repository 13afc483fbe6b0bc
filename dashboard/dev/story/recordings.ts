/** Made-up recordings, in every state there is, and two that differ. */
import { createHash } from "node:crypto";
import { type Call, Recording } from "../../src/ask/shapes.ts";
import { at, id } from "./made.ts";

const because = {
  missing: {
    code: "RECORDING_NEVER_ANNOUNCED",
    message: "The carrier never announced the recording.",
    remedy: "Check that the recording webhook reaches PUBLIC_URL. If it comes after all, it is still taken.",
  },
  failed: {
    code: "RECORDING_GONE",
    message: "The carrier no longer has the recording.",
    remedy: "It may have expired before it was fetched. The journal's recording is kept.",
  },
  refused: {
    code: "RECORDING_HOST_REFUSED",
    message: "The announced address is not one of the carrier's hosts.",
    remedy: "Nothing was fetched. Look at the raw webhook; somebody may be forging requests.",
  },
} as const;

export const comparisons = {
  agree: { verdict: "agree", offset_ms: 120, findings: [], said: "Both recordings agree; the carrier's begins 0.12 s after ours." },
  differ: {
    verdict: "differ",
    offset_ms: 120,
    findings: [
      {
        in: "carrier",
        what: "lacks",
        side: "agent",
        from_ms: 41_000,
        to_ms: 65_300,
        said: "The carrier's lacks the agent from 0:41 to 1:05.",
      },
      { in: "journal", what: "jumps", side: null, from_ms: 96_000, to_ms: 96_000, said: "Ours jumps by 3.2 s at 1:36." },
    ],
    said: "The carrier's recording lacks the agent from 0:41 to 1:05. Ours jumps by 3.2 s at 1:36.",
  },
} as const;

export function recording(
  call: string,
  status: Recording["status"],
  durationMs: number | null,
  source: Recording["source"] = "carrier",
  comparison: keyof typeof comparisons = "agree",
): Recording {
  const here = status === "stored" || status === "verified";
  return Recording.parse({
    id: status === "none" ? null : id(`${call} ${source}`),
    status,
    source: status === "none" ? null : source,
    url: here ? `/api/calls/${call}/recording?source=${source}` : null,
    format: here ? "mp3" : null,
    duration_ms: here ? durationMs : null,
    offset_ms: here ? (source === "journal" ? 0 : 120) : null,
    size_bytes: here ? Math.round((durationMs ?? 0) * 8) : null,
    sha256: here ? createHash("sha256").update(`${call} ${source}`).digest("hex") : null,
    channels: here ? 2 : null,
    peaks_url: here ? `/api/calls/${call}/recording/peaks?source=${source}` : null,
    because: status in because ? because[status as keyof typeof because] : null,
    comparison: status === "verified" ? { at: at(Date.now() - 60_000), drift_ppm: 0, ...comparisons[comparison] } : null,
    since: status === "none" ? null : at(Date.now() - 60_000),
    announced_at: null,
    stored_at: null,
    verified_at: null,
  });
}

/** Every recording of a call: the best, and beside it our own. */
export function recordingsOf({ id: call, recording: best, duration_ms }: Call): Recording[] {
  if (best.id === null) return [];
  if (duration_ms === null || best.status === "deleted") return [best];
  const differ = best.comparison?.verdict === "differ" ? "differ" : "agree";
  return [best, recording(call, best.status === "verified" ? "verified" : "stored", duration_ms, "journal", differ)];
}
