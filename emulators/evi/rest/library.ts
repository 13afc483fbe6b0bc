import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";

/** One version of a config, prompt or tool. */
export interface Version<Body> {
  readonly id: string;
  readonly version: number;
  readonly body: Body;
  readonly createdMs: number;
  name: string;
  description: string | null;
  modifiedMs: number;
}

/** Things with a name and numbered versions from 0, as Hume keeps configs, prompts and tools. Versions are never changed, only described anew. */
export interface Library<Body> {
  create(name: string, description: string | null, body: Body, id?: string): Version<Body>;
  /** Null when nobody knows the id. */
  add(id: string, description: string | null, body: Body): Version<Body> | null;
  versions(id: string): readonly Version<Body>[];
  /** A version, or the latest. */
  find(id: string, version?: number | null): Version<Body> | null;
  /** All, oldest first; only the latest version of each, unless asked otherwise. */
  list(onlyLatest: boolean, name: string | null): readonly Version<Body>[];
  rename(id: string, name: string): boolean;
  describe(id: string, version: number, description: string | null): Version<Body> | null;
  remove(id: string, version?: number): boolean;
}

export function openLibrary<Body>(clock: Clock): Library<Body> {
  const shelves = new Map<string, Version<Body>[]>();

  function put(shelf: Version<Body>[], id: string, name: string, description: string | null, body: Body): Version<Body> {
    const now = clock.now();
    const one: Version<Body> = { id, version: (shelf.at(-1)?.version ?? -1) + 1, body, createdMs: now, name, description, modifiedMs: now };
    shelf.push(one);
    return one;
  }

  function find(id: string, version: number | null = null): Version<Body> | null {
    const shelf = shelves.get(id);
    return (version === null ? shelf?.at(-1) : shelf?.find((one) => one.version === version)) ?? null;
  }

  return {
    create(name, description, body, id = randomUUID()) {
      const shelf: Version<Body>[] = [];
      shelves.set(id, shelf);
      return put(shelf, id, name, description, body);
    },
    add(id, description, body) {
      const shelf = shelves.get(id);
      const latest = shelf?.at(-1);
      return shelf && latest ? put(shelf, id, latest.name, description, body) : null;
    },
    versions: (id) => shelves.get(id) ?? [],
    find,
    list(onlyLatest, name) {
      const all = [...shelves.values()].flatMap((shelf) => (onlyLatest ? shelf.slice(-1) : shelf));
      return name === null ? all : all.filter((one) => one.name === name);
    },
    rename(id, name) {
      const shelf = shelves.get(id);
      for (const one of shelf ?? []) {
        one.name = name;
        one.modifiedMs = clock.now();
      }
      return shelf !== undefined;
    },
    describe(id, version, description) {
      const one = find(id, version);
      if (!one) return null;
      one.description = description;
      one.modifiedMs = clock.now();
      return one;
    },
    remove(id, version) {
      if (version === undefined) return shelves.delete(id);
      const shelf = shelves.get(id);
      const at = shelf?.findIndex((one) => one.version === version) ?? -1;
      if (!shelf || at < 0) return false;
      shelf.splice(at, 1);
      if (shelf.length === 0) shelves.delete(id);
      return true;
    },
  };
}
