import { mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Config, ConfigFailure, listenOn, readConfig } from "../server/src/config.ts";
import { findOwner, stopLeftover } from "../server/src/db/embedded.ts";
import { EmbeddedTaken } from "../server/src/db/failures.ts";
import { engineKinds } from "../server/src/engine/kinds.ts";
import { withEnvFile } from "../server/src/env-file.ts";
import { Failure } from "../server/src/failure.ts";
import { heapFlags } from "../server/src/heap-flags.ts";
import { runDemo } from "./demo.ts";
import { type EmulatedWorld, startEmulatedWorld } from "./emulated-world.ts";
import { anyPort, portRefused, whoListens, whyNotListen } from "./port.ts";
import { type Program, root, startProgram } from "./program.ts";
import { step } from "./progress.mjs";
import { say, tone } from "./terminal.ts";

/**
 * What `npm start` runs once the machine is ready: the emulated world where nothing else is configured, then the server.
 * Started in that order, stopped in reverse. A server that ends by itself ends the rest; an emulator that does is told of. Nothing is
 * restarted silently, and a start that is refused changes nothing.
 *
 * --no-demo, EARSHOT_DEMO=0: no demonstration call on the first start.  --logs: logs here instead of in DATA_DIR/logs.
 */

/** What the server needs to close its parts, once its calls have ended; the emulators have nothing to finish. */
const SERVER_GRACE_MS = 60_000;
const EMULATOR_GRACE_MS = 3_000;
/** Ctrl-C may arrive twice for one press: from the terminal and from the process that started us. */
const ONE_PRESS_MS = 500;
/** A server whose launcher was killed closes by itself: without calls within a second. */
const OTHER_ENDS_WITHIN_MS = 8_000;
/** The network lists its people at once; a start does not wait for one that has just died. */
const PEOPLE_WITHIN_MS = 5_000;

/** The first of the table show what a call can be; the others are for when something goes wrong. */
const BASIC_PEOPLE = 6;

const { values: flags } = parseArgs({ options: { "no-demo": { type: "boolean" }, logs: { type: "boolean" } } });
const startedAt = performance.now();
const running: Program[] = [];
/** Where the server keeps its embedded database, once it has one: only a ready server owns it. */
let databaseIn: string | null = null;
/** How long the server may wait for the ends of its calls. */
let drainSeconds = 0;
const farewell = new AbortController();

try {
  await main();
} catch (error) {
  await stopAll();
  process.stderr.write(`${error instanceof Failure ? `${error.message}\n${error.remedy}` : (error as Error).message}\n`);
  process.exit(1);
}

async function main(): Promise<void> {
  stopWhenAsked();
  const env = withEnvFile(join(root, ".env"), process.env);
  const config = readConfig(env);
  await untilNobodyIsInTheWay(config);
  const port = config.port === 0 ? await anyPort() : config.port;
  mkdirSync(config.dataDir, { recursive: true, mode: 0o755 });

  const emulates = config.vonage === null;
  // Nobody is really called: calls on the emulated network need not be waited for, unless that is asked for.
  drainSeconds = emulates && !env.DRAIN_SECONDS ? 0 : config.drainSeconds;
  const logFile = (name: string): string | null => (emulates && !flags.logs ? join(config.dataDir, "logs", `${name}.log`) : null);
  const bare = pick(process.env, ["PATH", "HOME", "TZ", "TMPDIR", "NO_COLOR"]);
  const forEveryone = { NODE_COMPILE_CACHE: join(root, ".cache/compile") };

  const world = await step("Starting the emulated world", () =>
    startEmulatedWorld(config, readConfig({ ...env, PORT: String(port) }).publicUrl, { ...bare, ...forEveryone }, logFile),
  );
  running.push(...world.programs);
  const server = await step("Starting the database and the server", () =>
    startProgram({
      name: "server",
      file: "server/src/main.ts",
      args: [],
      nodeArgs: heapFlags,
      env: { ...env, ...forEveryone, ...world.env, PORT: String(port), DRAIN_SECONDS: String(drainSeconds), EARSHOT_READY_LINE: "1" },
      logFile: logFile("server"),
    }),
  );
  running.push(server);
  if (config.databaseUrl === null) databaseIn = config.dataDir;
  world.remember();
  for (const program of running) void program.ended.then((how) => endedByItself(program, how, program === server));

  await greet(config, world, server);
  const wantsDemo =
    emulates && server.ready.first === true && typeof server.ready.demo_key === "string" && !flags["no-demo"] && env.EARSHOT_DEMO !== "0";
  if (wantsDemo) {
    await runDemo({ url: String(server.ready.url), key: String(server.ready.demo_key), signal: farewell.signal });
    if (farewell.signal.aborted) return;
    say();
    say(tone("dim", "Earshot keeps running. Ctrl-C stops it."));
  }
}

// ---- environment ---------------------------------------------------------------------------------------------------------------

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(names.map((name) => [name, env[name]]));
}

// ---- others on this machine ----------------------------------------------------------------------------------------------------

/** Waits for another Earshot that is just closing, and throws what is in the way when it stays. Nothing is started before. */
async function untilNobodyIsInTheWay(config: Config): Promise<void> {
  let inTheWay = await whatIsInTheWay(config);
  if (inTheWay === null) return;
  if (!inTheWay.mayPass) throw inTheWay.failure;
  await step("Another program is in the way. Waiting, in case it is an Earshot that is just ending", async () => {
    for (const deadline = Date.now() + OTHER_ENDS_WITHIN_MS; inTheWay !== null && Date.now() < deadline; ) {
      await sleep(200);
      inTheWay = await whatIsInTheWay(config);
    }
    if (inTheWay !== null) throw inTheWay.failure;
  });
}

