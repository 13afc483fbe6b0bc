import type { AuditReport } from "../../server/src/recordings/audit.ts";
import type { Wish } from "./plan.ts";
import type { Gap, Verdict } from "./verify.ts";
import type { Happened } from "./wave.ts";

export interface Run {
  readonly wish: Wish & { readonly servers: number };
  readonly date: string;
  readonly machine: string;
  readonly minutes: number;
  readonly verdict: Verdict;
  readonly happened: readonly Happened[];
  readonly audit: AuditReport;
  readonly replays: Replays;
  readonly note: string;
}

/** What came of playing the journals through the decisions again. */
export interface Replays {
  readonly journals: number;
  readonly decisions: number;
  readonly differences: number;
  /** Sends to the carrier that were paced again, and how far today's player was from them: ms of sound at worst, and at how many. */
  readonly sends: number;
  readonly frames: number;
  readonly worstApartMs: number;
  readonly apart: number;
  /** The torn ends of killed processes' last blocks. */
  readonly damagedBytes: number;
  readonly wrong: readonly { readonly call: string; readonly what: string }[];
}

/** A run as a page for bench/results/. */
export function report(run: Run): string {
  const { wish, verdict, happened, audit, replays } = run;
  const part = (some: number, all: number): string => (all === 0 ? "-" : `${((100 * some) / all).toFixed(1)} %`);
  const kinds = new Map<string, number>();
  for (const { what } of happened) kinds.set(what, (kinds.get(what) ?? 0) + 1);
  return [
    `# Chaos, ${wish.servers} server${wish.servers === 1 ? "" : "s"}, ${run.date}`,
    "",
    `${run.machine}. Emulated phone network, emulated EVI, database and ${wish.servers} server process${wish.servers === 1 ? "" : "es"} on one machine; ${wish.calls} calls in waves of ${wish.wave}, seed ${wish.seed}, ${run.minutes.toFixed(1)} minutes.${run.note ? ` ${run.note}` : ""}`,
    "",
    `Done to the house: ${[...kinds].map(([what, times]) => `${what} ${times} ×`).join(", ") || "nothing"}. Each killed process was started again at once${wish.servers > 1 ? "; connections go to the processes in turn" : ""}.`,
    "",
    "| | |",
    "|---|---|",
    `| calls | ${verdict.calls} |`,
    `| open at an incident | ${verdict.struck} |`,
    `| of these gone on to their natural end | ${verdict.survived} (${part(verdict.survived, verdict.struck)}) |`,
    `| and the agent spoke again after the last incident | ${verdict.talkedOn} |`,
    `| words the engine sent and that had to be kept | ${verdict.said} |`,
    `| of these in flight at a kill (250 ms) and lost | ${verdict.lostInFlight} |`,
    `| calls accounted for by the audit | ${audit.accounted} of ${audit.calls}, ${audit.files} files, ${audit.lost} lost, ${audit.rotten} rotten, ${audit.strays} strays |`,
    `| journals replayed | ${replays.journals}: ${replays.decisions} decisions, ${replays.differences} differences, ${replays.damagedBytes} bytes unreadable |`,
    `| frames paced again | ${replays.frames} in ${replays.sends} sends: ${replays.apart} sends with another number of frames, at most ${replays.worstApartMs.toFixed(0)} ms of sound apart |`,
    `| findings | ${verdict.wrong.length} |`,
    "",
    "| silence after a killed server | calls | p50 | p99 | worst |",
    "|---|---|---|---|---|",
    ...(["line", "sound"] as const).flatMap((what) =>
      [true, false].flatMap((another) =>
        gapRow(
          verdict.gaps.filter((gap) => gap.another === another),
          what,
          another,
        ),
      ),
    ),
    "",
    "*Line back*: from the kill until the call's audio was connected to a living process. *Sound*: until the next frame of ours was at the",
    "carrier; it holds the caller's turn too when the agent had nothing to say.",
    "",
    `End reasons: ${Object.entries(verdict.endReasons)
      .map(([reason, calls]) => `${reason} ${calls}`)
      .join(", ")}.`,
    "",
    ...(verdict.wrong.length === 0 ? [] : ["Findings:", "", ...counted(verdict.wrong.map(({ what }) => what)), ""]),
  ].join("\n");
}

function gapRow(gaps: readonly Gap[], what: "line" | "sound", another: boolean): string[] {
  const all = gaps
    .map((gap) => gap[what])
    .filter((ms) => ms !== null)
    .sort((a, b) => a - b);
  if (all.length === 0) return [];
  const at = (share: number): string =>
    `${((all[Math.min(all.length - 1, Math.floor(share * all.length))] as number) / 1000).toFixed(2)} s`;
  const name = `${what === "line" ? "line back" : "sound"}, ${another ? "another process lived" : "the only process, restarted"}`;
  return [`| ${name} | ${all.length} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |`];
}

/** Alike ones together, numbers and words apart. */
function counted(findings: readonly string[]): string[] {
  const kinds = new Map<string, number>();
  for (const what of findings) {
    const kind = what.replace(/"[^"]*"/g, '"…"').replace(/\d{2,}/g, "n");
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [...kinds].map(([what, times]) => `- ${times} × ${what}`);
}
