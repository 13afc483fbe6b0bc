/** `npm run chaos-full -w bench`: the full runs one after the other, two servers and then one; ends with 1 when either found anything. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const done = ["2", "1"].map((servers) => {
  const args = ["--servers", servers, "--calls", "500", "--wave", "40", "--kills", "2", "--drops", "1", "--postgres", "1", "--engine", "1"];
  const more = ["--phone", "1", ...process.argv.slice(2)];
  return spawnSync(process.execPath, [join(import.meta.dirname, "main.ts"), ...args, ...more], { stdio: "inherit" }).status;
});
process.exit(done.every((status) => status === 0) ? 0 : 1);
