import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fastify from "fastify";
import { refuseForeignHosts } from "../loopback.ts";
import { namesUs, reachableAt } from "./addresses.ts";
import { Application } from "./application.ts";
import { applicationsDoor } from "./applications-door.ts";
import { BrowserPhones } from "./browser-phones.ts";
import { control } from "./control.ts";
import { Directory } from "./directory.ts";
import { Dump } from "./dump.ts";
import { Files } from "./files.ts";
import { filesDoor } from "./files-door.ts";
import { introduce } from "./introduce.ts";
import { RollingSecond } from "./limits.ts";
import { personCallsIn } from "./new-calls.ts";
import { Pages } from "./pages.ts";
import { refuse } from "./problems.ts";
import { Recordings } from "./recordings.ts";
import { type RefusedRequest, RefusedRequests } from "./refused-requests.ts";
import { rest } from "./rest.ts";
import type { Settings } from "./settings.ts";
import { Switchboard } from "./switchboard.ts";
import { Ticker } from "./ticker.ts";
import { openTokenCheck } from "./tokens.ts";
import { Webhooks } from "./webhooks.ts";

export interface Network {
  /** Where it can be reached: `--public-url`, else the address it listens at. */
  readonly url: string;
  /** Ends every call, waits for what is to be told about them, and stops listening. */
  close(): Promise<void>;
}

/**
 * Starts a phone network.
 *
 * @param log of what went wrong in the network itself
 * @param refused is told of every request of the application that got an error
 * @throws BadPeople, or what `listen` throws when the port is taken
 */
export async function startNetwork(
  settings: Settings,
  log: (line: string) => void = () => {},
  refused: (request: RefusedRequest) => void = () => {},
): Promise<Network> {
  const directory = await Directory.open(settings.people);
  const checkToken = await openTokenCheck(settings.applicationId, settings.publicKeyPem);
  const folder = await mkdtemp(join(tmpdir(), "phone-network-"));
  const dump = settings.dump ? new Dump(settings.dump) : null;
  await dump?.open();

  const ticker = new Ticker();
  const application = new Application(settings);
  const webhooks = new Webhooks(settings, application, ticker);
  const files = new Files(folder, settings.fileDays * 24 * 3_600_000);
  const calls = new RollingSecond(settings.callsPerSecond);
  const requests = new RollingSecond(settings.requestsPerSecond);
  const pages = new Pages();
  const refusals = new RefusedRequests((refusal) => {
    pages.changed();
    refused(refusal);
  });
  let url = "";
  const exchange = new Switchboard({
    settings,
    application,
    ticker,
    webhooks,
    directory,
    recordings: new Recordings({ settings, ticker, webhooks, files, folder }),
    calls,
    phones: new BrowserPhones(),
    dump,
    ownUrl: () => url,
    changed: pages.changed,
    introduce,
    personCallsIn,
  });

  const app = fastify({ routerOptions: { ignoreTrailingSlash: true }, bodyLimit: 1_000_000, forceCloseConnections: true });
  app.setErrorHandler((problem: { statusCode?: number; message: string }, _request, reply) => {
    const status = problem.statusCode ?? 500;
    if (status === 413 || status === 415) return refuse(reply, status);
    if (status < 500) return refuse(reply, 400, problem.message);
    log(`internal error: ${problem.message}`);
    return refuse(reply, 500);
  });
  refusals.watch(app);
  refuseForeignHosts(
    app,
    (route) => /^\/($|phone$|pages\/|emulator\/)/.test(route),
    (host) => namesUs(settings, host),
  );
  app.setNotFoundHandler((_request, reply) => refuse(reply, 404));
  control(app, exchange, refusals);
  pages.serve(app, exchange);
  await app.register(async (scope) => applicationsDoor(scope, { application, settings }));
  for (const [prefix, elsewhere] of [
    ["", false],
    ["/elsewhere", true],
  ] as const) {
    await app.register(async (scope) => rest(scope, { exchange, requests, checkToken, elsewhere }), { prefix });
    await app.register(async (scope) => filesDoor(scope, { files, checkToken }), { prefix });
  }
  await app.listen({ port: settings.port, host: settings.host });
  url = settings.publicUrl ?? `http://${reachableAt(settings.host)}:${(app.server.address() as AddressInfo).port}`;

  return {
    url,
    async close() {
      await exchange.close();
      pages.close();
      await webhooks.close();
      await app.close();
      ticker.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
