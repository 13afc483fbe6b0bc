import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { EmulatedNumber } from "@earshot/contract/session";
import type pg from "pg";
import type { Logger } from "pino";
import { ensureFirstAgent } from "./agents/first.ts";
import { prepareAgent, prepareAgents } from "./agents/prepare.ts";
import { type Bridges, createBridges } from "./bridge/bridges.ts";
import { type AsksParts, askForEngine, takeAsks, whisper } from "./calls/asks.ts";
import { dialWaiting } from "./calls/dial.ts";
import { anotherLives, openDrain, untilCallsEnd } from "./calls/drain.ts";
import { askToWait, endWithoutEngine } from "./calls/engine-lost.ts";
import { Draining } from "./calls/failures.ts";
import { hangUp, hangUpLeg } from "./calls/hang-up.ts";
import { muteCaller, pressKeys, transferCall } from "./calls/in-call.ts";
import { isHeldElsewhere, type Leases, startLeases } from "./calls/leases.ts";
import { placeCall } from "./calls/place.ts";
import { finishJournals } from "./calls/take-over.ts";
import { catchUpOnVoicemail, followVoicemailRule } from "./calls/voicemail.ts";
import { recoverCalls, startWatchdog } from "./calls/watchdog.ts";
import { accounted } from "./carrier/vonage/accounted.ts";
import { acceptAudio, mayUpgrade } from "./carrier/vonage/audio-socket.ts";
import { type VonageClient, vonageCarrier } from "./carrier/vonage/client.ts";
import { examine, setWebhooks } from "./carrier/vonage/doctor.ts";
import { vonageDoor } from "./carrier/vonage/door.ts";
import { type CallHooks, openInbox } from "./carrier/vonage/inbox.ts";
import type { SignatureKeys } from "./carrier/vonage/signature.ts";
import { systemClock } from "./clock.ts";
import { openClosing } from "./closing.ts";
import { type Config, ConfigFailure, forgetSecrets, listenOn, readConfig, type VonageConfig } from "./config.ts";
import { startReconciling } from "./conversation/reconcile.ts";
import { untilAnswers } from "./db/answers.ts";
import { startEmbedded } from "./db/embedded.ts";
import { migrate } from "./db/migrate.ts";
import { inTransaction, openPool } from "./db/pool.ts";
import { expressionSource } from "./emotion/expression/expression.ts";
import { openEngines } from "./engine/kind.ts";
import { engineKinds } from "./engine/kinds.ts";
import { Failure } from "./failure.ts";
import type { Line } from "./http/carrier.ts";
import { openDoor } from "./http/door.ts";
import { type WayIn, wayInto } from "./http/way-in.ts";
import type { CallId } from "./ids.ts";
import { openLog } from "./log.ts";
import { startOutgoing } from "./outgoing/work.ts";
import { ensureFirstApiKey } from "./people/api-keys.ts";
import { endDemonstrationKeys, makeDemonstrationKey } from "./people/demonstration-key.ts";
import { makeSignInLink } from "./people/sign-in-links.ts";
import { ensureAdmin } from "./people/users.ts";
import { begunUploads } from "./recordings/begun-uploads.ts";
import { openStorage } from "./recordings/storage.ts";
import { storageKeyOf } from "./recordings/storage-encrypted.ts";
import { knownStorage } from "./recordings/storage-known.ts";
import { tryStorage } from "./recordings/storage-trial.ts";
import { startRecordings } from "./recordings/work.ts";
import { openTools } from "./tools/use.ts";

/**
 * Reads config, builds the parts, listens. The only file that knows everyone.
 *
 * --with-parent: ends when stdin closes. EARSHOT_READY_LINE=1: one line of JSON on stdout once it serves.
 */

const closing = openClosing({ parent: process.argv.includes("--with-parent") });
const clock = systemClock;
const owner = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
/** Whoever saves an agent waits so long for its engine. */
const PREPARED_WITHIN_MS = 5_000;

try {
  const config = readConfig(process.env);
  forgetSecrets(process.env);
  await start(config);
} catch (error) {
  const text = error instanceof Failure ? `${error.message}\n${error.remedy}` : ((error as Error).stack ?? String(error));
  await closing.failed(text, error instanceof ConfigFailure ? 78 : 1);
}

