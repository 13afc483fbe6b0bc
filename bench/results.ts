import { writeFile } from "node:fs/promises";
import { cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";

/** The machine a run was made on, and how busy it was before: a figure without it means nothing. */
export function machine([load = 0] = loadavg()): string {
  return `${cpus().length} cores of ${cpus()[0]?.model.trim() ?? "an unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}, ${process.platform}, load ${load.toFixed(1)} before the run`;
}

/** Writes a page into results/, named by day, time, what was measured and the kind of machine; never over another run's. Resolves with its name. */
export async function keepResult(what: string, page: string, at = new Date()): Promise<string> {
  const [day = "", time = ""] = at.toISOString().split("T");
  const kind = `${cpus().length}-core-${process.platform}`;
  for (let nth = 1; ; nth++) {
    const name = `${day}-${time.slice(0, 5).replace(":", "")}-${what}-${kind}${nth === 1 ? "" : `-${nth}`}.md`;
    try {
      await writeFile(join(import.meta.dirname, "results", name), page, { flag: "wx" });
      return name;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
