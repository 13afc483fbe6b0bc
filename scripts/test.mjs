// npm test: installs what is missing, then checks everything. Ends with one line, `N passed, N failed`.
import { handOver } from "./hand-over.mjs";

await handOver("check.ts", { dashboard: false, lastWord: "0 passed, 1 failed" });
