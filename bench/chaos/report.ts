import type { AuditReport } from "../../server/src/recordings/audit.ts";
import { atMost, type Held, none, verdictTable } from "../verdict.ts";
import type { Gap } from "./gaps.ts";
import type { Wish } from "./plan.ts";
import type { Verdict } from "./verify.ts";
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
  /** Calls whose audio was connected, each of which has a journal. */
  readonly expected: number;
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

/** The bars of a run. The gaps are timings: emulators, database and servers share one machine. */
export function bars({ wish, verdict, audit, replays }: Run): Held[] {
  const share = verdict.struck === 0 ? 100 : (100 * verdict.survived) / verdict.struck;
  const gap = (another: boolean): Held[] => {
    const all = waits(verdict.gaps, "line", another);
    if (all.length === 0) return [];
    const name = another ? "gap p99, another process lived" : "gap p99, the only process restarted";
    return [atMost(name, at(all, 0.99) / 1000, another ? 4 : 8, "s")];
  };
  return [
    { figure: "calls that survived what was done to them", bar: "≥ 99 %", found: `${share.toFixed(1)} %`, met: share >= 99, timing: false },
    ...gap(true),
    ...(wish.servers === 1 ? gap(false) : []),
    none("findings: words, greetings, memory, recordings, ends", verdict.wrong.length),
    none("calls the audit cannot account for, lost and rotten files", audit.calls - audit.accounted + audit.lost + audit.rotten),
    none("replayed decisions that differ", replays.differences),
    none("journals missing for a call that talked", Math.max(0, replays.expected - replays.journals)),
  ];
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
    verdictTable(bars(run)),
    "",
    "| | |",
    "|---|---|",
    `| calls | ${verdict.calls} |`,
    `| open at an incident | ${verdict.struck} |`,
    `| of these lived: the line came back after every kill, and they went on to their natural end | ${verdict.survived} (${part(verdict.survived, verdict.struck)}) |`,
    `| and the agent spoke again after the last incident | ${verdict.talkedOn} |`,
    `| callers who gave up in the silence; who hung up in it after their goodbye | ${verdict.gaveUp}; ${verdict.leftAfterGoodbye} |`,
    `| picked up while no process of ours lived, and given up by the carrier; in the share above | ${verdict.unmet} |`,
    `| calls that ended with an apology, the engine being away for too long | ${verdict.apologised} |`,
    `| words the engine sent and that had to be kept | ${verdict.said} |`,
    `| of these in flight when their own process or session died; of these lost | ${verdict.inFlight}; ${verdict.lostInFlight} |`,
    `| sessions that went on with a talk; of these that knew what had been said | ${verdict.resumed}; ${verdict.remembered} |`,
    ...(verdict.phoneless === 0
      ? []
      : [
          `| calls the phone network took with it; of these ended with a reason, words kept, playable | ${verdict.phoneless}; ${verdict.phonelessKept} |`,
        ]),
    `| calls accounted for by the audit | ${audit.accounted} of ${audit.calls}, ${audit.files} files, ${audit.lost} lost, ${audit.rotten} rotten, ${audit.strays} strays |`,
    `| journals replayed | ${replays.journals}: ${replays.decisions} decisions, ${replays.differences} differences, ${replays.damagedBytes} bytes unreadable |`,
    `| frames paced again | ${replays.frames} in ${replays.sends} sends: ${replays.apart} sends with another number of frames, at most ${replays.worstApartMs.toFixed(0)} ms of sound apart |`,
    `| findings | ${verdict.wrong.length} |`,
    "",
    "| silence after a killed server | calls | p50 | p99 | worst |",
    "|---|---|---|---|---|",
    ...(["line", "sound"] as const).flatMap((what) => [true, false].flatMap((another) => gapRow(verdict.gaps, what, another))),
    "",
    "*Line back*: from the kill until the call's audio was connected to a living process. *Sound*: until the next frame of ours was at the",
    "carrier; it holds the caller's turn too when the agent had nothing to say. Who hung up in the silence counts with the time they waited.",
    "",
    `End reasons: ${Object.entries(verdict.endReasons)
      .map(([reason, calls]) => `${reason} ${calls}`)
      .join(", ")}.`,
    "",
    ...(verdict.wrong.length === 0 ? [] : ["Findings:", "", ...counted(verdict.wrong.map(({ what }) => what)), ""]),
  ].join("\n");
}

/** Waits in ms, shortest first. Who gave up waited at least so long for the line. */
function waits(gaps: readonly Gap[], what: "line" | "sound", another: boolean): number[] {
  return gaps
    .flatMap((gap) => {
      if (gap.came === "none" || gap.another !== another) return [];
      if (gap.came === "hung up") return [gap.waited];
      return gap[what] ?? [];
    })
    .sort((a, b) => a - b);
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;

function gapRow(gaps: readonly Gap[], what: "line" | "sound", another: boolean): string[] {
  const all = waits(gaps, what, another);
  if (all.length === 0) return [];
  const seconds = (share: number): string => `${(at(all, share) / 1000).toFixed(2)} s`;
  const name = `${what === "line" ? "line back" : "sound"}, ${another ? "another process lived all the while" : "no other process lived"}`;
  return [`| ${name} | ${all.length} | ${seconds(0.5)} | ${seconds(0.99)} | ${seconds(1)} |`];
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
