import { timingSafeEqual } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { type Application, ChangeApplication } from "./application.ts";
import { refuse, refuseParameters } from "./problems.ts";
import type { Settings } from "./settings.ts";

/**
 * What an owner sees of the account, behind key and secret: the application with its webhooks, and the number linked to it. See
 * https://developer.vonage.com/en/api/application.v2 and https://developer.vonage.com/en/api/numbers.
 */
export function applicationsDoor(
  app: FastifyInstance,
  { application, settings }: { readonly application: Application; readonly settings: Settings },
): void {
  app.addHook("onRequest", async (request, reply) => {
    if (settings.apiSecret === undefined) return refuse(reply, 401, "this network was started without --api-secret");
    const expected = `Basic ${Buffer.from(`${settings.apiKey}:${settings.apiSecret}`).toString("base64")}`;
    if (!same(request.headers.authorization ?? "", expected)) return refuse(reply, 401);
  });

  app.get("/v2/applications", async () => ({
    page_size: 10,
    page: 1,
    total_items: 1,
    total_pages: 1,
    _embedded: { applications: [application.view()] },
    _links: { self: { href: "/v2/applications" }, first: { href: "/v2/applications" }, last: { href: "/v2/applications" } },
  }));

  app.get("/v2/applications/:id", async (request, reply) => {
    return (request.params as { id: string }).id === application.id ? application.view() : refuse(reply, 404);
  });

  app.put("/v2/applications/:id", async (request, reply) => {
    if ((request.params as { id: string }).id !== application.id) return refuse(reply, 404);
    const parsed = ChangeApplication.safeParse(request.body);
    if (!parsed.success) return refuseParameters(reply, parsed.error);
    application.change(parsed.data);
    return application.view();
  });

  app.get("/account/numbers", async () => ({
    count: 1,
    numbers: [
      {
        country: "US",
        msisdn: settings.number.slice(1),
        type: "mobile-lvn",
        features: ["VOICE"],
        voiceCallbackType: "app",
        voiceCallbackValue: application.id,
        app_id: application.id,
      },
    ],
  }));
}

function same(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
