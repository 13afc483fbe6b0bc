// npm run phone-network: installs what is missing, then runs the emulated phone network alone, with this command's flags.
import { handOver } from "./hand-over.mjs";

await handOver("../emulators/vonage/main.ts", { dashboard: false });
