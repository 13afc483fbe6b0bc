/** Hume's EVI as a program: `node emulators/evi/main.ts --port 8701 --api-key KEY`. See README.md beside this file. */
import { log, runUntilTold } from "../program.ts";
import { everyone, loadBook } from "./book.ts";
import { startEvi } from "./server.ts";
import { readSettings } from "./settings.ts";

try {
  const settings = readSettings(process.argv.slice(2), process.env);
  const listener = await loadBook({ people: everyone(settings.people ?? null), folder: settings.phrases ?? null, log });
  const evi = await startEvi({
    port: settings.port,
    apiKey: settings.apiKey,
    listener,
    dumpFolder: settings.dump ?? null,
    pace: { thinkMs: settings.thinkMs, speed: settings.speed },
    webhookSigningKey: settings.webhookKey,
    keepAudioBytes: settings.keepAudioMb * 1024 * 1024,
    unknownConfig: settings.unknownConfig,
    log,
  });
  runUntilTold(evi, settings.withParent);
} catch (problem) {
  log(problem instanceof Error ? problem.message : String(problem));
  process.exit(2);
}
