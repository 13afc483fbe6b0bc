import { createHash } from "node:crypto";
import type { Call, CallEvent, Utterance } from "@earshot/contract/call";
import type { Recording } from "@earshot/contract/recording";
import type { Webhook } from "@earshot/contract/webhook";
import type pg from "pg";
import { listEvents, listWebhooks, readCall } from "../../calls/read.ts";
import type { Clock } from "../../clock.ts";
import { listUtterances } from "../../conversation/read.ts";
import { inTransaction, type Sql } from "../../db/pool.ts";
import type { CallId } from "../../ids.ts";
import { RecordingFailure } from "../failures.ts";
import { type Consent, consentsOf } from "../keeping/consent.ts";
import { inClearOf } from "../keeping/in-clear.ts";
import { listRecordings } from "../read.ts";
import type { Storage } from "../storage.ts";
import { type RecordingRow, recordingsOfCall } from "../store.ts";
import { type EvidenceKey, evidenceKey } from "./key.ts";
import { crc32, manifestText, signatureText } from "./verify.mjs";
import { webVtt } from "./vtt.ts";
import { type ZipFile, zip } from "./zip.ts";

export interface Evidence {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

type Described = ZipFile & { readonly what: string; readonly sha256: string };

/**
 * All that is kept of a call in one zip: the sound of each source, transcript, emotions, timeline, webhooks and verdicts, a manifest with
 * hashes, and a signature over it. Read in one snapshot; audio is read back and held against its recording before the first byte goes out.
 * Null when there is no such call. @throws RecordingFailure when a file is lost or rotten: evidence is whole or it is not made
 * @param by who asked: user:<id>, key:<id>
 */
export async function evidenceOf(
  { pool, storage, clock }: { readonly pool: pg.Pool; readonly storage: Storage; readonly clock: Clock },
  call: CallId,
  by: string,
): Promise<Evidence | null> {
  const key = await evidenceKey(pool);
  const known = await inTransaction(pool, (sql) => snapshot(sql, call));
  if (!known) return null;
  const madeAt = clock.now().toISOString();
  const files: Described[] = [text("README.txt", "What this file is and how to verify it", readme(key)), ...known.texts];
  for (const row of known.audio) files.push(await sound(storage, row));
  const manifest = manifestText({
    format: "earshot-evidence",
    version: 1,
    call,
    made_at: madeAt,
    made_by: by,
    files: files.map(({ name, size, sha256, what }) => ({ name, bytes: size, sha256, what })),
  });
  const signature = signatureText(key.publicHex, key.sign(Buffer.from(manifest)));
  return {
    name: `earshot-${call}.zip`,
    bytes: zip([...files, text("manifest.json", "", manifest), text("signature.json", "", signature)]),
  };
}

/** Everything the database knows of the call, at one moment. */
async function snapshot(sql: Sql, id: CallId): Promise<{ texts: Described[]; audio: RecordingRow[] } | null> {
  await sql.query("set transaction isolation level repeatable read");
  const call = await readCall(sql, id);
  if (!call) return null;
  const answeredAt = call.started_at === null ? null : new Date(call.started_at);
  const { items: utterances } = await listUtterances(sql, id, ALL, null);
  const { items: events } = await listEvents(sql, id, answeredAt, ALL, null);
  const { items: webhooks } = await listWebhooks(sql, id, ALL, null);
  const rows = await recordingsOfCall(sql, id);
  const inClear = await inClearOf(sql, id);
  const recordings = (await listRecordings(sql, { id, answeredAt })).map((recording) => ({
    ...recording,
    detail: rows.find((row) => row.id === recording.id)?.detail ?? {},
  }));
  return {
    texts: [
      json("call.json", "The call: numbers, times, agent, end reason", call),
      json("transcript.json", "What was said, by whom and when, with the emotion scores of each utterance", utterances),
      text("transcript.vtt", "The transcript as subtitles; 0:00 is the answer", webVtt(utterances)),
      json("timeline.json", "Everything that happened, in order, each with its time and its teller", events),
      json("webhooks.json", "The carrier's requests as they came, secrets taken out, with what became of each", webhooks),
      json("consents.json", "What the parties were told about being recorded, and what they answered", await consentsOf(sql, id)),
      json("recordings.json", "Each recording: its source, state, hash, measurements and comparison with the other", recordings),
    ],
    audio: rows.filter((row) => row.storageKey && !inClear.has(row.id) && ["stored", "verified", "failed"].includes(row.status)),
  };
}

/** All rows of one call: a long one has some thousands. */
const ALL = 1_000_000;

function json(name: string, what: string, value: Call | readonly (Utterance | CallEvent | Webhook | Recording | Consent)[]): Described {
  return text(name, what, `${JSON.stringify(value, null, 2)}\n`);
}

function text(name: string, what: string, content: string): Described {
  const bytes = Buffer.from(content);
  return {
    name,
    what,
    size: bytes.length,
    crc32: crc32(bytes),
    sha256: createHash("sha256").update(bytes).digest("hex"),
    open: () => once(bytes),
  };
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const described = {
  carrier: "The carrier's recording, as it was fetched",
  journal: "Our own recording, made from both audio streams",
  engine: "The engine's recording",
};

/** Reads a stored file once for its checksums; the zip opens it again. */
async function sound(storage: Storage, { source, id, format, storageKey, sha256: expected }: RecordingRow): Promise<Described> {
  const key = storageKey as string;
  const hash = createHash("sha256");
  let crc = 0;
  let size = 0;
  for await (const chunk of await storage.read(key)) {
    hash.update(chunk as Buffer);
    crc = crc32(chunk as Buffer, crc);
    size += (chunk as Buffer).length;
  }
  const sha256 = hash.digest("hex");
  if (sha256 !== expected) throw new RecordingFailure("STORED_FILE_ROTTEN", `${key} reads as ${sha256}.`);
  return { name: `audio/${source}-${id}.${format}`, what: described[source], size, crc32: crc, sha256, open: () => storage.read(key) };
}

const readme = ({ publicHex }: EvidenceKey): string => `Evidence of one phone call, made by Earshot
===========================================

manifest.json names every file here with its size and SHA-256 hash. signature.json holds an Ed25519 signature over manifest.json.

To verify, with Node.js 18 or newer:

    npx earshot verify FILE.zip
    npx earshot verify FILE.zip --key ${publicHex}

What a successful verification says: this file has not changed by a single bit since the installation that owns the key
    ${publicHex}
put it together, at the time the manifest says by that installation's clock; and the files in it were one state of its database.

What it does not say: that the key is who you think (ask the operator for it by another way), that the installation's clock was right, or
that nobody changed its database before. The two audio files were recorded independently, one by the phone network and one by the server;
recordings.json says how far they agree.

Times: timeline.json and webhooks.json in UTC; the transcript in milliseconds from the answer; a recording begins offset_ms after the answer.
`;
