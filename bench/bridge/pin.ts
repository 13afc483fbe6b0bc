import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Can a process be held to one core here? It takes Linux' taskset and a second core for everybody else. */
export const canPin = (): boolean => {
  try {
    execFileSync("taskset", ["-V"], { stdio: "ignore" });
    return availableParallelism() > 1;
  } catch {
    return false;
  }
};

/** Holds a process, all its threads and those it starts from now on, to one core; null: to all of them. */
export function pin(pid: number, core: number | null): void {
  execFileSync("taskset", ["-a", "-cp", core === null ? `0-${availableParallelism() - 1}` : String(core), String(pid)], {
    stdio: "ignore",
  });
}
