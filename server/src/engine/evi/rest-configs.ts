import { z } from "zod";
import { EngineHasNot } from "../failures.ts";
import type { BaseConfig } from "./config-body.ts";
import type { HumeRest } from "./rest.ts";

/** Configs as Hume keeps them: an id, and versions that are never changed (hume-evi §5.1). All throw EngineFailure. */

const Config = z.looseObject({
  id: z.string(),
  version: z.number().int(),
  name: z.string().nullish().catch(null),
  version_description: z.string().nullish().catch(null),
});
type Config = z.infer<typeof Config>;
const Page = z.looseObject({ configs_page: z.array(z.unknown()).catch([]) });

export interface ConfigVersion {
  readonly id: string;
  readonly version: number;
}

const PAGE = 100;
const MOST_PAGES = 20;

/** A Config, the latest version or a certain one, as the ground of another. */
export async function readConfig(rest: HumeRest, id: string, version: number | null, signal?: AbortSignal): Promise<BaseConfig> {
  const path = `/v0/evi/configs/${encodeURIComponent(id)}`;
  if (version !== null) {
    const body = await rest.read(Config, "GET", `${path}/version/${version}`, undefined, signal);
    return { id: body.id, version: body.version, body };
  }
  const versions = await pages(rest, path, "", signal);
  // Neither the order of versions is documented, nor whether an unknown Config is a 404 or one without any.
  const latest = versions.reduce<Config | null>((best, one) => (best === null || one.version > best.version ? one : best), null);
  if (latest === null) throw new EngineHasNot(`the Config ${id}`, 404);
  return { id, version: latest.version, body: latest };
}

/** Is this version still there? */
export async function hasVersion(rest: HumeRest, { id, version }: ConfigVersion, signal?: AbortSignal): Promise<void> {
  await rest.ask("GET", `/v0/evi/configs/${encodeURIComponent(id)}/version/${version}`, undefined, signal);
}

/** The Config of a name; null when there is none. */
export async function configNamed(rest: HumeRest, name: string, signal?: AbortSignal): Promise<string | null> {
  const found = await pages(rest, "/v0/evi/configs", `name=${encodeURIComponent(name)}&`, signal);
  return found.find((one) => one.name === name)?.id ?? null;
}

/** The latest version whose description ends with `mark`; null when there is none. */
export async function versionMarked(rest: HumeRest, id: string, mark: string, signal?: AbortSignal): Promise<ConfigVersion | null> {
  const found = (await pages(rest, `/v0/evi/configs/${encodeURIComponent(id)}`, "", signal)).filter((one) =>
    one.version_description?.endsWith(mark),
  );
  const version = Math.max(...found.map((one) => one.version));
  return found.length === 0 ? null : { id, version };
}

/** A new Config, at its first version. */
export async function createConfig(rest: HumeRest, body: object, signal?: AbortSignal): Promise<ConfigVersion> {
  return made(await rest.read(Config, "POST", "/v0/evi/configs", body, signal));
}

/** A new version of a Config. The name stays. */
export async function addVersion(rest: HumeRest, id: string, body: object, signal?: AbortSignal): Promise<ConfigVersion> {
  return made(await rest.read(Config, "POST", `/v0/evi/configs/${encodeURIComponent(id)}`, body, signal));
}

const made = ({ id, version }: Config): ConfigVersion => ({ id, version });

/** Every page until an empty or a short one. */
async function pages(rest: HumeRest, path: string, query: string, signal?: AbortSignal): Promise<Config[]> {
  const all: Config[] = [];
  for (let number = 0; number < MOST_PAGES; number++) {
    const page = await rest.read(Page, "GET", `${path}?${query}page_number=${number}&page_size=${PAGE}`, undefined, signal);
    for (const one of page.configs_page) {
      const read = Config.safeParse(one);
      if (read.success) all.push(read.data);
    }
    if (page.configs_page.length < PAGE) break;
  }
  return all;
}
