import { agents } from "../directive.ts";
import { faultTable } from "../faults.ts";
import type { ConfigBody } from "./bodies.ts";
import type { Library, Version } from "./library.ts";

/**
 * The tables' names (`storyteller`, `drop`) are Configs too, for whoever reads one to make another of it: its prompt is the directive. They are
 * in no list and cannot be changed.
 */
export function withNamed(library: Library<ConfigBody>): Library<ConfigBody> {
  const rows = [...agents.map(({ name, habit }) => ({ name, does: habit })), ...faultTable];
  const named = new Map<string, Version<ConfigBody>>(
    rows.map(({ name, does }) => [
      name,
      {
        id: name,
        version: 0,
        name,
        description: does,
        createdMs: 0,
        modifiedMs: 0,
        body: { evi_version: "3", prompt: { text: `[emulator: ${name}]` } },
      },
    ]),
  );
  return {
    ...library,
    find: (id, version) => library.find(id, version) ?? (version ? null : (named.get(id) ?? null)),
    versions(id) {
      const one = named.get(id);
      return one ? [one] : library.versions(id);
    },
  };
}
