import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RecordingSource } from "@earshot/contract/recording";
import type { RecordingPolicy } from "@earshot/contract/recording-policy";
import { type FreshDatabase, freshDatabase } from "../../test/database.ts";
import { systemClock } from "../clock.ts";
import { inTransaction } from "../db/pool.ts";
import { type AgentId, type CallId, type ConversationId, newId } from "../ids.ts";
import { type Announcement, announceRecording } from "./announce.ts";
import { openStorage, type Storage } from "./storage.ts";
import { startTestFiles, type TestFiles } from "./test-files.ts";
import { type Recordings, type RecordingsParts, startRecordings } from "./work.ts";

/** The room with everything real around it: Postgres, a directory, the carrier's client, a server with files. */
export interface TestRoom {
  readonly database: FreshDatabase;
  readonly files: TestFiles;
  readonly folder: string;
  readonly storage: Storage;
  readonly warnings: string[];
  /** Starts the room's work; `close` of the test room ends it. */
  start(more?: Partial<RecordingsParts>): Promise<Recordings>;
  /** A call that was answered and has ended. */
  call(more?: {
    talkMs?: number;
    conversation?: string | null;
    record?: boolean;
    recording?: RecordingPolicy;
    answered?: boolean;
    ended?: boolean;
    endedAt?: Date;
  }): Promise<CallId>;
  announce(said: Partial<Announcement> & { call: CallId | null; url: string; sizeBytes: number }): Promise<string>;
  /** The rows of a call, by source. */
  rows(call: CallId): Promise<Record<RecordingSource, Row>>;
  /** Waits until the recording has come to this. */
  becomes(call: CallId, source: RecordingSource, status: string): Promise<Row>;
  kinds(call: CallId): Promise<string[]>;
  /** Waits until `true`: a fact, never a time. */
  until(fact: () => Promise<boolean>): Promise<void>;
  /** How much of a recording lies half-fetched. */
  partBytes(recording: string): Promise<number>;
  close(): Promise<void>;
}

/** A row of `recordings` as it is in the database. */
export type Row = Record<string, unknown> & {
  id: string;
  status: string;
  because: string | null;
  storage_key: string;
  sha256: string;
  size_bytes: number;
  attempts: number;
  detail: Record<string, unknown>;
};

/** @param key encrypts what is kept */
export async function openTestRoom(key: Buffer | null = null): Promise<TestRoom> {
  const database = await freshDatabase();
  const { pool } = database;
  const files = await startTestFiles();
  const folder = await mkdtemp(join(tmpdir(), "earshot-recordings-"));
  const storage = openStorage(`file:${join(folder, "kept")}`, key);
  const started: Recordings[] = [];
  const warnings: string[] = [];
  const tell = (detail: unknown, text?: string) => void warnings.push(`${text ?? ""} ${JSON.stringify(detail)}`);
  const agents = new Map<string, AgentId>();

  const rows: TestRoom["rows"] = async (call) => {
    const found = await pool.query<Row>("select * from recordings where call_id = $1 order by created_at", [call]);
    return Object.fromEntries(found.rows.map((row) => [row.source, row])) as Record<RecordingSource, Row>;
  };

  return {
    database,
    files,
    folder,
    storage,
    warnings,
    async start(more = {}) {
      const recordings = await startRecordings({
        pool,
        url: database.url,
        carrier: files.carrier,
        storage,
        clock: systemClock,
        log: { info: () => {}, warn: tell, error: tell },
        journalDir: join(folder, "journal"),
        pauseMs: () => 0,
        audioNice: 0, // beside other tests, which are no calls, a thread that waits for all of them waits for ever
        sweepMs: 3_600_000,
        ...more,
      });
      started.push(recordings);
      await recordings.sweep(); // behind the first one, so that it sees nothing of what the test does
      return recordings;
    },
    async call({
      talkMs = 10_000,
      conversation = `CON-${newId()}`,
      record = true,
      recording,
      answered = true,
      ended = true,
      endedAt = new Date(),
    } = {}) {
      const rules = { record, ...(recording ? { recording } : {}) };
      const agent = agents.get(JSON.stringify(rules)) ?? (await makeAgent(database, rules));
      agents.set(JSON.stringify(rules), agent);
      const id = newId<CallId>();
      await pool.query(
        `insert into calls (id, direction, status, end_reason, agent_id, agent_version, answered_at, ended_at, deadline_at, conversation)
         values ($1, 'outbound', $2, $3, $4, 1, $5, $6, $7, $8)`,
        [
          id,
          ended ? "ended" : "in_progress",
          ended ? (answered ? "caller_hung_up" : "busy") : null,
          agent,
          answered ? new Date(endedAt.getTime() - talkMs) : null,
          ended ? endedAt : null,
          ended ? null : new Date(Date.now() + 60_000),
          conversation,
        ],
      );
      return id;
    },
    async announce({ recording = newId(), conversation = null, startedAt = null, endedAt = null, at = new Date(), ...said }) {
      await inTransaction(pool, (sql) =>
        announceRecording(sql, { recording, conversation: conversation as ConversationId | null, startedAt, endedAt, at, ...said }),
      );
      for (const recordings of started) recordings.wake();
      return recording;
    },
    rows,
    async becomes(call, source, status) {
      for (const since = performance.now(); ; ) {
        const row = (await rows(call))[source];
        if (row?.status === status) return row;
        if (performance.now() - since > PATIENCE_MS)
          throw new Error(`The ${source} recording is ${row?.status} (${row?.because}), not ${status}. ${warnings.at(-1)}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async kinds(call) {
      const found = await pool.query<{ kind: string; source: string }>(
        "select kind, detail->>'source' as source from events where call_id = $1 and kind like 'recording.%' order by id",
        [call],
      );
      return found.rows.map(({ kind, source }) => `${source} ${kind.replace("recording.", "")}`);
    },
    async until(fact) {
      for (const since = performance.now(); !(await fact()); ) {
        if (performance.now() - since > PATIENCE_MS) throw new Error(`It did not come true. ${warnings.at(-1)}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    partBytes: async (recording) => (await stat(join(folder, "fetching", `fetch-${recording}.part`)).catch(() => null))?.size ?? 0,
    async close() {
      for (const recordings of started) await recordings.close();
      await files.close();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** For what comes within moments on a quiet machine: a little less than a test has (vitest.config.ts), so that it is said what did not come. */
const PATIENCE_MS = 150_000;

async function makeAgent({ pool }: FreshDatabase, rules: object): Promise<AgentId> {
  const id = newId<AgentId>();
  await pool.query("insert into agents (id, version) values ($1, 1)", [id]);
  await pool.query("insert into agent_versions (agent_id, version, settings) values ($1, 1, $2)", [
    id,
    { name: "Tester", prompt: "Be kind.", ...rules },
  ]);
  return id;
}
