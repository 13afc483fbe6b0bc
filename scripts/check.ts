import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { buildDashboard, root, run } from "./prepare.mjs";
import { step } from "./progress.mjs";
import { say } from "./terminal.ts";
import { installTools, missingTools } from "./tools.ts";
import { breaches, sourceFiles } from "./walls.ts";

/**
 * What `npm test` runs once the machine is ready: the checks, then the tests beside the code, then whole calls with a browser.
 * Arguments are filters on the test files; with one, only tests run. Ends with one line, `N passed, N failed`, over everything.
 */

const filters = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, by name: said once more at the end, where it is found. */
const failures: string[] = [];
const folder = mkdtempSync(join(tmpdir(), "earshot-check-"));
const program = (path: string): string => join(root, "node_modules", path);
const node = process.execPath;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "disconnect"]) process.on(signal, () => process.exit(130));

if (filters.length === 0) {
  await check("Types", () => run(node, [program("typescript/bin/tsc"), "-b"], { cwd: root }));
  await check("Format and lint", () =>
    run(node, [program("@biomejs/biome/bin/biome"), "ci", "--error-on-warnings", "--diagnostic-level=warn", "--colors=off"], { cwd: root }),
  );
  await check("Walls between the rooms", async () => {
    const found = breaches(sourceFiles(root)).map(({ file, line, why }) => `${file}:${line} ${why}`);
    if (found.length > 0) throw new Error(found.join("\n"));
  });
}
const missing = missingTools();
const hasTools =
  missing.length === 0 || (await check(`Installing ${missing.map((tool) => tool.what).join(" and ")}`, () => installTools(missing)));
await tests("Tests beside the code", []);

const built = await check("The dashboard, built", () => buildDashboard(node, process.env));
if (built && hasTools) await tests("Whole calls, with a browser", ["--root", "e2e"]);

rmSync(folder, { recursive: true, force: true });
say();
for (const name of failures) say(`failed: ${name}`);
if (total.skipped > 0) say(`${total.skipped} skipped: they are about another machine, account or engine than this one`);
say(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);

/** One yes or no that counts as a test. */
async function check(what: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await step(what, work);
    total.passed++;
    return true;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n`);
    total.failed++;
    failures.push(what);
    return false;
  }
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

/** Runs vitest with its own output, and adds up what it reports. A file that does not load, or an error outside of any test, is a failure too. */
async function tests(what: string, more: readonly string[]): Promise<void> {
  say(`\n${what}`);
  const reportFile = join(folder, `${total.passed}.json`);
  const args = [
    "run",
    ...more,
    "--passWithNoTests",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${reportFile}`,
    ...filters,
  ];
  const code = await new Promise<number>((settle) => {
    const child = spawn(node, [program("vitest/vitest.mjs"), ...args], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    process.once("exit", () => child.kill("SIGTERM"));
    child.once("close", (code) => settle(code ?? 1));
  });
  const report: Report = existsSync(reportFile)
    ? (JSON.parse(readFileSync(reportFile, "utf8")) as Report)
    : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, testResults: [] };
  const notLoaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  const failed = report.numFailedTests + notLoaded.length;
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status !== "failed") continue;
      failures.push(`${relative(root, file.name)} > ${test.fullName}: ${test.failureMessages?.[0]?.split("\n", 1)[0] ?? ""}`);
    }
  }
  for (const file of notLoaded) failures.push(`${relative(root, file.name)} does not load`);
  if (failed === 0 && code !== 0) failures.push(`${what}: an error outside of any test, or an exit code of ${code}`);
  total.passed += report.numPassedTests;
  total.skipped += report.numPendingTests;
  total.failed += failed === 0 && code !== 0 ? 1 : failed;
}
