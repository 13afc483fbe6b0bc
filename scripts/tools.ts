import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { run } from "./prepare.mjs";

/** What the tests need besides npm: a browser, and human voices (Debian's prompts of a telephone exchange). */
interface Tool {
  readonly what: string;
  readonly debian: string;
  isThere(): boolean;
}

const inPath = (names: readonly string[]): boolean =>
  (process.env.PATH ?? "").split(delimiter).some((folder) => names.some((name) => existsSync(join(folder, name))));

const tools: readonly Tool[] = [
  {
    what: "Chromium",
    debian: "chromium",
    isThere: () =>
      Boolean(process.env.CHROMIUM) ||
      inPath(["chromium", "chromium-browser", "google-chrome"]) ||
      existsSync("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
  },
  {
    what: "human speech",
    debian: "asterisk-core-sounds-en-wav",
    isThere: () => existsSync("/usr/share/asterisk/sounds/en_US_f_Allison"),
  },
];

export const missingTools = (): readonly Tool[] => tools.filter((tool) => !tool.isThere());

/** Installs what is missing with apt, as root on a Debian. Throws with what a person has to do when it cannot. */
export async function installTools(missing: readonly Tool[]): Promise<void> {
  const packages = missing.map((tool) => tool.debian);
  const command = `apt-get update && apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  const names = missing.map((tool) => tool.what).join(" and ");
  if (spawnSync("apt-get", ["--version"]).status !== 0) {
    throw new Error(
      `The browser tests need ${names}; on Debian: sudo sh -c "${command}". There is no apt-get here: set CHROMIUM to a browser's path.`,
    );
  }
  if (process.getuid?.() !== 0) throw new Error(`The browser tests need ${names}. Please run: sudo sh -c "${command}"`);
  await run("sh", ["-c", command], { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  const still = missingTools();
  if (still.length > 0)
    throw new Error(`apt installed ${packages.join(" and ")}, but ${still.map((tool) => tool.what).join(" and ")} cannot be found.`);
}
