// npm start: installs what is missing, then runs Earshot and, with nothing configured, the emulated world around it.
import { handOver } from "./hand-over.mjs";

await handOver("run.ts", { dashboard: true });