async function start(config: Config): Promise<void> {
  const { log, written } = openLog(config.logLevel);
  for (const warning of config.warnings) log.warn(warning);
  closing.tellTo(log, written);

  const databaseUrl = config.databaseUrl ?? (await embeddedDatabase(config, log));
  const pool = openPool(databaseUrl, 20);
  closing.part("database connections", () => pool.end());
  await untilAnswers(pool, log, undefined, closing.stopping);
  await migrate(pool);
  const operator = await inTransaction(pool, (sql) => ensureAdmin(sql, config.admin));
  await endDemonstrationKeys(pool, clock);
  if (config.apiKey !== null) await inTransaction(pool, (sql) => ensureFirstApiKey(sql, config.apiKey as string, clock));
  const quietly = (error: unknown): void =>
    log.error({ err: error }, "what a call's turn asked for could not be done; its events say how far it came");
  /** What is asked about calls before they can be carried waits until they can. */
  const asking = Promise.withResolvers<AsksParts>();
  const onUnnoticedEnd = (call: CallId, session: string): void =>
    void asking.promise.then((asks) => askForEngine(asks, call, session)).catch(quietly);
  const { engines, ...ofEngines } = await openEngines(engineKinds, config.engines, {
    pool,
    clock,
    log,
    publicUrl: config.publicUrl,
    onUnnoticedEnd,
  });
  for (const { name, close } of ofEngines.parts) closing.part(name, close);
  const engineNames = Object.keys(engines);
  await ensureFirstAgent(pool, engineNames[0]);
  const { rows } = await pool.query<{ first: boolean }>("select not exists (select from calls) as first");
  const first = rows[0]?.first === true;

  const carrier = config.vonage === null ? null : vonageCarrier({ ...config.vonage, publicUrl: config.publicUrl, ...accounted(pool, log) });
  const place = openStorage(config.storageUrl, config.storageKey === null ? null : storageKeyOf(config.storageKey), begunUploads(pool));
  const storage = knownStorage(place, pool);
  // Beside the start: callers do not wait for a bucket, and what cannot be kept now is tried again.
  void tryStorage(storage).catch((error: unknown) =>
    log.error({ err: error }, `recordings cannot be kept in ${storage.place} now; calls go on (npx earshot doctor tries it again)`),
  );
  const journalDir = join(config.dataDir, "journal");

  const recordings = await startRecordings({
    pool,
    url: databaseUrl,
    carrier,
    reconstructions: Object.fromEntries(Object.entries(engines).map(([name, engine]) => [name, engine.reconstructions])),
    storage,
    clock,
    log,
    owner,
    journalDir,
  });
  closing.part("recordings", () => recordings.close(), 8_000);
  const reconciling = await startReconciling({ pool, clock, log, engines, jobs: recordings.jobs });
  closing.part("transcripts to fill", () => reconciling.close());

  const emulated = config.vonage?.emulated === true;
  const outgoing = startOutgoing({ pool, clock, log, publicUrl: config.publicUrl, local: emulated });
  closing.part("tellings", () => outgoing.close());

  const number = config.vonage?.number ?? null;
  const asked = { pool, carrier, clock, log };
  const ended = (call: CallId): void => {
    bridges
      .end(call)
      .then(() => heldElsewhere(pool, call))
      .then(() => recordings.callEnded(call))
      .then(() => reconciling.callEnded(call))
      .catch((error: unknown) => log.error({ call, err: error }, "a call's end could not be finished; the sweep of recordings does it"));
  };
  const notHungUp =
    (call: CallId) =>
    (error: unknown): void =>
      log.warn({ call, err: error }, "a hang-up did not reach the carrier; the watchdog asks again");
  const tryHangUp = (call: CallId, by: "agent" | `us:${string}`, detail: Record<string, unknown>, because?: string): void => {
    hangUp({ ...asked, onEnded: ended }, call, by, detail, because || null).catch(notHungUp(call));
  };
  const toolKey = config.storageKey === null ? null : storageKeyOf(config.storageKey);
  const tools = openTools({ ...asked, number, onEnded: ended, key: toolKey, local: emulated });
  let leases: Leases | null = null;
  closing.part("leases", () => leases?.close());
  const bridges: Bridges = createBridges({
    pool,
    engines,
    emotions: config.expression && expressionSource({ ...config.expression, clock }),
    journalDir,
    clock,
    log,
    owner,
    prices: config.prices,
    useTool: (call, use, moment) => tools.use(call, use, moment),
    onSilence: (call) => tryHangUp(call, "us:silence", {}),
    onAgentHangUp: (call) => tryHangUp(call, "agent", {}),
    onEngineLost: (call, loss) => void endWithoutEngine(calling, call, loss).catch(notHungUp(call)),
    onWait: (call, again) => void askToWait(calling, call, again).catch(quietly),
  });
  closing.part("bridges", () => bridges.close(), 8_000);

  let wayIn: WayIn | null = null;
  const drain = openDrain({ pool, owner, wayIn: () => (config.sharePort ? wayIn : null) });
  const prepare = (call: CallId): void => {
    // The audio will come to another.
    if (!drain.elsewhere()) bridges.prepare(call);
  };
  const hooks: CallHooks = {
    onDialing: prepare,
    onAnswered: prepare,
    onEnded: ended,
    onRecorded: () => recordings.wake(),
    onMachine: (call) => void followVoicemailRule({ ...asked, number, onEnded: ended }, call).catch(quietly),
    onTransferred: (call) => void bridges.end(call).catch(quietly),
    onHangUpDue: (call, leg) => void (carrier && hangUpLeg(pool, carrier, call, leg, clock.now()).catch(notHungUp(call))),
  };
  const keys = config.vonage === null ? null : keysOf(config.vonage);
  const inbox = openInbox({ pool, clock, log, hooks });
  closing.part("webhooks", () => inbox.close());

  const calling = { ...asked, number, onEnded: ended };
  const dialing = new Set<Promise<void>>();
  const closingDials = new AbortController();
  const placing = { ...calling, engines: engineNames, owner, dialing, closing: closingDials.signal };
  const orphans = { warned: new Set<CallId>(), walk: { last: null } };
  leases = await startLeases({
    databaseUrl,
    log,
    owner,
    carried: bridges.carried,
    onEnded: ended,
    onElsewhere: (call) => void bridges.handOver(call).catch(quietly),
    looks: [
      () => finishJournals({ ...asked, owner, journalDir, prices: config.prices, ...orphans }),
      () => dialWaiting(placing),
      () => takeAsks(asks),
      () => drain.look(),
    ],
  });
  const asks: AsksParts = {
    pool,
    clock,
    owner,
    here: () => [...bridges.carried()].flatMap(([call, connected]) => (connected ? call : [])),
    doAsk: (call, asked) =>
      asked.what === "whisper" ? bridges.whisper(call, asked.how, asked.text) : bridges.engineGone(call, asked.session),
  };
  asking.resolve(asks);
  const app = await openDoor({
    pool,
    databaseUrl,
    clock,
    log,
    publicUrl: config.publicUrl,
    trustedProxies: config.trustedProxies,
    storage,
    dashboardDir: join(import.meta.dirname, "../../dashboard/dist"),
    engines,
    engineKinds,
    agentSaved: (agent) => prepareAgent(engines, agent, log, PREPARED_WITHIN_MS),
    secretsKey: toolKey,
    emulatedNumbers: config.vonage?.emulated ? await emulatedNumbers(config.vonage) : null,
    placeCall: async (request, by) => {
      if (drain.on) throw new Draining();
      return placeCall(placing, request, by);
    },
    ready: [
      {
        name: "room for new calls",
        check: async () => {
          if (drain.on) throw new Draining();
        },
      },
    ],
    hangUp: (call, by) => hangUp(calling, call, "operator", { by }),
    inCall: {
      transfer: (call, to, by) => transferCall(calling, call, to, by),
      pressKeys: (call, keys, by) => pressKeys(calling, call, keys, by),
      mute: (call, on, by) => muteCaller(calling, call, on, by),
      whisper: (call, asked, by) => whisper(asks, call, asked, by),
    },
    jobs: recordings,
    asWav: (file) => recordings.asWav(file),
    tellings: { local: emulated, wake: () => outgoing.wake() },
    line: config.vonage === null || carrier === null ? null : lineOf(config, config.vonage, carrier, pool),
    metrics: [
      { room: "bridge", read: () => bridges.metrics() },
      { room: "jobs", read: () => recordings.states() },
    ],
    mayUpgrade,
    engineDoors: ofEngines.doors,
    carrierDoors:
      config.vonage === null || keys === null
        ? []
        : [
            vonageDoor({
              pool,
              clock,
              log,
              inbox,
              hooks,
              refusesNew: async () => drain.on && !(await anotherLives(pool, owner)),
              keys,
              publicUrl: config.publicUrl,
              number,
              apiUrl: config.vonage.apiUrl,
              engineRates: Object.fromEntries(Object.entries(engines).map(([name, engine]) => [name, engine.abilities.inRates])),
            }),
          ],
  });
  const audio = acceptAudio(app.server, {
    ...{ pool, bridges, owner, keys, clock, log },
    elsewhere: drain.elsewhere,
    onAttached: (call) => void catchUpOnVoicemail(calling, call).catch(quietly),
  });
  closing.part(
    "dials under way",
    () => {
      closingDials.abort();
      return Promise.all(dialing);
    },
    10_000,
  );
  const where = { port: config.port, host: listenOn(config.publicUrl), reusePort: config.sharePort };
  const way = wayInto(app, where, audio);
  wayIn = way;
  closing.part("door", () => way.close());

  await recoverCalls(pool, clock.now());
  const watchdog = startWatchdog({ ...asked, owner, carries: (call) => bridges.hasAudio(call), onEnded: ended });
  closing.part("watchdog", () => watchdog.close());
  const preparing = new AbortController();
  const prepared = prepareAgents(pool, engines, log, preparing.signal).catch(quietly);
  closing.part("agents' settings at their engines", () => {
    preparing.abort();
    return prepared;
  });
  await way.open();
  void inbox
    .sweep(true)
    .catch((error: unknown) => log.error({ err: error }, "webhooks left from before could not be applied; the next sweep does it"));

  closing.serves(async (enough) => {
    closingDials.abort();
    // Told as well as a database that is away lets it: the beats go on to tell it.
    void Promise.all([leases?.drain(), drain.begin()]).catch(quietly);
    const waited = AbortSignal.any([enough, AbortSignal.timeout(config.drainSeconds * 1000)]);
    const left = await untilCallsEnd({ pool, owner, carried: bridges.carried }, waited);
    log.info({ left }, left === 0 ? "every call has ended" : "the calls that are left are handed over");
  });

  log.info({ port: config.port }, "Earshot serves");
  if (config.readyLine) {
    const sign_in = config.admin === null ? `${config.publicUrl}${(await makeSignInLink(pool, operator, clock)).path}` : null;
    const demo_key = first && config.vonage?.emulated ? await makeDemonstrationKey(pool, clock) : null;
    process.stdout.write(`${JSON.stringify({ ready: true, url: config.publicUrl, first, sign_in, demo_key })}\n`);
  }
}

