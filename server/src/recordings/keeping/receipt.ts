import { verify } from "node:crypto";
import type { CallId } from "../../ids.ts";
import { publicKeyOf } from "../evidence/verify.mjs";

/** What of a call is deleted. `audio`: every source, the journal too. `customer`: who they are. */
export type Deletable = "audio" | "transcript" | "customer";

/** Where the journal may lie that was not found here, and when it is gone: a promise, since nobody has seen it. */
export interface JournalElsewhere {
  /** Processes that carried the call, as host-pid-id. */
  readonly carried_by: readonly string[];
  readonly removed: string;
}

/** What was deleted: the proof that is left, signed by the installation (Ed25519, hex) over {@link canonical} of the rest. */
export interface Receipt {
  readonly call: CallId;
  readonly what: readonly Deletable[];
  readonly asked_at: string;
  readonly asked_by: string;
  readonly because: string;
  readonly done_at: string;
  /** Each with the hash it had, and looked for again in the storage afterwards. */
  readonly files: readonly {
    readonly source: string;
    readonly sha256: string | null;
    readonly bytes: number | null;
    readonly gone: boolean;
  }[];
  /** Who deletes sees the journals of its own machine only. One on another is removed there, which the call's timeline tells ({@link JournalElsewhere}). */
  readonly journal: "deleted" | "there was none" | "kept" | "not on this machine";
  readonly journal_elsewhere: JournalElsewhere | null;
  /** Rows touched, by table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Vonage has no documented way to delete a recording: it deletes by itself after 30 days (vonage-voice §7.2). */
  readonly carrier_copy: { readonly gone_by: string } | null;
  /** What is left at the engine's vendor, by its ids: no documented request deletes it; the account's own pages and its retention do. */
  readonly engine_copy: { readonly engine: string; readonly sessions: readonly string[] }[] | null;
  readonly key: string;
  readonly signature: string;
}

/** When Vonage will have deleted what it announced then (vonage-voice §7.2). */
export const carriersCopyGoneBy = (announcedAt: Date): Date => new Date(announcedAt.getTime() + 30 * 24 * 3600 * 1000);

/** JSON with the names of every object in order: the same text however a database keeps it. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Is this receipt as it was signed? Whose key it is must be known by another way. */
export function receiptHolds({ signature, ...said }: Receipt): boolean {
  return verify(null, Buffer.from(canonical(said)), publicKeyOf(said.key), Buffer.from(signature, "hex"));
}
