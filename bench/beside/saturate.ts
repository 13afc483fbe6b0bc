/** Asks a server for what dashboards and programs ask, as fast as it is answered, on many connections; says on stop how much that was. */
import { Agent, get } from "node:http";
import { percentile } from "../bridge/spread.ts";

const [origin = "", keysText = "", callsText = "", connections = "32"] = process.argv.slice(2);
const keys = keysText.split(",");
const calls = callsText.split(",");
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const times: number[] = [];
const refusals = new Map<number, number>();
let running = true;

const some = <T>(things: readonly T[]): T => things[Math.floor(Math.random() * things.length)] as T;
const pages = [
  () => "/api/calls?limit=50",
  () => `/api/calls/${some(calls)}`,
  () => `/api/calls/${some(calls)}/utterances`,
  () => `/api/calls/${some(calls)}/events`,
  () => "/api/agents",
  () => "/",
];

function ask(path: string): Promise<number> {
  return new Promise((settle) => {
    get(`${origin}${path}`, { agent, headers: { authorization: `Bearer ${some(keys)}` } }, (answer) => {
      answer.resume();
      answer.once("end", () => settle(answer.statusCode ?? 0));
      answer.once("error", () => settle(0));
    }).once("error", () => settle(0));
  });
}
async function client(): Promise<void> {
  while (running) {
    const at = performance.now();
    const status = await ask(some(pages)());
    times.push(performance.now() - at);
    if (status !== 200) refusals.set(status, (refusals.get(status) ?? 0) + 1);
  }
}
// Dashboards that follow what happens.
for (let i = 0; i < 20; i++)
  get(`${origin}/api/live`, { agent, headers: { authorization: `Bearer ${some(keys)}` } }, (answer) => answer.resume()).once(
    "error",
    () => {},
  );
for (let i = 0; i < Number(connections); i++) void client();

process.on("message", () => {
  running = false;
  process.send?.({ answered: times.length, p50: percentile(times, 0.5), p99: percentile(times, 0.99), refusals: [...refusals] });
  setTimeout(() => process.exit(0), 100);
});
