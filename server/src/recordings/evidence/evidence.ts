import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Call, CallEvent, Utterance } from "@earshot/contract/call";
import type { Keeping } from "@earshot/contract/keeping";
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
import { keepingOf } from "../keeping/read.ts";
import { doneTo } from "../keeping/redact-file.ts";
import { listRecordings } from "../read.ts";
import { isSpoiled, noteSpoiled, spoiledBy } from "../spoiled.ts";
import type { Storage } from "../storage.ts";
import { type RecordingRow, recordingsAsRead } from "../store.ts";
import { type EvidenceKey, evidenceKey } from "./key.ts";
import { crc32, manifestText, signatureText } from "./verify.mjs";
import { webVtt } from "./vtt.ts";
import { type ZipFile, zip } from "./zip.ts";

export interface Evidence {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

const verifier = new URL("./verify.mjs", import.meta.url);

type Described = ZipFile & { readonly what: string; readonly sha256: string };

/**
 * All that is kept of a call in one zip: the sound of each source, transcript, emotions, timeline, webhooks and verdicts, a manifest with
 * hashes, and a signature over it. Read in one snapshot; audio is read back and held against its recording before the first byte goes out. A file
 * that is known to be lost or rotten is named and left out.
 * Null when there is no such call. @throws RecordingFailure when one is found to be so now, which is then known: evidence says what it lacks
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
  const files: Described[] = [
    text("README.txt", "What this file is and how to verify it", readme(key)),
    text("verify.mjs", "A program that verifies this file, for Node.js", await readFile(verifier, "utf8")),
    ...known.texts,
  ];
  for (const row of known.audio)
    files.push(
      await sound(storage, row).catch(async (error: unknown) => {
        const because = spoiledBy(error);
        if (because !== null) await noteSpoiled({ pool, clock }, row, because);
        throw error;
      }),
    );
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
  const rows = await recordingsAsRead(sql, id);
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
      json(
        "keeping.json",
        "What was decided about keeping it: hold, redactions, and deletions with their receipts",
        await keepingOf(sql, id),
      ),
      json("consents.json", "What the parties were told about being recorded, and what they answered", await consentsOf(sql, id)),
      json("recordings.json", "Each recording: its source, state, hash, measurements and comparison with the other", recordings),
    ],
    audio: rows.filter(
      (row) => row.storageKey && !isSpoiled(row.because) && !inClear.has(row.id) && ["stored", "verified", "failed"].includes(row.status),
    ),
  };
}

/** All rows of one call: a long one has some thousands. */
const ALL = 1_000_000;

function json(
  name: string,
  what: string,
  value: Call | Keeping | readonly (Utterance | CallEvent | Webhook | Recording | Consent)[],
): Described {
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
  carrier: { as: "The carrier's recording, as it was fetched", of: "the carrier's recording" },
  journal: { as: "Our own recording, made from both audio streams", of: "our own recording" },
  engine: { as: "The engine's recording, as it was fetched", of: "the engine's recording" },
};

/** What a file of sound is: a copy with a tone in it is no longer what was fetched. */
function whatItIs(row: RecordingRow): string {
  const { as, of } = described[row.source];
  if (doneTo(row).length === 0) return as;
  const original = row.sealedSha256 ? `the original, SHA-256 ${row.sealedSha256}, is sealed` : "the original was destroyed";
  return `A copy of ${of}, encoded anew, with a tone where it was redacted (keeping.json says where); ${original}`;
}

/** Reads a stored file once for its checksums; the zip opens it again. */
async function sound(storage: Storage, row: RecordingRow): Promise<Described> {
  const { source, id, format, sha256: expected } = row;
  const key = row.storageKey as string;
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
  return { name: `audio/${source}-${id}.${format}`, what: whatItIs(row), size, crc32: crc, sha256, open: () => storage.read(key) };
}

/** Commands stand indented by four: evidence.test.ts runs them. */
const readme = ({ publicHex }: EvidenceKey): string => `Evidence of one phone call, made by Earshot
===========================================

manifest.json names every file here with its size, its SHA-256 hash and what it is. signature.json holds an Ed25519 signature over manifest.json.

To verify it, with Node.js 18 or newer (EVIDENCE.zip is the file this came in):

    unzip -o EVIDENCE.zip verify.mjs
    node verify.mjs EVIDENCE.zip --key ${publicHex}

verify.mjs is one file without dependencies, to be read before it is run. It came with what it verifies: who could forge the one could forge the
other. Earshot's source has the same file (${SOURCE}), and the signature can be checked without it, with OpenSSL 3:

    unzip -o EVIDENCE.zip -d evidence
    printf 302a300506032b6570032100${publicHex} | xxd -r -p | openssl pkey -pubin -inform DER -out key.pem
    sed -n 's/.*"signature": "\\([0-9a-f]*\\)".*/\\1/p' evidence/signature.json | xxd -r -p > signature.bin
    openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in evidence/manifest.json -sigfile signature.bin

and the files with sha256sum against manifest.json.

What a successful verification says: this file has not changed by a single bit since somebody who has the private half of the key
    ${publicHex}
put it together, at the time the manifest says by their clock; and the files in it were one state of their database.

What it does not say: that the key is the operator's (ask them for it by another way), that their clock was right, or that nobody changed
their database before. The two audio files were recorded independently, one by the phone network and one by the server; recordings.json says how
far they agree, and manifest.json which of them are copies in which a stretch was redacted. What was deleted of the call, what is not given
because it is yet to be redacted, and what the storage has lost (STORED_FILE_LOST, STORED_FILE_ROTTEN) is not here: keeping.json and recordings.json
name it.

Times: timeline.json, webhooks.json and keeping.json in UTC; the transcript and redactions in milliseconds from the answer; a recording begins offset_ms
after the answer.
`;

const SOURCE = "server/src/recordings/evidence/verify.mjs";
