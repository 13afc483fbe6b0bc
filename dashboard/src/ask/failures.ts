import type { Problem } from "./shapes.ts";

/** The server said no, and why. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.title);
    this.problem = problem;
  }
  /** What it says about one field of what was sent, or null. Paths may be dotted: `variables.order`. */
  field(name: string): string | null {
    return this.problem.errors?.find((error) => error.field === name || error.field.startsWith(`${name}.`))?.message ?? null;
  }
}

/** The server answered with something this dashboard does not understand: the two are of different versions. */
export class AnswerDoesNotFit extends Error {
  readonly path: string;
  readonly detail: string;
  constructor(path: string, detail: string) {
    super(`The server's answer to ${path} is not what this dashboard expects.`);
    this.path = path;
    this.detail = detail;
  }
}

/** No answer arrived: the network, or the server is not running. */
export class NoAnswer extends Error {
  constructor(cause: unknown) {
    super("The server did not answer.", { cause });
  }
}

export type Told = { title: string; remedy: string; detail: string | null };

/** Any failure as what a person is told: what happened, what to do, and the small print for whoever helps them. */
export function told(error: unknown): Told {
  if (error instanceof Refused) {
    return { title: error.problem.title, remedy: error.problem.remedy, detail: `${error.problem.status} ${error.problem.code}` };
  }
  if (error instanceof AnswerDoesNotFit) {
    return {
      title: error.message,
      remedy: "Reload the page; if it stays, server and dashboard are of different versions.",
      detail: error.detail,
    };
  }
  if (error instanceof NoAnswer) {
    return {
      title: error.message,
      remedy: "Check that Earshot is running and that you are online, then try again. What was recorded is kept.",
      detail: null,
    };
  }
  return { title: "This page has a fault.", remedy: "Reload it. If it happens again, report the line below.", detail: String(error) };
}

export const isSignedOut = (error: unknown): boolean => error instanceof Refused && error.problem.status === 401;
export const isUnknown = (error: unknown): boolean =>
  error instanceof Refused && (error.problem.status === 404 || error.field("id") !== null);
