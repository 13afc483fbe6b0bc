import { startEmbedded } from "../src/db/embedded.ts";

/** An Earshot that has nothing but its database, for tests that kill it: `node embedded-host.ts DATA_DIR` prints the URL as one line of JSON. */
const said: string[] = [];
const log = {
  info: (text: string) => said.push(text),
  warn: (text: string) => console.error(text),
  error: (text: string) => console.error(text),
};
try {
  const { url, stop } = await startEmbedded({ dataDir: process.argv[2] as string, log, settings: { fsync: "off" } });
  console.log(JSON.stringify({ ready: true, url }));
  process.stdin.resume().once("end", () => void stop());
} catch (error) {
  console.log(JSON.stringify({ ready: false, code: (error as { code?: string }).code, message: (error as Error).message, said }));
}
