/** `npm run adapters -w bench`: what an engine's adapter costs a message, against JSON.parse and base64 of the same bytes. See README.md. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../../server/src/clock.ts";
import { audioInput } from "../../server/src/engine/evi/wire.ts";
import { append } from "../../server/src/engine/openai/wire.ts";
import { type CallId, newId } from "../../server/src/ids.ts";
import { openJournals } from "../../server/src/journal/file.ts";
import { startProgram } from "../chaos/program.ts";
import { keepResult, machine } from "../results.ts";
import { collect, type Message } from "./collect.ts";
import { rareOfEvi, rareOfRealtime } from "./rare.ts";
import { evi, floor, realtime, type Side, type Tap } from "./sides.ts";

const { values } = parseArgs({
  options: {
    turns: { type: "string", default: "6" },
    rounds: { type: "string", default: "150" },
    /** Nothing is written into results/. */
    dry: { type: "boolean", default: false },
    note: { type: "string", default: "" },
  },
});
const KEY = "bench-key";

interface Adapter {
  readonly name: string;
  readonly messages: readonly Message[];
  readonly rare: readonly Message[];
  readonly floor: () => Side;
  readonly adapter: (rate: number | null, tap: Tap | null) => Side;
}

/** What must be true of the whole of a conversation's messages, and of a message on average. */
const MOST = 1.3;

/** What looking at the clock costs by itself, ns: taken off every figure. */
const clockNs = ((): number => {
  const costs: number[] = [];
  for (let n = 0; n < 20_000; n++) {
    const before = process.hrtime.bigint();
    costs.push(Number(process.hrtime.bigint() - before));
  }
  return median(costs);
})();

/** Rounds before the first that counts: a server has heard thousands of messages in its first minute, and its code is compiled by then. */
const WARM_UP = 300;
/** A journal that is not written out for this loop's sake is soon full, and leaves records out, which costs nothing: it is waited for, unmeasured. */
const MOST_WAITING_BYTES = 1_000_000;

/** Of each message by itself, in order, the nanoseconds it takes: the median over rounds, in which all sides take turns, each round another first. */
async function medians(messages: readonly Message[], sides: readonly (() => Side)[]): Promise<number[][]> {
  const times = sides.map(() => messages.map((): number[] => []));
  for (let round = -WARM_UP; round < Number(values.rounds); round++) {
    while (journals.waitingBytes() > MOST_WAITING_BYTES) await setTimeout(20);
    for (let turn = 0; turn < sides.length; turn++) {
      const at = (turn + round + WARM_UP) % sides.length;
      const side = (sides[at] as () => Side)();
      for (const [n, { bytes }] of messages.entries()) {
        const before = process.hrtime.bigint();
        side(bytes);
        const took = Number(process.hrtime.bigint() - before);
        if (round >= 0) times[at]?.[n]?.push(took);
      }
    }
  }
  return times.map((side) => side.map((all) => Math.max(1, median(all) - clockNs)));
}

interface Row {
  readonly type: string;
  readonly count: number;
  readonly bytes: number;
  readonly us: number;
  /** Times the floor: without and with the journal, and with resampling too. */
  readonly plain: number;
  readonly tapped: number;
  readonly resampled: number;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((x, y) => x - y)[numbers.length >> 1] as number;
}
const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
const mean = (numbers: readonly number[]): number => sum(numbers) / numbers.length;

/** By kind, the costliest first. */
async function rowsOf(
  { floor, adapter }: Adapter,
  messages: readonly Message[],
): Promise<{ readonly rows: Row[]; readonly all: Row; readonly each: Row }> {
  const [atFloor = [], plain = [], tapped = [], resampled = []] = await medians(messages, [
    floor,
    () => adapter(null, null),
    () => adapter(null, tap),
    () => adapter(16_000, tap),
  ]);
  const row = (type: string, which: (n: number) => boolean, over: (times: readonly number[]) => number): Row => {
    const these = messages.flatMap((_, n) => (which(n) ? [n] : []));
    const of = (side: readonly number[]): number[] => these.map((n) => side[n] as number);
    const ratio = (side: readonly number[]): number => over(side);
    return {
      type,
      count: these.length,
      bytes: Math.round(mean(these.map((n) => (messages[n] as Message).bytes.length))),
      us: mean(of(tapped)) / 1000,
      plain: ratio(plain),
      tapped: ratio(tapped),
      resampled: ratio(resampled),
    };
  };
  const totalOf = (which: (n: number) => boolean) => (side: readonly number[]) =>
    sum(side.filter((_, n) => which(n))) / sum(atFloor.filter((_, n) => which(n)));
  const any = (): boolean => true;
  const types = [...new Set(messages.map(({ type }) => type))];
  const rows = types.map((type) => {
    const which = (n: number): boolean => messages[n]?.type === type;
    return row(type, which, totalOf(which));
  });
  return {
    rows: rows.sort((a, b) => b.us - a.us),
    all: row("**all, by their time**", any, totalOf(any)),
    each: row("**a message, on average**", any, (side) => mean(side.map((ns, n) => ns / (atFloor[n] as number)))),
  };
}