async function embeddedDatabase(config: Config, log: Logger): Promise<string> {
  const database = await startEmbedded({
    dataDir: config.dataDir,
    log: { info: (text) => log.info(text), warn: (text) => log.warn(text), error: (text) => log.error(text) },
  });
  closing.part("database", () => database.stop(), 15_000);
  return database.url;
}

/** The process that carries a call may be another than the one that hears of its end: its last words and sounds are waited for, a little. */
async function heldElsewhere(pool: pg.Pool, call: CallId): Promise<void> {
  for (let tries = 0; tries < 20 && (await isHeldElsewhere(pool, call, owner)); tries++) await wait(250);
}

/** What proves a request to be the carrier's. */
function keysOf({ signatureSecret: secret, apiKey, applicationId }: VonageConfig): SignatureKeys {
  return { secret, apiKey, applicationId };
}

/** The line as the door shows it, with the doctor who looks at it. */
function lineOf(config: Config, vonage: VonageConfig, client: VonageClient, pool: pg.Pool): Line {
  const parts = { config: vonage, client, publicUrl: config.publicUrl, pool, clock, apiSecret: vonage.apiSecret };
  return {
    carrier: client.name,
    number: vonage.number,
    emulated: vonage.emulated,
    doctor: {
      examine: (apiSecret) => examine({ ...parts, apiSecret: apiSecret ?? vonage.apiSecret }),
      hasApiSecret: vonage.apiSecret !== null,
      setWebhooks: (apiSecret) => setWebhooks({ ...parts, apiSecret: apiSecret ?? vonage.apiSecret }),
    },
  };
}

/** Who can be dialled on the emulated network, asked once at start: reads never leave the house. */
async function emulatedNumbers(vonage: VonageConfig): Promise<EmulatedNumber[]> {
  try {
    const answer = await fetch(new URL("/emulator/people", vonage.apiUrl), { signal: AbortSignal.timeout(2_000) });
    const { people } = (await answer.json()) as { people: { number: string; habit: string }[] };
    return people.map(({ number, habit }) => {
      const [name = number, ...rest] = habit.split(": ");
      return { number, name: name.replace(/\.$/, ""), habit: rest.join(": ") || habit };
    });
  } catch {
    return [];
  }
}
