/** `npm run adapters -w bench`: what an engine's adapter costs a message, against JSON.parse and base64 of the same bytes. See README.md. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { audioInput } from "../../server/src/engine/evi/wire.ts";
import { append } from "../../server/src/engine/openai/wire.ts";
import { startProgram } from "../chaos/program.ts";
import { collect, type Message } from "./collect.ts";
import { evi, floor, realtime, type Side } from "./sides.ts";

const { values } = parseArgs({
  options: {
    turns: { type: "string", default: "6" },
    rounds: { type: "string", default: "40" },
    /** Nothing is written into results/. */
    dry: { type: "boolean", default: false },
    note: { type: "string", default: "" },
  },
});
const KEY = "bench-key";

interface Adapter {
  readonly name: string;
  readonly messages: readonly Message[];
  readonly floor: () => Side;
  readonly sides: readonly { readonly name: string; readonly make: () => Side }[];
}

/** Nanoseconds of processor time of one run of all `messages`, and of those of each type, timed one by one. */
function timed(messages: readonly Message[], make: () => Side, sums: Map<string, number>): void {
  const side = make();
  for (const { type, bytes } of messages) {
    const before = process.hrtime.bigint();
    side(bytes);
    sums.set(type, (sums.get(type) ?? 0) + Number(process.hrtime.bigint() - before));
  }
}

/** The median over rounds, in which both sides take turns, of how many times the floor's time a side took; by type and in all. */
function ratios(adapter: Adapter, make: () => Side): Map<string, { readonly ratio: number; readonly ns: number }> {
  const rounds: Map<string, number>[] = [];
  const own: Map<string, number>[] = [];
  for (let round = -5; round < Number(values.rounds); round++) {
    const [a, b] = [new Map<string, number>(), new Map<string, number>()];
    timed(adapter.messages, make, a);
    timed(adapter.messages, adapter.floor, b);
    if (round < 0) continue;
    a.set(
      "all",
      [...a.values()].reduce((sum, ns) => sum + ns, 0),
    );
    b.set(
      "all",
      [...b.values()].reduce((sum, ns) => sum + ns, 0),
    );
    rounds.push(new Map([...a].map(([type, ns]) => [type, ns / (b.get(type) as number)])));
    own.push(a);
  }
  const count = (type: string): number =>
    type === "all" ? adapter.messages.length : adapter.messages.filter((one) => one.type === type).length;
  return new Map(
    [...(rounds[0] as Map<string, number>).keys()].map((type) => [
      type,
      {
        ratio: median(rounds.map((round) => round.get(type) as number)),
        ns: median(own.map((round) => round.get(type) as number)) / count(type),
      },
    ]),
  );
}
const median = (numbers: readonly number[]): number => [...numbers].sort((x, y) => x - y)[numbers.length >> 1] as number;

const dir = await mkdtemp(join(tmpdir(), "earshot-adapters-"));
const start = (file: string) => startProgram(file, ["--api-key", KEY, "--think-ms", "50"], { PATH: process.env.PATH }, join(dir, "log"));
const [eviProgram, openAiProgram] = [await start("emulators/evi/main.ts"), await start("emulators/openai/main.ts")];
const ws = (url: string): string => url.replace(/^http/, "ws");
const turns = Number(values.turns);
let adapters: Adapter[];
try {
  adapters = [
    {
      name: "EVI",
      messages: await collect(
        {
          url: `${ws(eviProgram.url)}/v0/evi/chat?verbose_transcription=true`,
          headers: { "X-Hume-Api-Key": KEY },
          settings: {
            type: "session_settings",
            system_prompt: "[emulator: desk]",
            audio: { encoding: "linear16", sample_rate: 16_000, channels: 1 },
          },
          rate: 16_000,
          append: audioInput,
          over: "assistant_end",
        },
        turns,
      ),
      floor: () => floor("data"),
      sides: [
        { name: "adapter", make: () => evi(null) },
        { name: "and resampling to 16 kHz", make: () => evi(16_000) },
      ],
    },
    {
      name: "OpenAI Realtime",
      messages: await collect(
        {
          url: `${ws(openAiProgram.url)}/v1/realtime?model=desk`,
          headers: { authorization: `Bearer ${KEY}` },
          settings: {
            type: "session.update",
            session: {
              type: "realtime",
              audio: {
                input: { transcription: { model: "gpt-realtime-whisper" } },
                output: { format: { type: "audio/pcm", rate: 24_000 } },
              },
            },
          },
          rate: 24_000,
          append,
          over: "response.done",
        },
        turns,
      ),
      floor: () => floor("delta"),
      sides: [
        { name: "adapter", make: () => realtime(null) },
        { name: "and resampling to 16 kHz", make: () => realtime(16_000) },
      ],
    },
  ];
} finally {
  await Promise.all([eviProgram.stop(), openAiProgram.stop()]);
  await rm(dir, { recursive: true, force: true });
}

const date = new Date().toISOString();
const lines = [
  `# What an adapter costs a message`,
  "",
  `${date.slice(0, 16).replace("T", " ")} UTC, ${cpus().length} cores of ${cpus()[0]?.model ?? "an unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, ${process.platform}.${values.note === "" ? "" : ` ${values.note}`}`,
  `${turns} turns with each emulator, replayed ${values.rounds} times, adapter and floor in turn; medians. The floor is \`JSON.parse\` and base64 of the same bytes.`,
];
for (const adapter of adapters) {
  const bytes = adapter.messages.reduce((sum, one) => sum + one.bytes.length, 0);
  lines.push("", `## ${adapter.name}: ${adapter.messages.length} messages, ${Math.round(bytes / 1024)} KiB`, "");
  lines.push("| message | count | mean bytes | adapter, µs | × floor | with resampling to 16 kHz, × floor |", "|---|---|---|---|---|---|");
  const [plain, resampled] = adapter.sides.map(({ make }) => ratios(adapter, make));
  for (const [type, { ratio, ns }] of [...(plain ?? [])].sort(([, a], [, b]) => b.ns - a.ns)) {
    const these = type === "all" ? adapter.messages : adapter.messages.filter((one) => one.type === type);
    const mean = these.reduce((sum, one) => sum + one.bytes.length, 0) / these.length;
    lines.push(
      `| ${type === "all" ? "**all**" : `\`${type}\``} | ${these.length} | ${Math.round(mean)} | ${(ns / 1000).toFixed(1)} | ${ratio.toFixed(2)} | ${resampled?.get(type)?.ratio.toFixed(2)} |`,
    );
  }
}
const text = `${lines.join("\n")}\n`;
process.stdout.write(text);
if (!values.dry)
  await writeFile(
    join(import.meta.dirname, "../results", `${date.slice(0, 10)}-adapters-${cpus().length}-core-${process.platform}.md`),
    text,
  );