const dir = await mkdtemp(join(tmpdir(), "earshot-adapters-"));
const start = (file: string) => startProgram(file, ["--api-key", KEY, "--think-ms", "50"], { PATH: process.env.PATH }, join(dir, "log"));
const journals = openJournals({ dir: join(dir, "journal"), clock: systemClock, log: { warn: () => undefined } });
const journal = journals.open(newId<CallId>());
/** As the bridge wires it: what is heard goes into the call's journal. */
const tap: Tap = (message) => journal.put("engineHeard", systemClock.monotonicMs(), message);
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
      rare: rareOfEvi,
      floor: () => floor("data"),
      adapter: evi,
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
      rare: rareOfRealtime,
      floor: () => floor("delta"),
      adapter: realtime,
    },
  ];
} finally {
  await Promise.all([eviProgram.stop(), openAiProgram.stop()]);
}

const date = new Date().toISOString();
const lines = [
  "# What an adapter costs a message",
  "",
  `${date.slice(0, 16).replace("T", " ")} UTC, ${machine()}.${values.note === "" ? "" : ` ${values.note}`}`,
  `${turns} turns with each emulator, replayed ${values.rounds} times, adapter and floor in turn; each message timed by itself, medians, less ${clockNs} ns for the clock.`,
  `The floor is \`JSON.parse\` and base64 of the same bytes. Times are with the journal, which keeps every text and is written out between rounds.`,
];
const verdicts: { readonly text: string; readonly good: boolean }[] = [];
const marked = (ratio: number): string => `${ratio.toFixed(2)}${ratio > MOST ? " !" : ""}`;
const shown = ({ type, count, bytes, us, plain, tapped, resampled }: Row): string =>
  `| ${type.startsWith("**") ? type : `\`${type}\``} | ${count} | ${bytes} | ${us.toFixed(1)} | ${marked(plain)} | ${marked(tapped)} | ${resampled.toFixed(2)} |`;
const head = [
  "| message | count | mean bytes | µs | × floor | with the journal | with resampling to 16 kHz too |",
  "|---|---|---|---|---|---|---|",
];
for (const adapter of adapters) {
  const { rows, all, each } = await rowsOf(adapter, adapter.messages);
  lines.push("", `## ${adapter.name}: ${adapter.messages.length} messages, ${Math.round((all.bytes * all.count) / 1024)} KiB`, "", ...head);
  lines.push(...[all, each, ...rows].map(shown));
  lines.push("", "Kinds this conversation had none of:", "", ...head, ...(await rowsOf(adapter, adapter.rare)).rows.map(shown));
  for (const [what, { plain, tapped }] of [
    ["a conversation's messages together", all],
    ["a message on average", each],
  ] as const)
    verdicts.push({
      good: plain <= MOST,
      text: `${adapter.name}: ${what}: ${plain.toFixed(2)} × the floor, ${plain <= MOST ? "no more" : "**more**"} than ${MOST}; with the bridge's journal, which keeps a copy of it, ${tapped.toFixed(2)}.`,
    });
}
lines.push("", "## Verdict", "", ...verdicts.map(({ text }) => `- ${text}`));
await journals.close();
await rm(dir, { recursive: true, force: true });
const text = `${lines.join("\n")}\n`;
process.stdout.write(text);
if (!values.dry) process.stderr.write(`written: results/${await keepResult("adapters", text)}\n`);
if (verdicts.some(({ good }) => !good)) process.exitCode = 1;
