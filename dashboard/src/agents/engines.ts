import type { EngineInfo } from "../ask/shapes.ts";

type Titled = Pick<EngineInfo, "name" | "title">;

/** The engines to choose from: those the server knows, and the one chosen, which it may not know any more or not have told yet. */
export function titles(known: readonly Titled[] | undefined, chosen: string): readonly Titled[] {
  const all = known ?? [];
  return all.some(({ name }) => name === chosen) ? all : [...all, { name: chosen, title: chosen }];
}

/** An engine as people read it; its name until the server has told. */
export const titleOf = (known: readonly Titled[] | undefined, name: string): string =>
  known?.find((one) => one.name === name)?.title ?? name;
