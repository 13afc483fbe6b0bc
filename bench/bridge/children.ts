import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts one of the bench's processes; it can collect its garbage when asked. Whoever is measured runs with `flags`, the product's. */
export const start = (file: string, args: readonly string[], flags: readonly string[] = []): ChildProcess =>
  fork(join(import.meta.dirname, file), [...args], {
    execArgv: ["--expose-gc", ...flags],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });

type Telling<T extends { tell: string }, Name extends T["tell"]> = Extract<T, { tell: Name }>;

export function told<T extends { tell: string }, Name extends T["tell"]>(child: ChildProcess, name: Name): Promise<Telling<T, Name>> {
  return new Promise((resolve, reject) => {
    const hear = (message: unknown): void => {
      if ((message as T).tell !== name) return;
      child.off("message", hear);
      child.off("exit", gone);
      resolve(message as Telling<T, Name>);
    };
    const gone = (code: number | null): void => reject(new Error(`${child.spawnargs[2]} ended with ${code} before it told "${name}".`));
    child.on("message", hear);
    child.once("exit", gone);
  });
}

export function ask<T extends { tell: string }, Name extends T["tell"]>(
  child: ChildProcess,
  question: object,
  name: Name,
): Promise<Telling<T, Name>> {
  const answer = told<T, Name>(child, name);
  child.send(question);
  return answer;
}

export const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once("exit", resolve));
