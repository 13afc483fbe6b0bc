/** The carrier's side, a process of its own so that only ours is measured: hands out recordings. Says where, and how large they are, on one line. */
import { conversation, mp3Of } from "../../server/src/recordings/audio/test-sounds.ts";
import { startTestFiles } from "../../server/src/recordings/test-files.ts";

const [count = "20", largeBytes = "62914560"] = process.argv.slice(2);
const files = await startTestFiles();
const spoken = await mp3Of(conversation(300, 1));
/** The frames of one recording again and again, without its first frame, which names a length. */
const times = Math.max(1, Math.round(Number(largeBytes) / spoken.length));
const large = Buffer.concat(Array.from({ length: times }, (_, i) => (i === 0 ? spoken : spoken.subarray(288))));
for (let i = 0; i < Number(count) + 4; i++) {
  files.serve(`spoken-${i}`, spoken);
  files.serve(`large-${i}`, large);
}
const { url, privateKeyPem } = files;
process.stdout.write(`${JSON.stringify({ url, privateKeyPem, spoken: spoken.length, large: large.length })}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