async function whatIsInTheWay(config: Config): Promise<{ failure: Failure; mayPass: boolean } | null> {
  const { port, publicUrl, databaseUrl, dataDir } = config;
  const owner = databaseUrl === null ? await findOwner(dataDir) : null;
  if (owner !== null) return { failure: new EmbeddedTaken(dataDir, owner.pid), mayPass: true };
  const why = await whyNotListen(port, listenOn(publicUrl));
  if (why === null) return null;
  const { message, mayPass } = portRefused(port, why, why === "EADDRINUSE" ? whoListens(port) : null);
  return { failure: new ConfigFailure([{ field: "PORT", message }]), mayPass };
}

// ---- what the person sees ------------------------------------------------------------------------------------------------------

async function greet(config: Config, world: EmulatedWorld, server: Program): Promise<void> {
  const { url, sign_in } = server.ready;
  const line = (what: string, text: string): void => say(`  ${what.padEnd(11)}${text}`);
  say();
  say(`  ${tone("bold", "Earshot is ready")} ${tone("dim", `after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)}`);
  say();
  line("Dashboard", tone("bold", String(url)));
  line(
    "Sign in",
    typeof sign_in === "string"
      ? `${sign_in} ${tone("dim", "(works once, for 15 minutes)")}`
      : `with ${config.admin?.email ?? "your account"}`,
  );
  if (world.carrierUrl !== null) {
    line("Phone", "the emulated network: no VONAGE_* is set. Nobody is really called. People to dial:");
    const people = await emulatedPeople(world.carrierUrl);
    for (const person of people.slice(0, BASIC_PEOPLE)) line("", `${person.number}  ${tone("dim", person.habit)}`);
    const more = people.length - BASIC_PEOPLE;
    line("", more > 0 ? `${more} more are listed in emulators/vonage/README.md` : "they are listed in emulators/vonage/README.md");
    line("", `${tone("bold", `${world.carrierUrl}/phone`)} ${tone("dim", "your own phone, in the browser: to be called, and to call")}`);
    line("", `${tone("bold", `${world.carrierUrl}/`)} ${tone("dim", "what the network sees: calls, legs, webhooks")}`);
  } else line("Phone", `Vonage, with ${config.vonage?.number}: people are really called`);
  const engineKeys = engineKinds.map(({ needs: [key] }) => key).join(" nor ");
  line("Engine", enginesOf(config).join(" and ") || `the emulated one: neither ${engineKeys} is set`);
  if (world.carrierUrl !== null && !flags.logs) line("Logs", relative(process.cwd(), join(config.dataDir, "logs")) || ".");
  for (const warning of config.warnings) line("Look at", tone("bad", warning));
  line("Stop", "Ctrl-C");
  say();
}

/** The engines that are configured, each with where it is. */
function enginesOf({ engines }: Config): string[] {
  return engineKinds.filter(({ name }) => name in engines).map((kind) => kind.describe(engines[kind.name]));
}

/** None when the network is gone just now: that is told by itself, and no reason to go down with it. */
async function emulatedPeople(carrierUrl: string): Promise<readonly { number: string; habit: string }[]> {
  try {
    const answer = await fetch(new URL("/emulator/people", carrierUrl), { signal: AbortSignal.timeout(PEOPLE_WITHIN_MS) });
    return ((await answer.json()) as { people: { number: string; habit: string }[] }).people;
  } catch {
    return [];
  }
}

// ---- the end -------------------------------------------------------------------------------------------------------------------

function stopWhenAsked(): void {
  let askedAt = 0;
  const ask = (): void => {
    const now = performance.now();
    if (askedAt === 0) {
      askedAt = now;
      say();
      say(tone("dim", "Stopping. Again to stop at once."));
      void stopAll().then(() => process.exit(0));
    } else if (now - askedAt > ONE_PRESS_MS) {
      void Promise.all(running.map((program) => program.stop(0)))
        .then(stopDatabase)
        .then(() => process.exit(1));
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"]) process.on(signal, ask);
}

async function stopAll(): Promise<void> {
  farewell.abort();
  for (const program of running.toReversed())
    await program.stop(program.name === "server" ? drainSeconds * 1000 + SERVER_GRACE_MS : EMULATOR_GRACE_MS);
  await stopDatabase();
}

/** The server stops its database; one that was killed, or broke, could not. */
async function stopDatabase(): Promise<void> {
  const tell = (text: string): void => say(tone("dim", text));
  if (databaseIn !== null) await stopLeftover(databaseIn, { info: tell, warn: tell, error: tell });
}

/** Without its server Earshot is over; without an emulator the calls it carried are, and everything else stays. */
async function endedByItself(program: Program, how: string, isServer: boolean): Promise<void> {
  if (farewell.signal.aborted) return;
  if (!isServer) {
    say(
      tone(
        "bad",
        `The ${program.name} ended by itself (${how}). Earshot stays up, but new calls fail until it is back: Ctrl-C, then npm start.`,
      ),
    );
    return;
  }
  say(tone("bad", `The ${program.name} ended by itself (${how}). Stopping the rest; the logs say why.`));
  await stopAll();
  process.exit(1);
}
